package federation

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/org/aegis/modelspec"
)

// Overlay is what an operator wants otherwise than the code says, by model: a
// change of its descriptor, which gets a copy to change. It must replace
// slices, not write into them, and leave alone what the behavior relies on:
// names, directions, schemas, undos. It is called once for each generation of
// the model, also for those that come later, and may be called again.
//
// A model that no component has is waited for.
type Overlay map[string]func(*modelspec.Descriptor) error

// Overlay shows the models as o changes them, in one store, or returns an error
// that says which model or port does not allow it, and changes nothing. What
// was laid over before is taken away: an empty Overlay shows what the code
// says. Calls under way keep the spec that they pinned.
func (t *Table) Overlay(o Overlay) error {
	if o == nil {
		o = Overlay{}
	}
	return t.show("overlay", nil, &o)
}

// Show is [Table.Swap] and [Table.Overlay] in one step. A nil o leaves the
// overlay as it is.
func (t *Table) Show(c Change, o *Overlay) error { return t.show("show", c, o) }

// laid is the overlay of a table, with the specs that it made: they stay the
// same for as long as their generation and the overlay do.
type laid struct {
	over  Overlay
	specs map[laidKey]*modelspec.Spec
}

type laidKey struct {
	gen   *Generation
	model string
}

// next returns the overlay as it would be: for the generations of live, and
// with the specs of before where o is nil.
func (l *laid) next(o *Overlay, live map[string][]Arm) *laid {
	if o != nil {
		return &laid{over: maps.Clone(*o), specs: map[laidKey]*modelspec.Spec{}}
	}
	n := &laid{over: l.over, specs: map[laidKey]*modelspec.Spec{}}
	for _, arms := range live {
		for _, a := range arms {
			if a.Gen == nil {
				continue
			}
			for m := range l.over {
				if s := l.specs[laidKey{a.Gen, m}]; s != nil {
					n.specs[laidKey{a.Gen, m}] = s
				}
			}
		}
	}
	return n
}

// cover makes the specs that are missing, of one component.
func (l *laid) cover(name string, arms []Arm) error {
	var bad []error
	for _, a := range arms {
		for _, m := range slices.Sorted(maps.Keys(a.Gen.models)) {
			change, k := l.over[m], laidKey{a.Gen, m}
			if change == nil || l.specs[k] != nil {
				continue
			}
			s, err := overlaid(a.Gen.models[m], change)
			if err != nil {
				bad = append(bad, refused("component %s (version %q): model %s does not fit the overlay: %v", name, a.Gen.Version, m, err))
				continue
			}
			l.specs[k] = s
		}
	}
	return errors.Join(bad...)
}

// spec is what g shows of a model.
func (l *laid) spec(g *Generation, model string) *modelspec.Spec {
	if s := l.specs[laidKey{g, model}]; s != nil {
		return s
	}
	return g.models[model]
}

func overlaid(s *modelspec.Spec, change func(*modelspec.Descriptor) error) (out *modelspec.Spec, err error) {
	err = guard("overlay", func() error {
		out, err = s.With(change)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, untouched(s.Descriptor(), out.Descriptor())
}

// untouched refuses changes of what a behavior relies on.
func untouched(was, is *modelspec.Descriptor) error {
	if is.Name != was.Name || is.Schema != was.Schema || is.Version != was.Version || len(is.Ports) != len(was.Ports) {
		return errors.New("name, schema, version and the list of ports are the code's: leave them as they are")
	}
	for i := range was.Ports {
		w, s := &was.Ports[i], &is.Ports[i]
		if s.Name != w.Name || s.Direction != w.Direction || s.Request != w.Request || s.Response != w.Response || s.Undo != w.Undo || s.Stateless != w.Stateless {
			return fmt.Errorf("port %s: its name, direction, request, response, undo and stateless are the code's: leave them as they are", w.Name)
		}
	}
	return nil
}
