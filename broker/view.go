package broker

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/expr-lang/expr/vm"

	"github.com/org/aegis/modelspec"
)

// view is what filters see of one event. It is made when the first filter asks
// for it, decodes the data once however many ask, and is used by one goroutine.
type view struct {
	event   Event
	decoded bool
	tree    any // the data, with numbers as they are written
	err     error
	vars    map[string]any // for expressions; data and caller only once asked for
	meter   meter
	machine vm.VM // runs one expression after the other
}

// data returns the event's data as decode does.
func (v *view) data() (any, error) {
	if v.decoded {
		return v.tree, v.err
	}
	v.decoded = true
	text, err := v.event.Data.JSON()
	if err == nil {
		v.tree, err = decode(text)
	}
	if err != nil {
		v.err = &modelspec.Error{Code: modelspec.ErrInvalid, Message: fmt.Sprintf("the event's data cannot be read: %v", err)}
	}
	return v.tree, v.err
}

// env returns the variables of expressions, as far as w asks for them.
func (v *view) env(w *where) (map[string]any, error) {
	if v.vars == nil {
		e := &v.event
		v.vars = map[string]any{"type": e.Type, "source": e.Source, "subject": e.Subject, "id": e.ID, "time": e.Time, "hop": e.Hop,
			meterName: &v.meter}
	}
	if _, known := v.vars["data"]; w.data && !known {
		data, err := v.data()
		if err != nil {
			return nil, err
		}
		v.vars["data"] = native(data)
	}
	if _, known := v.vars["caller"]; w.caller && !known {
		caller, err := v.caller()
		if err != nil {
			return nil, err
		}
		v.vars["caller"] = caller
	}
	return v.vars, nil
}

// caller returns who began the chain as plain JSON, so that an expression
// meets no type of the host.
func (v *view) caller() (map[string]any, error) {
	c := v.event.Caller
	if c == nil {
		c = &modelspec.Caller{}
	}
	text, err := modelspec.Of(c.Claims).JSON()
	var claims any
	if err == nil {
		claims, err = decode(text)
	}
	if err != nil {
		return nil, &modelspec.Error{Code: modelspec.ErrInvalid, Message: fmt.Sprintf("the caller's claims cannot be read: %v", err)}
	}
	if claims == nil {
		claims = map[string]any{}
	}
	return map[string]any{"subject": c.Subject, "tenant": c.Tenant, "claims": native(claims)}, nil
}

// native returns a copy of what decode returned, with its numbers as ints
// where they are such, else as floats.
func native(v any) any {
	switch v := v.(type) {
	case json.Number:
		if i, err := strconv.Atoi(v.String()); err == nil {
			return i
		}
		f, _ := v.Float64() // what is too large is infinite
		return f
	case []any:
		out := make([]any, len(v))
		for i, el := range v {
			out[i] = native(el)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, el := range v {
			out[name] = native(el)
		}
		return out
	}
	return v
}
