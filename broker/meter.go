package broker

import (
	"errors"
	"regexp/syntax"
	"slices"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
)

// meter counts down the steps of one run. An expression cannot loop for ever,
// but loops in loops over a large event, or comparisons of large values in
// them, take very long: so each turn of a loop pays for what is in it, and
// whatever goes through a whole value pays for the size of that value.
type meter struct{ left int }

var errSteps = errors.New("too many steps")

func (m *meter) pay(steps int) error {
	if m.left -= steps; m.left < 0 {
		return errSteps
	}
	return nil
}

// The names by which a compiled expression finds its meter. Guard keeps users
// from writing them.
const (
	meterName = "_meter"
	tickName  = "_tick"
	weighName = "_weigh"
)

// tick(value, steps, meter) pays the steps.
var tick = &builtin.Function{Name: tickName, Func: func(args ...any) (any, error) {
	return args[0], args[2].(*meter).pay(args[1].(int))
}}

// Ways to go through a value, beside so many times through all of it.
const (
	textOnly = 0  // what goes through a text, but not through a list or object
	listOnly = -1 // what goes through a text or list, but not through an object
)

// weigh(value, times, meter) pays for going through the value.
var weigh = &builtin.Function{Name: weighName, Func: func(args ...any) (any, error) {
	m, times := args[2].(*meter), args[1].(int)
	switch args[0].(type) {
	case map[string]any:
		if times <= textOnly {
			return args[0], m.pay(1)
		}
	case []any:
		if times == textOnly {
			return args[0], m.pay(1)
		}
	}
	times = max(times, 1)
	return args[0], m.pay(times * weight(args[0], m.left/times+1))
}}

// weight is about how many steps it takes to go through v, or more than limit.
func weight(v any, limit int) int {
	switch v := v.(type) {
	case string:
		return 1 + len(v)/16
	case []any:
		n := 1
		for i := 0; i < len(v) && n <= limit; i++ {
			n += weight(v[i], limit-n)
		}
		return n
	case map[string]any:
		n := 1
		for name, el := range v {
			if n += 1 + len(name)/16; n > limit {
				break
			}
			n += weight(el, limit-n)
		}
		return n
	}
	return 1
}

// metering writes the payments into an expression.
type metering struct{}

// Visit is called for the parts of a node before the node.
func (metering) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.PredicateNode:
		size := counting(0)
		ast.Walk(&n.Node, &size)
		n.Node = payment(tickName, n.Node, int(size))
	case *ast.BinaryNode:
		meterBinary(node, n)
	case *ast.BuiltinNode:
		meterBuiltin(n)
	}
}

func meterBinary(node *ast.Node, n *ast.BinaryNode) {
	switch n.Operator {
	case "==", "!=", "<", "<=", ">", ">=", "startsWith", "endsWith":
		if !literal(n.Left) && !literal(n.Right) { // else it ends with the shorter one
			n.Left, n.Right = payment(weighName, n.Left, 1), payment(weighName, n.Right, 1)
		}
	case "contains":
		n.Left, n.Right = payment(weighName, n.Left, 1), payment(weighName, n.Right, 1)
	case "in":
		n.Right = payment(weighName, n.Right, listOnly)
	case "matches":
		times := 1
		if re, err := syntax.Parse(n.Right.(*ast.StringNode).Value, syntax.Perl); err == nil {
			times = 1 + 4*regexpSize(re) // each byte may be looked at by each instruction
		}
		n.Left = payment(weighName, n.Left, times)
	case "+": // texts, joined again and again, would grow without bound
		*node = payment(weighName, n, 1)
	}
}

func meterBuiltin(n *ast.BuiltinNode) {
	times := 1
	switch n.Name {
	case "first", "last", "get":
		return
	case "len":
		times = textOnly
	}
	if slices.ContainsFunc(n.Arguments, func(arg ast.Node) bool { _, loop := arg.(*ast.PredicateNode); return loop }) {
		return // its turns pay
	}
	for i, arg := range n.Arguments {
		if !literal(arg) {
			n.Arguments[i] = payment(weighName, arg, times)
		}
	}
}

// literal reports whether n is a constant of one word.
func literal(n ast.Node) bool {
	switch n.(type) {
	case *ast.NilNode, *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode, *ast.StringNode:
		return true
	}
	return false
}

// payment is a call of the function, in the place of n.
func payment(function string, n ast.Node, amount int) ast.Node {
	call := &ast.CallNode{
		Callee:    &ast.IdentifierNode{Value: function},
		Arguments: []ast.Node{n, &ast.IntegerNode{Value: amount}, &ast.IdentifierNode{Value: meterName}},
	}
	call.SetLocation(n.Location())
	return call
}

// counting counts nodes.
type counting int

// Visit counts one.
func (c *counting) Visit(*ast.Node) { *c++ }
