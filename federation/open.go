package federation

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"sync"

	"github.com/org/aegis/adapter"
	"github.com/org/aegis/modelspec"
)

// remote is a module behind a Conn.
type remote struct {
	conn     Conn
	man      *Manifest
	specs    []*modelspec.Spec
	adapters []adapter.Adapter
	close    func() error
	frames   *sync.Pool // of *[]byte; nil: conn may keep its frames
}

// Open makes a module of c by asking it what it contains. It takes c over:
// after an error c is closed. Of a it reads Name and Version, which the
// manifest must say too where they are set; that the bytes behind c are the
// artifact's is for the Runtime to see to.
//
// The module is not trusted. Its manifest is limited (1 MiB, 256 models, 1024
// each of ports, relations, events and adapters, 4096 events of others) and must be the same when it
// is asked for twice. Its replies must be strict JSON. It can ask for effects
// in inbound ports only, and learns of the host's context what the frame says:
// the deadline, the time, the caller, the trace.
func Open(ctx context.Context, c Conn, a Artifact) (Module, error) {
	r := &remote{conn: c, close: sync.OnceValue(func() error { return guard("close", c.Close) })}
	if _, ok := c.(Borrower); ok {
		r.frames = &sync.Pool{New: func() any { return new([]byte) }}
	}
	if err := r.open(ctx, a); err != nil {
		if a.Name != "" {
			err = fmt.Errorf("%s: %w", a.Name, err)
		}
		return nil, errors.Join(fmt.Errorf("federation: open: %w", err), r.close())
	}
	return r, nil
}

func (r *remote) open(ctx context.Context, a Artifact) error {
	man, err := r.describe(ctx)
	if err != nil {
		return err
	}
	r.man = man
	if err := man.check(); err != nil {
		return err
	}
	if a.Name != "" && man.Name != a.Name {
		return invalid("the module says that it is component %s", man.Name)
	}
	if a.Version != "" && man.Version != a.Version {
		return invalid("the module says that it is version %q, not %q", man.Version, a.Version)
	}
	var bad []error
	for _, d := range man.Models {
		s, err := modelspec.New(d, r)
		bad = append(bad, err)
		r.specs = append(r.specs, s)
	}
	for _, d := range man.Adapters {
		r.adapters = append(r.adapters, r.adapter(d))
	}
	return errors.Join(bad...)
}

// describe asks for the manifest twice: a module that cannot say the same
// thing twice is not one that a decision can be based on.
func (r *remote) describe(ctx context.Context) (*Manifest, error) {
	var last []byte
	var man *Manifest
	for range 2 {
		rep, err := r.exchange(ctx, &modelspec.Call{Op: modelspec.OpDescribe})
		if err != nil {
			return nil, fmt.Errorf("describe: %w", err)
		}
		raw, err := rep.Result.JSON()
		if err != nil {
			return nil, err
		}
		if last != nil && bytes.Equal(raw, last) {
			return man, nil
		}
		if len(raw) > maxManifest {
			return nil, invalid("describe: the manifest has %d bytes: at most %d", len(raw), maxManifest)
		}
		next := &Manifest{}
		if err := json.Unmarshal(raw, next); err != nil {
			return nil, invalid("describe: the answer is not a manifest: %s", clip(err.Error(), 200))
		}
		if man != nil && !reflect.DeepEqual(man, next) {
			return nil, invalid("describe: asked twice, the module described itself in two ways")
		}
		last, man = raw, next
	}
	return man, nil
}

func (r *remote) Manifest() *Manifest         { return r.man }
func (r *remote) Specs() []*modelspec.Spec    { return r.specs }
func (r *remote) Adapters() []adapter.Adapter { return r.adapters }
func (r *remote) Close() error                { return r.close() }

// Probe asks for the component as a whole, and for each model, inbound port
// and adapter by name. A module that does not implement the question has it.
func (r *remote) Probe(ctx context.Context) error {
	ask := func(model, port string) error {
		_, err := r.exchange(ctx, &modelspec.Call{Op: modelspec.OpProbe, Model: model, Port: port})
		switch {
		case err == nil || errors.Is(err, modelspec.ErrUnimplemented):
			return nil
		case model == "":
			return err
		}
		return fmt.Errorf("%s: %w", binding{model, port}, err)
	}
	if err := ask("", ""); err != nil {
		return err
	}
	var bad []error
	for i := range r.man.Models {
		d := &r.man.Models[i]
		bad = append(bad, ask(d.Name, ""))
		for _, p := range d.Ports {
			if p.Direction == modelspec.In {
				bad = append(bad, ask(d.Name, p.Name))
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	for _, a := range r.man.Adapters {
		bad = append(bad, ask(a.Model, a.Port))
	}
	return errors.Join(bad...)
}

// Handle is what the module's specs behave as.
func (r *remote) Handle(ctx context.Context, c modelspec.Call) (modelspec.Reply, error) {
	return r.exchange(ctx, &c)
}

// adapter makes the calls of one adapter of the module.
func (r *remote) adapter(d AdapterDescriptor) adapter.Adapter {
	a := adapter.Adapter{Model: d.Model, Port: d.Port, Asks: d.Asks}
	a.Call = func(ctx context.Context, req *modelspec.Value) (*modelspec.Value, error) {
		rep, err := r.exchange(ctx, &modelspec.Call{Op: modelspec.OpAdapt, Model: d.Model, Port: d.Port, Key: adapter.Key(ctx), Arg: req})
		return rep.Result, err
	}
	if d.Undo {
		a.Undo = func(ctx context.Context, req, answer *modelspec.Value) error {
			_, err := r.exchange(ctx, &modelspec.Call{Op: modelspec.OpTakeBack, Model: d.Model, Port: d.Port,
				Key: adapter.Key(ctx), Undoes: adapter.Undoes(ctx), Arg: req, Answer: answer})
			return err
		}
	}
	return a
}
