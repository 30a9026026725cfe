package broker

import (
	"fmt"
	"strings"

	"github.com/org/aegis/modelspec"
)

// maxPattern is the longest pattern in bytes.
const maxPattern = 256

// pattern is a compiled Subscription.Pattern, or one of its Ignore.
type pattern struct {
	tokens []string // "*" is any one
	rest   bool     // a final >: one token or more after tokens
}

// parsePattern compiles s, which is in the field at the JSON Pointer.
func parsePattern(field, s string) (pattern, error) {
	if s == "" {
		return pattern{}, badPattern(field, s, `it is empty: write an event type such as "order.approved", "order.*", or ">" for everything`)
	}
	if len(s) > maxPattern {
		return pattern{}, badPattern(field, s[:32]+"...", fmt.Sprintf("it is %d bytes long: use at most %d", len(s), maxPattern))
	}
	tokens := strings.Split(s, ".")
	for i, t := range tokens {
		switch {
		case t == "":
			return pattern{}, badPattern(field, s, "it has an empty token: remove the dot at the beginning or end, or the second of two dots")
		case t == ">" && i < len(tokens)-1:
			return pattern{}, badPattern(field, s, "> stands for the rest, so it must be the last token: write * for one token in between")
		case t != "*" && t != ">" && strings.ContainsAny(t, "*>"):
			return pattern{}, badPattern(field, s, "* and > stand for whole tokens: put them alone between dots")
		case strings.IndexFunc(t, unfit) >= 0:
			return pattern{}, badPattern(field, s, "it has a space or control character: no event type has one")
		}
	}
	if last := len(tokens) - 1; tokens[last] == ">" {
		return pattern{tokens: tokens[:last], rest: true}, nil
	}
	return pattern{tokens: tokens}, nil
}

func unfit(r rune) bool { return r <= ' ' || r == 0x7f || r == 0xfffd }

func badPattern(field, pattern, why string) error {
	return fmt.Errorf("broker: subscribe to %q: %w", pattern, modelspec.Invalid(field, why))
}

// exact reports whether p matches one type only.
func (p pattern) exact() bool {
	if p.rest {
		return false
	}
	for _, t := range p.tokens {
		if t == "*" {
			return false
		}
	}
	return true
}

// match reports whether p matches the type. It does not allocate.
func (p pattern) match(typ string) bool {
	more := true // typ holds another token, maybe an empty one
	for _, want := range p.tokens {
		if !more {
			return false
		}
		var token string
		token, typ, more = strings.Cut(typ, ".")
		if want != "*" && want != token {
			return false
		}
	}
	return more == p.rest
}
