//go:build wasip1

package guest

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"unsafe"

	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
)

// memoryLimit leaves room below the host's 64 MiB for what the limit does not
// count: a module's data, and spans that are free but not reusable.
const memoryLimit = 48 << 20

// serve answers a frame. It is a package variable because an exported function
// has nowhere else to find it; an instance has one.
var serve = func(context.Context, []byte, func(context.Context, []byte) ([]byte, error)) []byte {
	return failed(modelspec.ErrUnimplemented, "guest: nothing is served: call guest.Serve from init")
}

// Serve makes c what this module contains. Call it once, from init. Mistakes
// in c do not panic: every call then answers with them, and the host refuses
// to load the module with their text.
func Serve(c federation.Component) {
	debug.SetMemoryLimit(memoryLimit)
	s, err := federation.NewServer(c)
	if err != nil {
		e := *modelspec.AsError(err)
		serve = func(context.Context, []byte, func(context.Context, []byte) ([]byte, error)) []byte {
			return failed(e.Code, e.Error())
		}
		return
	}
	serve = s.Serve
}

//go:wasmimport aegis_v1 recv
func recv(p unsafe.Pointer)

//go:wasmimport aegis_v1 send
func send(kind uint32, p unsafe.Pointer, n uint32) uint32

const (
	kindReply  = 0
	kindEffect = 1
)

// get receives the n bytes that are waiting.
func get(n uint32) []byte {
	b := make([]byte, n+1)[:n] // never empty: it needs an address
	recv(unsafe.Pointer(unsafe.SliceData(b)))
	return b
}

func put(kind uint32, b []byte) uint32 {
	n := send(kind, unsafe.Pointer(unsafe.SliceData(b)), uint32(len(b)))
	runtime.KeepAlive(b)
	return n
}

//go:wasmexport aegis_handle
func handle(n uint32) {
	frame := get(n)
	runtime.Gosched() // see the package documentation on memory
	put(kindReply, answer(frame))
}

func answer(frame []byte) (reply []byte) {
	defer func() {
		if p := recover(); p != nil {
			fmt.Fprintf(os.Stderr, "panic: %v\n%s", p, debug.Stack())
			reply = failed(modelspec.ErrInternal, "guest: panicked")
		}
	}()
	return serve(context.Background(), frame, func(_ context.Context, effect []byte) ([]byte, error) {
		b := get(put(kindEffect, effect))
		runtime.Gosched()
		return b, nil
	})
}

// failed is the reply of an error.
func failed(code modelspec.Code, message string) []byte {
	return fmt.Appendf(nil, `{"error":{"code":%q,"message":%s}}`, code, quote(message))
}

// quote is message as a JSON string.
func quote(message string) []byte {
	b, err := modelspec.Of(message).JSON()
	if err != nil {
		return []byte(`""`)
	}
	return b
}
