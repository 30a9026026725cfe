package modelspec

import "context"

type native[T any] struct{ m Model[T] }

func call[T any](f func(*T) error, m *T) error {
	if f == nil {
		return nil
	}
	return f(m)
}

func (n *native[T]) Handle(ctx context.Context, c Call) (Reply, error) {
	m, v, err := Own[T](c.Doc)
	if err != nil {
		return Reply{}, err
	}
	var result *Value
	switch c.Op {
	case OpNew:
		err = call(n.m.OnCreate, m)
	case OpUpdate:
		if n.m.OnUpdate != nil {
			var was *T
			if was, _, err = Own[T](c.Prev); err == nil {
				err = n.m.OnUpdate(was, m)
			}
		}
	case OpUndone:
		err = call(n.m.OnUndone, m)
	case OpDelete:
		return Reply{}, call(n.m.OnDelete, m)
	default:
		err = &Error{Code: ErrNotFound, Message: "no port " + c.Port}
		for _, p := range n.m.Ports {
			if d, _ := p.Describe(); d.Name == c.Port {
				result, err = p.Apply(ctx, c.Op, m, c.Arg)
			}
		}
	}
	if err == nil && c.Op == OpRequest {
		return Reply{Result: result}, nil
	}
	if err == nil {
		err = call(n.m.Validate, m)
	}
	if err != nil {
		return Reply{}, err
	}
	return Reply{Doc: v, Result: result}, nil
}
