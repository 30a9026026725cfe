package adapter

import (
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// Route joins a port to another model's inbound port: to says which document
// and with what argument. The host invokes it with the step's key as the
// command's key, so the effect happens exactly once without the service's
// help: both sides are documents of the host.
func Route[M, Req, Res, N, Arg any](p port.Outbound[M, Req, Res], in port.Inbound[N, Arg, Res], to func(Req) (id string, arg Arg)) Adapter {
	ref := p.Ref()
	return Adapter{Model: ref.Model, Port: ref.Port, Type: ref.Type, Route: &Joint{To: in.Ref(), Map: func(v *modelspec.Value) (string, *modelspec.Value, error) {
		req, err := modelspec.As[Req](v)
		if err != nil {
			return "", nil, err
		}
		id, arg := to(*req)
		return id, port.Of(arg), nil
	}}}
}

// RouteUndo is [Route] for a port with Undo: the inbound port out takes back
// what in did, on the document and with the argument that back says.
func RouteUndo[M, Req, Res, N, Arg, O, OutArg, OutRes any](p port.Outbound[M, Req, Res], in port.Inbound[N, Arg, Res], to func(Req) (string, Arg),
	out port.Inbound[O, OutArg, OutRes], back func(Taken[Req, Res]) (id string, arg OutArg)) Adapter {
	a := Route(p, in, to)
	a.Route.Back = out.Ref()
	a.Route.BackMap = func(req, answer *modelspec.Value) (string, *modelspec.Value, error) {
		r, err := modelspec.As[Req](req)
		if err != nil {
			return "", nil, err
		}
		t := Taken[Req, Res]{Request: *r}
		if answer != nil {
			if t.Answer, err = modelspec.As[Res](answer); err != nil {
				return "", nil, err
			}
		}
		id, arg := back(t)
		return id, port.Of(arg), nil
	}
	return a
}
