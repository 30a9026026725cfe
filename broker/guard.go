package broker

import (
	"fmt"
	"regexp/syntax"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
)

// maxRegexp is how large a regular expression may be in instructions.
const maxRegexp = 1000

// guard refuses what a filter has no use for: whatever calls, reads a clock or
// a file, or builds values larger than the event. What is left has one answer
// for each event, however often it is asked.
type guard struct {
	names map[string]bool // attributes that the expression names
	err   *file.Error     // of the first mistake
}

// Visit looks at one node of the expression.
func (g *guard) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		g.name(n, n.Value)
		if g.names == nil {
			g.names = make(map[string]bool)
		}
		g.names[n.Value] = true
	case *ast.VariableDeclaratorNode:
		g.name(n, n.Name)
	case *ast.CallNode:
		g.refuse(n, "only the built-in functions %s can be called", builtins)
	case *ast.BuiltinNode:
		g.builtin(n)
	case *ast.BinaryNode:
		g.binary(n)
	}
}

func (g *guard) refuse(n ast.Node, format string, args ...any) {
	if g.err == nil {
		g.err = &file.Error{Location: n.Location(), Message: fmt.Sprintf(format, args...)}
	}
}

// name refuses the names that are not for users.
func (g *guard) name(n ast.Node, name string) {
	if strings.HasPrefix(name, "_") || strings.HasPrefix(name, "$") {
		g.refuse(n, "unknown name %s: use type, source, subject, id, time, data, caller or hop", name)
	}
}

// builtins are the functions of the language that cost no more than their
// arguments weigh, make nothing larger, and look at nothing else. Those that
// list the members of an object are left out, since they have no order.
const builtins = "all none any one filter map find findIndex findLast findLastIndex count sum " +
	"len abs ceil floor round int float string trim trimPrefix trimSuffix upper lower indexOf lastIndexOf " +
	"hasPrefix hasSuffix max min mean median duration date first last get"

func (g *guard) builtin(n *ast.BuiltinNode) {
	if !strings.Contains(" "+builtins+" ", " "+n.Name+" ") {
		g.refuse(n, "%s is not available in a filter: use one of %s", n.Name, builtins)
	}
	if n.Name == "date" && len(n.Arguments) > 2 {
		g.refuse(n, "date takes a text and a layout here, no time zone: write the offset in the text")
	}
}

func (g *guard) binary(n *ast.BinaryNode) {
	switch n.Operator {
	case "..":
		g.refuse(n, "ranges are not available in a filter: compare with >= and <=")
	case "matches":
		text, ok := n.Right.(*ast.StringNode)
		if !ok {
			g.refuse(n, "the regular expression after matches must be a literal text")
			return
		}
		re, err := syntax.Parse(text.Value, syntax.Perl)
		if err != nil {
			g.refuse(n, "%v", err)
			return
		}
		if size := regexpSize(re); size > maxRegexp {
			g.refuse(n, "the regular expression is too large (about %d instructions): use at most %d", size, maxRegexp)
		}
	}
}

// regexpSize estimates the instructions of re, repetitions written out.
func regexpSize(re *syntax.Regexp) int {
	size := 1 + len(re.Rune)/16
	if re.Op == syntax.OpLiteral {
		size = len(re.Rune)
	}
	for _, sub := range re.Sub {
		size = min(size+regexpSize(sub), maxRegexp+1)
	}
	if re.Op == syntax.OpRepeat {
		size *= max(re.Min, re.Max, 1)
	}
	return min(size, maxRegexp+1)
}
