package wasmtest

import "encoding/binary"

// Guest is a module that links against aegis_v1 and has two functions to call.
type Guest struct {
	*Module
	Recv, Send uint32
}

// Addresses that guests made here use.
const (
	FrameAt    = 0       // where [Guest.Receive] puts the frame
	ManifestAt = 1 << 16 // where the manifest's reply is
	ScratchAt  = 2 << 16 // for data of the test
)

// NewGuest returns a module with the two imports, 16 pages of memory and its export.
func NewGuest() *Guest {
	g := &Guest{Module: New()}
	g.Recv = g.Import("aegis_v1", "recv", I32, "")
	g.Send = g.Import("aegis_v1", "send", I32+I32+I32, I32)
	g.Memory(16, 0)
	g.Export("memory", KindMemory, 0)
	return g
}

// Handle exports body as aegis_handle. Local 0 is the length of the frame;
// locals are further ones.
func (g *Guest) Handle(locals string, body ...[]byte) *Guest {
	g.Export("aegis_handle", KindFunc, g.Func(I32, "", locals, body...))
	return g
}

// Receive copies the frame to FrameAt.
func (g *Guest) Receive() []byte { return join(I32Const(FrameAt), Call(g.Recv)) }

// Reply sends the n bytes at ptr as the reply.
func (g *Guest) Reply(ptr, n int) []byte {
	return join(I32Const(0), I32Const(int32(ptr)), I32Const(int32(n)), Call(g.Send), Drop)
}

// Describe answers the op describe, whose frame begins with {"op":"d, with
// manifest, and returns; for other ops it does nothing. The frame must have
// been received.
func (g *Guest) Describe(manifest string) []byte {
	reply := `{"result":` + manifest + `}`
	g.Data(ManifestAt, []byte(reply))
	return join(I32Const(FrameAt), Load8(uint32(len(`{"op":"`))), I32Const('d'), Eq, If,
		g.Reply(ManifestAt, len(reply)), Return, End)
}

// Manifest is a manifest of one adapter, for the port echo.echo.
func Manifest(component, version string) string {
	return `{"abi":1,"name":"` + component + `","version":"` + version + `","adapters":[{"model":"echo","port":"echo"}]}`
}

// Answer is a guest with the manifest that answers every other op with reply.
func Answer(manifest, reply string) []byte {
	g := NewGuest()
	g.Data(ScratchAt, []byte(reply))
	return g.Handle("", g.Receive(), g.Describe(manifest), g.Reply(ScratchAt, len(reply))).Bytes()
}

// Do is a guest with the manifest that runs body for every op but describe,
// once the frame is received, and then answers {}.
func Do(manifest string, locals string, body func(g *Guest) []byte) []byte {
	g := NewGuest()
	g.Data(ScratchAt, []byte("{}"))
	b := body(g)
	return g.Handle(locals, g.Receive(), g.Describe(manifest), b, g.Reply(ScratchAt, 2)).Bytes()
}

// Effect is a guest with the manifest that answers every other op with what
// the host answered to the effect, which is JSON. The host's answer, a reply,
// is passed on whole.
func Effect(manifest, effect string) []byte {
	g := NewGuest()
	at := int32(ScratchAt)
	g.Data(at, []byte(effect))
	return g.Handle(I32, g.Receive(), g.Describe(manifest),
		I32Const(1), I32Const(at), I32Const(int32(len(effect))), Call(g.Send), LocalSet(1),
		I32Const(FrameAt), Call(g.Recv),
		I32Const(0), I32Const(FrameAt), LocalGet(1), Call(g.Send), Drop).Bytes()
}

// Echo is a guest with the manifest whose adapter answers its request: it
// finds the last member of the frame, "arg", and sends it back as the result.
// The export find(n) -> address does the same without the host's functions, on
// a frame that somebody wrote to FrameAt: it is what a benchmark of the bare
// engine calls.
func Echo(manifest string) []byte {
	g := NewGuest()
	// find walks from byte 0 to the first `"arg":` and writes `{"result":`
	// over the ten bytes that end where the argument begins. It returns the
	// address of the brace, or 0.
	const head = `{"result":`
	write := func(at int) []byte { // locals: 0 n, 1 i
		word := binary.LittleEndian.Uint32([]byte(head[at:]))
		return join(LocalGet(1), I32Const(4), Sub, I32Const(int32(word)), Store32(uint32(at)))
	}
	find := g.Func(I32, I32, I32,
		Loop,
		LocalGet(1), Load32(0), I32Const(int32(binary.LittleEndian.Uint32([]byte(`"arg`)))), Eq, If,
		LocalGet(1), Load16(4), I32Const(int32(binary.LittleEndian.Uint16([]byte(`":`)))), Eq, If,
		write(0), write(4),
		LocalGet(1), I32Const(4), Sub, I32Const(int32(binary.LittleEndian.Uint16([]byte(head[8:])))), Store16(8),
		LocalGet(1), I32Const(4), Sub, Return,
		End, End,
		LocalGet(1), I32Const(1), Add, LocalTee(1), LocalGet(0), LtU, BrIf(0),
		End,
		I32Const(0))
	g.Export("find", KindFunc, find)
	return g.Handle(I32, g.Receive(), g.Describe(manifest),
		LocalGet(0), Call(find), LocalSet(1),
		I32Const(0), LocalGet(1), LocalGet(0), LocalGet(1), Sub, Call(g.Send), Drop).Bytes()
}
