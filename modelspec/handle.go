package modelspec

import (
	"bytes"
	"context"
	"encoding/json"
)

// Handle asks the model, and applies the rules that all models share: panics
// become a [*Panic], errors without a code get the one of the op, and a document
// comes back only if it keeps the schema's rules (required, immutable, limits)
// and is the one that was asked about (its id is c.ID).
//
// What code outside this process answers is not believed: the JSON must pass
// [CheckJSON] and fit the schema, the result that of the port, and codes that
// only a host may use become [ErrInternal].
//
// A Reply without Doc means that the document is unchanged.
func (s *Spec) Handle(ctx context.Context, c Call) (Reply, error) {
	c.Model = s.desc.Name
	r, err := s.ask(ctx, &c)
	if err == nil && r.Error != nil {
		err = r.Error
	}
	if err != nil {
		return Reply{}, s.judge(err, c.Op)
	}
	if s.own != nil {
		if r.Doc != nil && s.own.rules != nil {
			var was *Value
			if s.own.frozen {
				was = c.before()
			}
			err = s.own.check(s.own.rules, was, r.Doc)
		}
	} else {
		err = s.accept(&c, &r)
	}
	if err != nil {
		return Reply{}, err
	}
	return r, nil
}

func (s *Spec) ask(ctx context.Context, c *Call) (r Reply, err error) {
	defer func() {
		if v := recover(); v != nil {
			r, err = Reply{}, recovered(v, c)
		}
	}()
	return s.behavior.Handle(ctx, *c)
}

// before is the document that the rules compare with: none at a creation.
func (c *Call) before() *Value {
	switch {
	case c.Op == OpNew:
		return nil
	case c.Prev != nil:
		return c.Prev
	}
	return c.Doc
}

// judge gives an error its code.
func (s *Spec) judge(err error, op Op) error {
	if !HasCode(err) {
		return &uncoded{codeFor(op), err}
	}
	if s.own != nil || !hostOps(op) {
		return err
	}
	switch code := CodeOf(err); code {
	case ErrInternal, ErrUnknown, ErrDataLoss, ErrUnauthenticated:
		if code == ErrInternal {
			return err
		}
		return &uncoded{ErrInternal, err}
	}
	return err
}

// hostOps are the ops that ask a model, not an adapter.
func hostOps(op Op) bool {
	switch op {
	case OpAdapt, OpTakeBack:
		return false
	}
	return true
}

// accept checks what a model outside this process has answered.
func (s *Spec) accept(c *Call, r *Reply) error {
	switch c.Op {
	case OpNew, OpUpdate, OpUndone, OpReply, OpInvoke:
		if p := s.ports[c.Port]; p != nil && p.Stateless {
			r.Doc = nil
		}
	default:
		r.Doc = nil
	}
	doc := r.Doc
	if doc == nil && (c.Op == OpNew || c.Op == OpUpdate) { // unchanged: then the rules are about what came in
		doc = c.Doc
	}
	if doc != nil {
		good, err := s.document(c, doc)
		if err != nil {
			return err
		}
		if r.Doc != nil || good != doc {
			r.Doc = good
		}
	}
	return s.result(c, r)
}

// document returns the document of a reply once it is known to be good.
func (s *Spec) document(c *Call, v *Value) (*Value, error) {
	raw, err := v.JSON()
	if err != nil {
		return nil, err
	}
	if err := CheckJSON(raw); err != nil {
		return nil, answered("document", err)
	}
	is := trim(raw)
	if is[0] != '{' {
		return nil, answered("document", broken([]FieldError{{Rule: ruleType, Detail: "must be an object, not " + kindName(is)}}))
	}
	fixed, changed := s.restoreID(is, c.ID)
	if fixed == nil {
		return nil, answered("document", broken([]FieldError{{Pointer: "/id", Rule: ruleUnknown, Detail: "is written in other letters: write id"}}))
	}
	if changed {
		v, is = FromJSON(fixed), fixed
	}
	var was []byte
	if before := c.before(); before != nil && s.frozen[s.desc.Schema] {
		if was, err = before.JSON(); err != nil {
			return nil, err
		}
	}
	k := checker{root: s.desc.Schema, frozen: s.frozen, path: make([]token, 0, 8)}
	k.value(s.desc.Schema, is, bytes.TrimSpace(was), false)
	return v, broken(k.fails)
}

// answered says that it was the model's answer that is wrong, not the input.
func answered(what string, err error) error {
	e := *AsError(err)
	e.Code, e.Message = ErrInternal, "the model answered with a "+what+" that is refused"
	return &e
}

// restoreID puts the host's id into a document, if its schema knows one or the
// document names one. It returns nil if the id is written in other letters,
// which some reader would take for the id.
func (s *Spec) restoreID(doc []byte, id string) (fixed []byte, changed bool) {
	known := s.desc.Schema.inner(s.desc.Schema).Properties["id"] != nil
	var at, end int
	for c := open(doc); ; {
		name, v, ok := c.member()
		if !ok {
			break
		}
		if string(name) == "id" {
			at, end = c.i-len(v), c.i
		} else if len(name) == 2 && name[0]|0x20 == 'i' && name[1]|0x20 == 'd' {
			return nil, false
		}
	}
	if id == "" || end == 0 && !known {
		return doc, false
	}
	text, _ := json.Marshal(id)
	switch {
	case end == 0:
		out := append(append([]byte(`{"id":`), text...), ',')
		rest := bytes.TrimSpace(doc[1:])
		if rest[0] == '}' {
			out = out[:len(out)-1]
		}
		return append(out, rest...), true
	case bytes.Equal(doc[at:end], text):
		return doc, false
	}
	return append(append(bytes.Clone(doc[:at]), text...), doc[end:]...), true
}

// result checks a port's answer, or an outbound port's request.
func (s *Spec) result(c *Call, r *Reply) error {
	p := s.ports[c.Port]
	if r.Result == nil || p == nil {
		return nil
	}
	raw, err := r.Result.JSON()
	if err != nil {
		return err
	}
	if err := CheckJSON(raw); err != nil {
		return answered("result", err)
	}
	schema := p.Response
	if c.Op == OpRequest {
		schema = p.Request
	}
	if schema == nil {
		return nil
	}
	k := checker{root: schema}
	k.value(schema, trim(raw), nil, false)
	if err := broken(k.fails); err != nil {
		return answered("result", err)
	}
	return nil
}
