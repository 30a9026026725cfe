package wasm

import (
	"bytes"
	"context"
	"strings"
)

const (
	maxLine    = 4 << 10  // bytes of one line in the log
	maxPrinted = 64 << 10 // bytes of one call
)

// lines writes a guest's stdout or stderr to the logger, line by line, up to
// maxPrinted bytes a call. The guest is never told that nobody listens.
type lines struct {
	i       *instance
	stream  string
	part    []byte
	printed int
}

// begin starts a call's budget.
func (i *instance) begin() { i.stdout.printed, i.stderr.printed = 0, 0 }

// Write never fails.
func (l *lines) Write(b []byte) (int, error) {
	n := len(b)
	if room := max(0, maxPrinted-l.printed); len(b) > room {
		if l.printed <= maxPrinted {
			l.log("... output beyond the limit of a call is dropped")
		}
		b = b[:room]
		l.printed = maxPrinted + 1
	} else {
		l.printed += n
	}
	for len(b) > 0 {
		at := bytes.IndexByte(b, '\n')
		if at < 0 {
			at = len(b)
		}
		l.part = append(l.part, b[:min(at, maxLine-len(l.part))]...)
		if at == len(b) {
			break
		}
		l.flush()
		b = b[at+1:]
	}
	return n, nil
}

func (l *lines) flush() {
	if len(l.part) > 0 {
		l.log(string(l.part))
		l.part = l.part[:0]
	}
}

func (l *lines) log(line string) {
	ctx := context.Background()
	if l.i.now != nil {
		ctx = l.i.now.run
	}
	l.i.p.r.cfg.Logger.InfoContext(ctx, "wasm: guest prints", "module", l.i.p.name, "stream", l.stream, "line", strings.ToValidUTF8(line, "?"))
}
