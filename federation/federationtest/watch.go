package federationtest

import (
	"context"
	"sync/atomic"

	"github.com/org/aegis/adapter"
	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
)

// Module is a federation.Module in gauges. Its models are those of the module
// within, but not native ones: their documents are checked by their schema.
type Module struct {
	federation.Module
	// OnProbe and OnClose, if set, run before the module's own.
	OnProbe func(context.Context) error
	OnClose func() error

	specs    []*modelspec.Spec
	adapters []adapter.Adapter
	inUse    atomic.Int64
	closed   atomic.Int64
	abused   atomic.Int64
}

// Watch wraps m. It fails where m's descriptors do.
func Watch(m federation.Module) (*Module, error) {
	w := &Module{Module: m}
	for _, s := range m.Specs() {
		watched, err := modelspec.New(*s.Descriptor(), watched{w, s})
		if err != nil {
			return nil, err
		}
		w.specs = append(w.specs, watched)
	}
	for _, a := range m.Adapters() {
		w.adapters = append(w.adapters, w.adapter(a))
	}
	return w, nil
}

// InUse is how many calls are under way.
func (w *Module) InUse() int { return int(w.inUse.Load()) }

// Closed is how often the module was closed: once is right.
func (w *Module) Closed() int { return int(w.closed.Load()) }

// Abused is how many calls began after Close, or were under way when it was
// called.
func (w *Module) Abused() int { return int(w.abused.Load()) }

// Specs implements federation.Module.
func (w *Module) Specs() []*modelspec.Spec { return w.specs }

// Adapters implements federation.Module.
func (w *Module) Adapters() []adapter.Adapter { return w.adapters }

// Probe implements federation.Module.
func (w *Module) Probe(ctx context.Context) error {
	if w.OnProbe != nil {
		if err := w.OnProbe(ctx); err != nil {
			return err
		}
	}
	return w.Module.Probe(ctx)
}

// Close implements federation.Module.
func (w *Module) Close() error {
	w.closed.Add(1)
	w.abused.Add(w.inUse.Load())
	if w.OnClose != nil {
		if err := w.OnClose(); err != nil {
			return err
		}
	}
	return w.Module.Close()
}

func (w *Module) enter() func() {
	w.inUse.Add(1)
	if w.closed.Load() > 0 {
		w.abused.Add(1)
	}
	return func() { w.inUse.Add(-1) }
}

func (w *Module) adapter(a adapter.Adapter) adapter.Adapter {
	if call := a.Call; call != nil {
		a.Call = func(ctx context.Context, req *modelspec.Value) (*modelspec.Value, error) {
			defer w.enter()()
			return call(ctx, req)
		}
	}
	if undo := a.Undo; undo != nil {
		a.Undo = func(ctx context.Context, req, answer *modelspec.Value) error {
			defer w.enter()()
			return undo(ctx, req, answer)
		}
	}
	return a
}

// watched counts the calls of one model.
type watched struct {
	w *Module
	s *modelspec.Spec
}

func (b watched) Handle(ctx context.Context, c modelspec.Call) (modelspec.Reply, error) {
	defer b.w.enter()()
	return b.s.Handle(ctx, c)
}
