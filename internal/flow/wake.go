package flow

import (
	"context"
	"errors"
	"time"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/modelspec"
)

// rewokenAtMost is how many documents of a model are looked at when something
// was bound. The others wait for their time: five minutes at most.
const rewokenAtMost = 10_000

// Rewake has flows go on that wait because they have reached nobody: something
// was bound that may be what they wait for. It returns when it has looked at all
// that are due soon. Asked meanwhile it leaves that to whoever is at it, who
// looks once more.
func (e *Engine) Rewake(ctx context.Context) {
	if e.rewaking.Add(1) > 1 {
		return
	}
	for n := int32(0); !e.rewaking.CompareAndSwap(n, 0); {
		n = e.rewaking.Load()
		for _, s := range e.Table.Snapshot().Models() {
			if err := e.rewakeModel(ctx, s.Descriptor().Name); err != nil && ctx.Err() == nil {
				e.Log.Warn("looking for what waits", "model", s.Descriptor().Name, "err", err)
			}
		}
	}
}

func (e *Engine) rewakeModel(ctx context.Context, model string) error {
	n := 0
	err := e.eachDue(ctx, model, time.Now().Add(longestWait), datasource.Mark{}, func(k docKey, _ datasource.Mark) error {
		if n++; n > rewokenAtMost || ctx.Err() != nil {
			return errFull
		}
		if err := e.rewake(ctx, k); err != nil && ctx.Err() == nil {
			e.Log.Warn("going on with what waits", "model", k.model, "id", k.id, "err", err)
		}
		return nil
	})
	if errors.Is(err, errFull) {
		return nil
	}
	return err
}

// rewake makes the document's steps that wait be tried now.
func (e *Engine) rewake(ctx context.Context, k docKey) error {
	spec, g, err := e.pin(k.model, k.id)
	if err != nil {
		return err
	}
	defer g.Unpin()
	c, err := e.coll(k.model)
	if err != nil {
		return err
	}
	for range maxReruns {
		doc, meta, err := e.readFlow(ctx, c, taskKey{docKey: k})
		if err != nil || doc == nil || meta.Fail != nil {
			return err
		}
		d := e.newDraft(k, spec, doc, meta, time.Now())
		if !d.rewake() {
			return nil
		}
		if err = d.save(ctx, c); !errors.Is(err, modelspec.ErrConflict) {
			return err
		}
	}
	return nil // whoever is so busy with it does not wait
}

// rewake reports whether a step waited.
func (d *draft) rewake() (did bool) {
	for i := range d.meta.Flows {
		f := &d.meta.Flows[i]
		for j := range f.Steps {
			if s := &f.Steps[j]; f.State.open() && f.inTurn(s) && s.Until.After(d.now) && s.Error != nil && s.Error.NotSent {
				s = &d.flows()[i].Steps[j]
				s.Until, s.Waits, did = time.Time{}, 0, true
			}
		}
	}
	return did
}
