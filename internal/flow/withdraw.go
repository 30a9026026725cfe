package flow

import (
	"context"
	"errors"

	"github.com/org/aegis/modelspec"
)

// turnOthers takes back the flows of the document beside the command's own, as
// its handler has asked: in the write that stores what the handler changed. It
// returns those that come out of the history.
func (f *frame) turnOthers(ctx context.Context, d *draft) (recalled []string, err error) {
	h := hand{what: "undo", by: Operator{Caller: f.req.Caller, Reason: "port " + f.port.Name}}
	past, err := f.e.pastFlows(ctx, f.k, &Meta{Flows: d.meta.Flows}) // a copy: drafts stay on the stack
	if err != nil {
		return nil, err
	}
	for i := range d.flows() {
		if fl := &d.meta.Flows[i]; fl.ID != f.flow {
			if _, err := d.turnOther(fl, h); err != nil {
				return nil, err
			}
		}
	}
	for i := range past {
		fl := past[i]
		fl.Steps = append([]Step(nil), fl.Steps...)
		if turned, err := d.turnOther(&fl, h); err != nil || !turned {
			if err != nil {
				return nil, err
			}
			continue
		}
		d.meta.Flows = append(d.meta.Flows, fl)
		recalled = append(recalled, fl.ID)
	}
	return recalled, d.room()
}

// turnOther takes a flow back if something of it can be taken back.
func (d *draft) turnOther(f *Flow, h hand) (bool, error) {
	turned, err := d.goBack(f, h)
	if errors.Is(err, modelspec.ErrRefused) {
		return false, nil
	}
	if turned {
		f.sign(d.now, h)
	}
	return turned, err
}
