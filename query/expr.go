package query

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Expr is a condition on a document: [And], [Or], [Not] or [Compare]. Its
// String is the text that [ParseWhere] reads.
type Expr interface {
	fmt.Stringer
	// And holds where this and all of more hold.
	And(more ...Expr) Expr
	// Or holds where this or one of more holds.
	Or(more ...Expr) Expr
	expr()
}

type (
	// And holds where all of it holds. It must not be empty.
	And []Expr
	// Or holds where some of it holds. It must not be empty.
	Or []Expr
	// Not holds where Expr does not.
	Not struct{ Expr Expr }
	// Compare compares the member at Path with Values: exactly one, but any
	// number for In and Nin, and none or a bool for Exists. A value is nil, a
	// bool, a string, an integer, a float, a json.Number, a time.Time, or of a
	// type made of these.
	Compare struct {
		Path   string
		Op     Op
		Values []any
	}
)

// Op is how a [Compare] compares.
type Op string

// The operators. A path that goes through lists reaches many values: all but
// Ne and Nin hold where they hold for some value.
const (
	Eq       Op = "eq"
	Ne       Op = "ne" // not Eq: no value equals
	Gt       Op = "gt"
	Gte      Op = "gte"
	Lt       Op = "lt"
	Lte      Op = "lte"
	In       Op = "in"       // Eq to some of Values
	Nin      Op = "nin"      // not In
	Exists   Op = "exists"   // is there and not null; with the value false: is not
	Contains Op = "contains" // of a text: has it in it; of a list: has an element that equals
	Starts   Op = "starts"   // of a text: begins with it
	Ends     Op = "ends"     // of a text: ends with it
)

// ops are all operators; symbols are how the text of a condition writes them.
var (
	ops     = []string{"eq", "ne", "gt", "gte", "lt", "lte", "in", "nin", "exists", "contains", "starts", "ends"}
	symbols = map[Op]string{Eq: "=", Ne: "!=", Gt: ">", Gte: ">=", Lt: "<", Lte: "<=", In: "in", Nin: "not in", Contains: "contains", Starts: "starts", Ends: "ends"}
)

func (And) expr()     {}
func (Or) expr()      {}
func (Not) expr()     {}
func (Compare) expr() {}

func (e And) And(more ...Expr) Expr     { return append(e[:len(e):len(e)], more...) }
func (e And) Or(more ...Expr) Expr      { return either(e, more) }
func (e Or) And(more ...Expr) Expr      { return both(e, more) }
func (e Or) Or(more ...Expr) Expr       { return append(e[:len(e):len(e)], more...) }
func (e Not) And(more ...Expr) Expr     { return both(e, more) }
func (e Not) Or(more ...Expr) Expr      { return either(e, more) }
func (e Compare) And(more ...Expr) Expr { return both(e, more) }
func (e Compare) Or(more ...Expr) Expr  { return either(e, more) }

func both(e Expr, more []Expr) Expr   { return And(append([]Expr{e}, more...)) }
func either(e Expr, more []Expr) Expr { return Or(append([]Expr{e}, more...)) }

// The strengths with which operators bind, the weakest first.
const (
	bindOr = iota + 1
	bindAnd
	bindNot
)

func (e And) String() string     { return string(appendExpr(nil, e, 0)) }
func (e Or) String() string      { return string(appendExpr(nil, e, 0)) }
func (e Not) String() string     { return string(appendExpr(nil, e, 0)) }
func (e Compare) String() string { return string(appendExpr(nil, e, 0)) }

// appendExpr writes e, in brackets where it binds weaker than what is around.
func appendExpr(b []byte, e Expr, around int) []byte {
	switch e := e.(type) {
	case And:
		return appendList(b, e, " and ", bindAnd, around)
	case Or:
		return appendList(b, e, " or ", bindOr, around)
	case Not:
		return appendExpr(append(b, "not "...), e.Expr, bindNot)
	case Compare:
		return appendCompare(b, e)
	}
	return append(b, "(nothing)"...)
}

func appendList(b []byte, es []Expr, word string, bind, around int) []byte {
	if len(es) == 0 {
		return append(b, "(nothing)"...)
	}
	open := around >= bind
	if open {
		b = append(b, '(')
	}
	for i, e := range es {
		if i > 0 {
			b = append(b, word...)
		}
		b = appendExpr(b, e, bind)
	}
	if open {
		b = append(b, ')')
	}
	return b
}

func appendCompare(b []byte, c Compare) []byte {
	if c.Op == Exists {
		if len(c.Values) == 1 && c.Values[0] == false {
			b = append(b, "not "...)
		}
		return append(appendPath(append(b, "exists("...), c.Path), ')')
	}
	b = append(append(append(appendPath(b, c.Path), ' '), symbols[c.Op]...), ' ')
	if c.Op != In && c.Op != Nin {
		if len(c.Values) != 1 {
			return append(b, "(nothing)"...)
		}
		return appendLiteral(b, c.Values[0])
	}
	b = append(b, '(')
	for i, v := range c.Values {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = appendLiteral(b, v)
	}
	return append(b, ')')
}

// appendPath writes a path, with backticks around names that would not be read
// back.
func appendPath(b []byte, path string) []byte {
	for i, name := range strings.Split(path, ".") {
		if i > 0 {
			b = append(b, '.')
		}
		if isName(name) && (i > 0 || !isWord(name)) {
			b = append(b, name...)
		} else {
			b = append(append(append(b, '`'), name...), '`')
		}
	}
	return b
}

func appendLiteral(b []byte, v any) []byte {
	switch v := v.(type) {
	case json.Number:
		return append(b, v...)
	case time.Time:
		return appendText(b, timeText(v))
	case string:
		return appendText(b, v)
	}
	c, err := plain(v)
	if err != nil {
		return appendText(b, fmt.Sprint(v))
	}
	switch c := c.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		return fmt.Appendf(b, "%t", c)
	}
	return appendLiteral(b, c) // a string, a number or a time by now
}

// appendText writes s as JSON does, and leaves <, > and & as they are.
func appendText(b []byte, s string) []byte {
	var out strings.Builder
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s)
	return append(b, strings.TrimSuffix(out.String(), "\n")...)
}

func timeText(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
