package broker

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/checker"
	"github.com/expr-lang/expr/compiler"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm"

	"github.com/org/aegis/modelspec"
)

// What an expression may cost, to write and to run.
const (
	maxWhere      = 1024 // bytes
	maxWhereNodes = 256
	maxWhereSteps = 200_000 // of about 20 ns each: see meter
)

// where is a compiled Filter.Where. It is safe for concurrent use.
type where struct {
	program      *vm.Program
	data, caller bool // whether it looks at them
}

// compileWhere compiles text. The error says where the mistake is.
func compileWhere(text string) (_ *where, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("it cannot be compiled: %v", p)
		}
	}()
	if len(text) > maxWhere {
		return nil, fmt.Errorf("it is %d bytes long: use at most %d", len(text), maxWhere)
	}
	c := whereConfig()
	tree, err := parser.ParseWithConfig(text, c)
	if err != nil {
		return nil, located(err)
	}
	g := &guard{}
	ast.Walk(&tree.Node, g)
	if g.err != nil {
		return nil, located(g.err.Bind(tree.Source))
	}
	if _, err := checker.Check(tree, c); err != nil {
		return nil, located(err)
	}
	ast.Walk(&tree.Node, metering{})
	if _, err := checker.Check(tree, c); err != nil {
		return nil, located(err)
	}
	program, err := compiler.Compile(tree, c)
	if err != nil {
		return nil, located(err)
	}
	return &where{program: program, data: g.names["data"], caller: g.names["caller"]}, nil
}

// whereConfig describes the language: what an expression sees is typed, what
// it must yield is a bool. Nothing is worked out ahead, so that whatever costs
// something is paid for in steps.
func whereConfig() *conf.Config {
	c := conf.CreateNew()
	c.WithEnv(types.Map{
		"type": types.String, "source": types.String, "subject": types.String, "id": types.String,
		"time": types.TypeOf(time.Time{}), "hop": types.Int, "data": types.Any,
		"caller":  types.Map{"subject": types.String, "tenant": types.String, "claims": types.Any},
		meterName: types.Any,
	})
	c.Expect, c.ExpectAny = reflect.Bool, true
	c.Optimize = false
	c.MaxNodes = maxWhereNodes
	c.Functions[tickName] = tick
	c.Functions[weighName] = weigh
	return c
}

// located writes the position of the mistake in front of what it is, in one
// line.
func located(err error) error {
	if e, ok := errors.AsType[*file.Error](err); ok {
		return fmt.Errorf("line %d, column %d: %s", e.Line, e.Column+1, e.Message)
	}
	text, _, _ := strings.Cut(err.Error(), "\n")
	return errors.New(text)
}

// matches runs the expression for what v looks at.
func (w *where) matches(v *view) (bool, error) {
	env, err := v.env(w)
	if err != nil {
		return false, err
	}
	v.meter.left, v.machine.MemoryBudget = maxWhereSteps, maxWhereSteps
	got, err := v.machine.Run(w.program, env)
	switch {
	case err == nil:
		return got.(bool), nil // the program ends with a conversion to bool
	case v.meter.left < 0 || strings.HasPrefix(err.Error(), "memory budget exceeded"):
		return false, &modelspec.Error{Code: modelspec.ErrExhausted, Message: fmt.Sprintf(
			"it takes more than %d steps for this event: look at less of the data", maxWhereSteps)}
	}
	return false, &modelspec.Error{Code: modelspec.ErrInvalid, Message: located(err).Error()}
}
