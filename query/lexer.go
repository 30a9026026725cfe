package query

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// token is one word of a condition.
type token struct {
	kind tokenKind
	at   int    // where it begins
	text string // as written; of a text: what it says; of a path: without backticks
}

type tokenKind byte

const (
	tokenEnd    tokenKind = iota
	tokenMark             // ( ) , or an operator
	tokenWord             // a keyword, in lower case
	tokenPath             //
	tokenText             //
	tokenNumber           //
)

// words are what cannot be a path without backticks.
var words = []string{"and", "or", "not", "in", "exists", "contains", "starts", "ends", "true", "false", "null"}

func isWord(s string) bool { return slices.Contains(words, strings.ToLower(s)) }

// isName reports whether a name stands in a path without backticks.
func isName(s string) bool {
	for i, r := range s {
		if !inName(r, i == 0) {
			return false
		}
	}
	return s != ""
}

func inName(r rune, first bool) bool {
	return unicode.IsLetter(r) || r == '_' || r == '$' || r == '@' || !first && (unicode.IsDigit(r) || r == '-')
}

// fault is a mistake in a condition, and where.
type fault struct {
	at   int
	text string
}

func (f fault) Error() string { return fmt.Sprintf("at byte %d: %s", f.at, f.text) }

// lexer cuts a condition into tokens.
type lexer struct {
	s string
	i int
}

func (l *lexer) next() (token, error) {
	for l.i < len(l.s) && strings.IndexByte(" \t\r\n", l.s[l.i]) >= 0 {
		l.i++
	}
	at := l.i
	if at == len(l.s) {
		return token{kind: tokenEnd, at: at, text: "the end"}, nil
	}
	switch c := l.s[at]; {
	case strings.IndexByte("(),=", c) >= 0:
		l.i++
		if c == '=' && strings.HasPrefix(l.s[l.i:], "=") {
			l.i++
		}
		return token{tokenMark, at, string(c)}, nil
	case c == '<' || c == '>' || c == '!':
		l.i++
		if l.i < len(l.s) && (l.s[l.i] == '=' || c == '<' && l.s[l.i] == '>') {
			l.i++
		}
		return token{tokenMark, at, l.s[at:l.i]}, nil
	case c == '"' || c == '\'':
		return l.text(c)
	case c == '-' || c-'0' <= 9:
		return l.number()
	}
	return l.path()
}

func (l *lexer) text(quote byte) (token, error) {
	at := l.i
	for l.i++; l.i < len(l.s) && l.s[l.i] != quote; l.i++ {
		if l.s[l.i] == '\\' {
			l.i++
		}
	}
	if l.i >= len(l.s) {
		return token{}, fault{at, "the text is not closed"}
	}
	inside := l.s[at+1 : l.i]
	l.i++
	if quote == '\'' {
		inside = double(inside)
	}
	var s string
	if json.Unmarshal([]byte(`"`+inside+`"`), &s) != nil {
		return token{}, fault{at, "the text has an escape that JSON does not have"}
	}
	return token{tokenText, at, s}, nil
}

// double turns the inside of a text in single quotes into that of one in double
// quotes.
func double(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			if i++; s[i] != '\'' {
				b.WriteByte('\\')
			}
			b.WriteByte(s[i])
		case s[i] == '"':
			b.WriteString(`\"`)
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

func (l *lexer) number() (token, error) {
	at := l.i
	for l.i < len(l.s) && (strings.IndexByte("+-.eE", l.s[l.i]) >= 0 || l.s[l.i]-'0' <= 9) {
		l.i++
	}
	if text := l.s[at:l.i]; isNumber(text) {
		return token{tokenNumber, at, text}, nil
	}
	return token{}, fault{at, clip(l.s[at:l.i]) + " is no number"}
}

func (l *lexer) path() (token, error) {
	at := l.i
	var path strings.Builder
	bare := true
	for {
		name, quoted, err := l.name()
		if err != nil {
			return token{}, err
		}
		bare = bare && !quoted
		path.WriteString(name)
		if l.i >= len(l.s) || l.s[l.i] != '.' {
			break
		}
		path.WriteByte('.')
		l.i++
	}
	text := path.String()
	if bare && isWord(text) {
		return token{tokenWord, at, strings.ToLower(text)}, nil
	}
	return token{tokenPath, at, text}, nil
}

func (l *lexer) name() (name string, quoted bool, err error) {
	at := l.i
	if at < len(l.s) && l.s[at] == '`' {
		end := strings.IndexByte(l.s[at+1:], '`')
		if end <= 0 {
			return "", true, fault{at, "the name is empty, or not closed by a backtick"}
		}
		l.i = at + 1 + end + 1
		return l.s[at+1 : at+1+end], true, nil
	}
	for l.i < len(l.s) {
		r, n := utf8.DecodeRuneInString(l.s[l.i:])
		if !inName(r, l.i == at) {
			break
		}
		l.i += n
	}
	if l.i == at {
		found := "the end"
		if at < len(l.s) {
			r, _ := utf8.DecodeRuneInString(l.s[at:])
			found = string(r)
		}
		return "", false, fault{at, found + " where a name is wanted"}
	}
	return l.s[at:l.i], false, nil
}
