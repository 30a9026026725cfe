package wasmtest

// Instructions without immediates.
var (
	Unreachable = []byte{0x00}
	Else        = []byte{0x05}
	End         = []byte{0x0b}
	Return      = []byte{0x0f}
	Drop        = []byte{0x1a}
	Eqz         = []byte{0x45}
	Eq          = []byte{0x46}
	Ne          = []byte{0x47}
	LtU         = []byte{0x49}
	GeU         = []byte{0x4f}
	Add         = []byte{0x6a}
	Sub         = []byte{0x6b}
	And         = []byte{0x71}
	MemoryGrow  = []byte{0x40, 0}
	MemorySize  = []byte{0x3f, 0}
	// Block, Loop and If take and leave nothing.
	Block = []byte{0x02, 0x40}
	Loop  = []byte{0x03, 0x40}
	If    = []byte{0x04, 0x40}
)

// Br and BrIf jump out of depth blocks.
func Br(depth uint32) []byte   { return join([]byte{0x0c}, uleb(uint64(depth))) }
func BrIf(depth uint32) []byte { return join([]byte{0x0d}, uleb(uint64(depth))) }

// Call calls a function by its index.
func Call(f uint32) []byte { return join([]byte{0x10}, uleb(uint64(f))) }

// LocalGet, LocalSet and LocalTee work on locals; parameters come first.
func LocalGet(i uint32) []byte { return join([]byte{0x20}, uleb(uint64(i))) }
func LocalSet(i uint32) []byte { return join([]byte{0x21}, uleb(uint64(i))) }
func LocalTee(i uint32) []byte { return join([]byte{0x22}, uleb(uint64(i))) }

// GlobalGet and GlobalSet work on globals.
func GlobalGet(i uint32) []byte { return join([]byte{0x23}, uleb(uint64(i))) }
func GlobalSet(i uint32) []byte { return join([]byte{0x24}, uleb(uint64(i))) }

// I32Const is a constant.
func I32Const(v int32) []byte {
	out := []byte{0x41}
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if v == 0 && c&0x40 == 0 || v == -1 && c&0x40 != 0 {
			return append(out, c)
		}
		out = append(out, c|0x80)
	}
}

// Load32, Load16 and Load8 read unsigned little-endian numbers at the address
// on the stack plus offset.
func Load32(offset uint32) []byte { return join([]byte{0x28, 0}, uleb(uint64(offset))) }
func Load16(offset uint32) []byte { return join([]byte{0x2f, 0}, uleb(uint64(offset))) }
func Load8(offset uint32) []byte  { return join([]byte{0x2d, 0}, uleb(uint64(offset))) }

// Store32 and Store16 write the number on top of the stack to the address
// below it plus offset.
func Store32(offset uint32) []byte { return join([]byte{0x36, 0}, uleb(uint64(offset))) }
func Store16(offset uint32) []byte { return join([]byte{0x3b, 0}, uleb(uint64(offset))) }

// Spin loops for ever.
func Spin() []byte { return join(Loop, Br(0), End) }
