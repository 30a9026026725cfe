package query

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// ParseWhere reads the text of a condition, in the grammar that the package's
// documentation gives. Values are as they are written; their types are checked
// when the query is compiled. The error is modelspec.ErrInvalid and says at
// which byte.
func ParseWhere(text string) (Expr, error) {
	c := &checker{}
	e := c.text(text, "/where", func(cmp Compare) (Compare, error) { return cmp, nil })
	return e, c.err()
}

// parser is a Pratt parser: each operator binds as strongly as its number says.
type parser struct {
	lex   lexer
	now   token
	depth int
	leaf  func(Compare) (Compare, error) // checks a comparison
}

// most brackets and nots in one another.
const maxNest = 2 * MaxDepth

// text reads a condition. leaf checks each comparison.
func (c *checker) text(s, pointer string, leaf func(Compare) (Compare, error)) Expr {
	if len(s) > MaxText {
		c.fail(pointer, fmt.Sprintf("the condition is over %d bytes", MaxText))
		return nil
	}
	if !utf8.ValidString(s) {
		c.fail(pointer, "the condition is no UTF-8")
		return nil
	}
	p := parser{lex: lexer{s: s}, leaf: leaf}
	e, err := p.all()
	if err != nil {
		c.fail(pointer, err.Error())
		return nil
	}
	return e
}

func (p *parser) all() (Expr, error) {
	if err := p.advance(); err != nil {
		return nil, err
	}
	e, err := p.expr(0)
	if err == nil && p.now.kind != tokenEnd {
		err = p.unexpected("and, or, or the end")
	}
	return e, err
}

func (p *parser) advance() (err error) {
	p.now, err = p.lex.next()
	return err
}

func (p *parser) unexpected(wanted string) error {
	return fault{p.now.at, fmt.Sprintf("%s where %s is wanted", clip(p.now.text), wanted)}
}

// take goes on if the token is that mark or word.
func (p *parser) take(text string) (bool, error) {
	if p.now.kind != tokenMark && p.now.kind != tokenWord || p.now.text != text {
		return false, nil
	}
	return true, p.advance()
}

func (p *parser) want(text string) error {
	ok, err := p.take(text)
	if err == nil && !ok {
		err = p.unexpected(text)
	}
	return err
}

// expr reads what binds stronger than around.
func (p *parser) expr(around int) (Expr, error) {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > maxNest {
		return nil, fault{p.now.at, fmt.Sprintf("nested deeper than %d", MaxDepth)}
	}
	left, err := p.first()
	for err == nil && p.now.kind == tokenWord {
		bind := map[string]int{"or": bindOr, "and": bindAnd}[p.now.text]
		if bind <= around {
			break
		}
		left, err = p.more(left, p.now.text, bind)
	}
	return left, err
}

// more reads the rest of a chain of one operator.
func (p *parser) more(left Expr, word string, bind int) (Expr, error) {
	all := []Expr{left}
	for {
		ok, err := p.take(word)
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		right, err := p.expr(bind)
		if err != nil {
			return nil, err
		}
		if all = append(all, right); len(all) > MaxNodes {
			return nil, fault{p.now.at, fmt.Sprintf("over %d comparisons", MaxNodes)}
		}
	}
	if bind == bindOr {
		return Or(all), nil
	}
	return And(all), nil
}

func (p *parser) first() (Expr, error) {
	at := p.now.at
	if ok, err := p.take("("); ok || err != nil {
		if err != nil {
			return nil, err
		}
		e, err := p.expr(0)
		if err == nil {
			err = p.want(")")
		}
		return e, err
	}
	if ok, err := p.take("not"); ok || err != nil {
		if err != nil {
			return nil, err
		}
		e, err := p.expr(bindNot)
		return Not{e}, err
	}
	if ok, err := p.take("exists"); ok || err != nil {
		if err != nil {
			return nil, err
		}
		return p.exists(at)
	}
	if p.now.kind != tokenPath {
		return nil, p.unexpected("a condition, such as price > 10,")
	}
	return p.compare()
}

func (p *parser) exists(at int) (Expr, error) {
	if err := p.want("("); err != nil {
		return nil, err
	}
	if p.now.kind != tokenPath {
		return nil, p.unexpected("a path")
	}
	c := Compare{Path: p.now.text, Op: Exists}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if err := p.want(")"); err != nil {
		return nil, err
	}
	return p.checked(c, at)
}

func (p *parser) compare() (Expr, error) {
	c, at := Compare{Path: p.now.text}, p.now.at
	if err := p.advance(); err != nil {
		return nil, err
	}
	var err error
	if c.Op, err = p.op(); err != nil {
		return nil, err
	}
	if c.Op == In || c.Op == Nin {
		c.Values, err = p.list()
	} else {
		var v any
		v, err = p.literal()
		c.Values = []any{v}
	}
	if err != nil {
		return nil, err
	}
	return p.checked(c, at)
}

func (p *parser) checked(c Compare, at int) (Expr, error) {
	c, err := p.leaf(c)
	if err != nil {
		return nil, fault{at, err.Error()}
	}
	return c, nil
}

func (p *parser) op() (Op, error) {
	text := p.now.text
	if p.now.kind == tokenMark || p.now.kind == tokenWord {
		switch text {
		case "<>":
			text = "!="
		case "not":
			if err := p.advance(); err != nil {
				return "", err
			}
			return Nin, p.want("in")
		}
		for op, symbol := range symbols {
			if symbol == text {
				return op, p.advance()
			}
		}
	}
	return "", p.unexpected("=, !=, <, <=, >, >=, in, not in, contains, starts or ends")
}

func (p *parser) list() ([]any, error) {
	if err := p.want("("); err != nil {
		return nil, err
	}
	var vs []any
	for {
		v, err := p.literal()
		if err != nil {
			return nil, err
		}
		if vs = append(vs, v); len(vs) > MaxIn {
			return nil, fault{p.now.at, fmt.Sprintf("over %d values", MaxIn)}
		}
		more, err := p.take(",")
		if err != nil {
			return nil, err
		}
		if !more {
			return vs, p.want(")")
		}
	}
}

func (p *parser) literal() (any, error) {
	t := p.now
	switch t.kind {
	case tokenText:
		return t.text, p.advance()
	case tokenNumber:
		return json.Number(t.text), p.advance()
	case tokenWord:
		if v, ok := map[string]any{"true": true, "false": false, "null": nil}[t.text]; ok {
			return v, p.advance()
		}
	case tokenPath:
		return nil, p.unexpected(`a value (a text goes in quotes: "` + clip(t.text) + `")`)
	}
	return nil, p.unexpected("a value")
}
