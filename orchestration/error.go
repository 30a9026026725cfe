package orchestration

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/org/aegis/modelspec"
)

const (
	maxErrors = 50   // mistakes that are told of one document
	maxFound  = 1000 // and that are looked for
)

// Error is one mistake of a document. Its code is modelspec.ErrInvalid.
type Error struct {
	File         string // as it was named to [Parse]
	Line, Column int    // from 1; 0: the document as a whole
	Path         string // such as models.order.ports.ship.on[0]; empty: the document
	Message      string
	Suggestion   string // a word that is near the wrong one, or empty
}

// Error is one line: "flows.yaml:12:7: models.order.ports.shipp: model order
// has no such port: did you mean ship?".
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", e.Line, e.Column)
	}
	b.WriteString(": ")
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	b.WriteString(e.Message)
	if e.Suggestion != "" {
		b.WriteString(": did you mean " + e.Suggestion + "?")
	}
	return b.String()
}

// Unwrap returns the code.
func (e *Error) Unwrap() error { return modelspec.ErrInvalid }

// mistakes are all that is wrong with a document, by line.
type mistakes []*Error

func (m mistakes) Error() string {
	lines := make([]string, len(m))
	for i, e := range m {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns each mistake.
func (m mistakes) Unwrap() []error {
	out := make([]error, len(m))
	for i, e := range m {
		out[i] = e
	}
	return out
}

// collector collects mistakes.
type collector struct {
	file string
	list mistakes
}

func (c *collector) wrong(n *node, path, suggestion, format string, args ...any) {
	if len(c.list) >= maxFound {
		return
	}
	e := &Error{File: c.file, Path: path, Message: clip(fmt.Sprintf(format, args...), 1024), Suggestion: suggestion}
	if n != nil {
		e.Line, e.Column = n.line, n.column
	}
	if !slices.ContainsFunc(c.list, func(o *Error) bool { return *o == *e }) {
		c.list = append(c.list, e)
	}
}

// err returns the mistakes, or nil.
func (c *collector) err() error {
	if len(c.list) == 0 {
		return nil
	}
	slices.SortStableFunc(c.list, func(a, b *Error) int {
		return cmp.Or(a.Line-b.Line, a.Column-b.Column, strings.Compare(a.Path, b.Path))
	})
	return c.list[:min(len(c.list), maxErrors)]
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "..."
}
