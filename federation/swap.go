package federation

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/org/aegis/adapter"
	"github.com/org/aegis/modelspec"
)

// wholeShare is the whole of a component's documents.
const wholeShare = 1000

// Arm is one generation of a component and its share of the documents, in
// thousandths. The last arm's Share is not read: it gets what is left.
type Arm struct {
	Gen   *Generation
	Share uint32
}

// Change is a set of components to show together, by name. A component with
// no arms is taken out; one that is not named stays as it is.
type Change map[string][]Arm

// Swap shows the change in one store, or returns an error that lists all that
// is wrong with the table as it would be, and shows nothing: generations that
// were only prepared stay so. What is shown no longer is retired: it closes
// when its calls have ended.
//
// Refused, with ErrRefused: a generation that was shown before and retired, or
// belongs to another table or name; a model, an endpoint or a port with two owners; arms
// that do not have the same models and adapters; an adapter that does not fit
// its port; a relation or a route to a model that is not there, unless the
// generation was prepared as Pending; a port or an intake that waits for an
// event that will not come, cannot find its documents by it, or whose request
// the event's data cannot be; ports whose events go in a circle, within a
// document or across models, in which none declares Repeats; and a model that
// does not fit the [Overlay].
func (t *Table) Swap(c Change) error { return t.show("swap", c, nil) }

// show makes a change and lays o over it, or keeps the overlay there is.
func (t *Table) show(doing string, c Change, o *Overlay) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return &modelspec.Error{Code: modelspec.ErrUnavailable, Message: "federation: " + doing + ": the table is closed", NotSent: true}
	}
	old := t.cur.Load()
	live := map[string][]Arm{}
	maps.Copy(live, old.live)
	for name, arms := range c {
		if len(arms) == 0 {
			delete(live, name)
		} else {
			live[name] = slices.Clone(arms)
		}
	}
	over := t.laid.next(o, live)
	s, err := t.plan(live, over)
	if err == nil {
		err = claim(live)
	}
	if err != nil {
		return fmt.Errorf("federation: %s: %w", doing, err)
	}
	for _, arms := range live {
		for _, a := range arms {
			a.Gen.sole.Store(len(arms) == 1)
		}
	}
	s.Seq = old.Seq + 1
	t.laid = over
	t.cur.Store(s)
	t.refresh()
	retireAllBut(live, old.live)
	return nil
}

// claim pins what will be shown in place of what its preparation pinned.
func claim(live map[string][]Arm) error {
	var mine []*Generation
	for _, arms := range live {
		for _, a := range arms {
			if a.Gen.state != prepared {
				continue
			}
			if !a.Gen.pin() {
				for _, g := range mine {
					g.Unpin()
				}
				return refused("component %s: generation %d is closed: prepare it again", a.Gen.Name, a.Gen.ID)
			}
			mine = append(mine, a.Gen)
		}
	}
	for _, g := range mine {
		g.state = shown
		g.Unpin()
	}
	return nil
}

func retireAllBut(live, old map[string][]Arm) {
	keep := map[*Generation]bool{}
	for _, arms := range live {
		for _, a := range arms {
			keep[a.Gen] = true
		}
	}
	for _, arms := range old {
		for _, a := range arms {
			if !keep[a.Gen] {
				a.Gen.retire()
			}
		}
	}
}

// plan makes the snapshot that shows live under an overlay.
func (t *Table) plan(live map[string][]Arm, over *laid) (*Snapshot, error) {
	s := &Snapshot{live: live, models: map[string]*route[modelspec.Spec]{}, ports: map[binding]*route[adapter.Adapter]{}}
	var bad []error
	modelOwner, portOwner := map[string]string{}, map[binding]string{}
	for _, name := range slices.Sorted(maps.Keys(live)) {
		arms := live[name]
		if err := t.checkArms(name, arms); err != nil {
			bad = append(bad, err)
			continue
		}
		bad = append(bad, over.cover(name, arms))
		sp := splitOf(name, arms)
		for m := range arms[0].Gen.models {
			if o, taken := modelOwner[m]; taken {
				bad = append(bad, refused("component %s: model %s belongs to component %s", name, m, o))
				continue
			}
			modelOwner[m] = name
			s.models[m] = routeOf(arms, sp, func(g *Generation) *modelspec.Spec { return over.spec(g, m) })
		}
		for b := range arms[0].Gen.adapters {
			if o, taken := portOwner[b]; taken {
				bad = append(bad, refused("component %s: port %s is answered by component %s", name, b, o))
				continue
			}
			portOwner[b] = name
			s.ports[b] = routeOf(arms, sp, func(g *Generation) *adapter.Adapter { return g.adapters[b] })
		}
	}
	if err := errors.Join(bad...); err != nil {
		return nil, err
	}
	s.index()
	if err := errors.Join(checkEndpoints(s), checkBindings(s), checkRelations(s), checkConsumers(s), checkCircles(s)); err != nil {
		return nil, err
	}
	return s, nil
}

// checkArms checks the arms of one component against one another. A key must
// not reach an arm that cannot answer.
func (t *Table) checkArms(name string, arms []Arm) error {
	var bad []error
	sum := uint64(0)
	seen := map[*Generation]bool{}
	for i, a := range arms {
		g := a.Gen
		switch {
		case g == nil:
			return refused("component %s: an arm without a generation", name)
		case g.table != t:
			bad = append(bad, refused("component %s: generation %d was prepared for another table", name, g.ID))
		case g.Name != name:
			bad = append(bad, refused("component %s: generation %d is of component %s", name, g.ID, g.Name))
		case g.state == retired:
			bad = append(bad, refused("component %s: generation %d has been retired: prepare it again", name, g.ID))
		case seen[g]:
			bad = append(bad, refused("component %s: generation %d stands in two arms", name, g.ID))
		}
		seen[g] = true
		if i < len(arms)-1 {
			sum += uint64(a.Share)
		}
		if i > 0 {
			bad = append(bad, sameNames(name, arms[0].Gen, g))
		}
	}
	if sum > wholeShare {
		bad = append(bad, refused("component %s: the shares of its arms are %d thousandths", name, sum))
	}
	return errors.Join(bad...)
}

func sameNames(name string, a, b *Generation) error {
	var bad []error
	for _, w := range [...][2]*Generation{{a, b}, {b, a}} {
		has, lacks := w[0], w[1]
		for m := range has.models {
			if lacks.models[m] == nil {
				bad = append(bad, refused("component %s: version %q has model %s and version %q has not: show one of them only", name, has.Version, m, lacks.Version))
			}
		}
		for p := range has.adapters {
			if lacks.adapters[p] == nil {
				bad = append(bad, refused("component %s: version %q answers port %s and version %q does not: show one of them only", name, has.Version, p, lacks.Version))
			}
		}
	}
	return errors.Join(bad...)
}

func refused(format string, args ...any) error {
	return &modelspec.Error{Code: modelspec.ErrRefused, Message: fmt.Sprintf(format, args...)}
}
