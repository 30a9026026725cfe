package broker

import (
	"bytes"
	"runtime"
	"strconv"
)

// goroutine is the number of the calling goroutine, which the runtime tells
// only in a stack trace. It costs microseconds: for Subscribe and Close.
func goroutine() uint64 {
	var buf [64]byte
	text, _ := bytes.CutPrefix(buf[:runtime.Stack(buf[:], false)], []byte("goroutine "))
	digits, _, _ := bytes.Cut(text, []byte(" "))
	n, err := strconv.ParseUint(string(digits), 10, 64)
	if err != nil {
		return 0 // no goroutine has it: Close waits
	}
	return n
}

// requireFrame is the function beneath which every Required handler runs.
const requireFrame = "github.com/org/aegis/broker.(*Handle).require"

// insideRequired reports whether the caller runs beneath a Required handler.
// Publishers' goroutines are not ours to number, and numbering them for each
// event would cost more than the event; the stack is read only by Close.
func insideRequired() bool {
	pcs := make([]uintptr, 64)
	n := runtime.Callers(1, pcs)
	for n == len(pcs) {
		pcs = make([]uintptr, 2*len(pcs))
		n = runtime.Callers(1, pcs)
	}
	frames := runtime.CallersFrames(pcs[:n])
	for more := n > 0; more; {
		var f runtime.Frame
		if f, more = frames.Next(); f.Function == requireFrame {
			return true
		}
	}
	return false
}
