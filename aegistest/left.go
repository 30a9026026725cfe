package aegistest

import (
	"bytes"
	"context"
	"runtime"
	"runtime/pprof"
	"strings"
	"time"
)

// A goroutine inherits the labels of the one that began it, so that hosts of
// tests that run at the same time are told apart.
const labelKey = "aegistest"

// mark makes goroutines that this one begins the host's.
func (h *Host) mark() {
	pprof.SetGoroutineLabels(pprof.WithLabels(h.t.Context(), pprof.Labels(labelKey, h.label)))
}

// left returns the stacks of the goroutines of the host that are in the
// library's code, or "". What is about to end is waited for.
func (h *Host) left() string {
	pprof.SetGoroutineLabels(context.Background()) // this one is not the host's
	for wait := time.Microsecond; ; wait *= 2 {
		runtime.Gosched()
		stacks := labelled(h.label)
		if stacks == "" || wait > time.Second {
			return stacks
		}
		time.Sleep(wait)
	}
}

// labelled returns the records of the profile of goroutines with the label.
func labelled(label string) string {
	var b bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&b, 1); err != nil {
		return ""
	}
	var out []string
	for record := range strings.SplitSeq(b.String(), "\n\n") {
		if strings.Contains(record, `"`+labelKey+`":"`+label+`"`) && strings.Contains(record, "\tgithub.com/org/aegis") {
			out = append(out, record)
		}
	}
	return strings.Join(out, "\n\n")
}
