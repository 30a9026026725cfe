package broker

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/bits"

	"github.com/org/aegis/modelspec"
)

// Filter narrows what a subscription gets by what is in the events. Both
// conditions must hold; the zero Filter lets every event through. An event
// that is filtered out counts as one that does not match, also for a Required
// subscription.
//
// A filter is asked by the publisher, at each attempt, and has the same answer
// each time. Where it fails for an event, the event does not match; that is
// counted in [Stats], and reported to Config.OnFailure the 1st, 2nd, 4th, 8th
// time and so on.
type Filter struct {
	// Match are members that the event's data must have, with equal values:
	// numbers are compared by value, lists as a whole, and of an object only the
	// members named here. Names go deeper by dots or by maps in the map, so
	//
	//	{"customer.tier": "gold", "lines": [1, 2]}
	//	{"customer": {"tier": "gold"}, "lines": [1, 2]}
	//
	// are the same. Null matches a member that is there and null. At most 64 KiB
	// of JSON and 256 values. Empty: any data.
	Match map[string]any `json:"match,omitempty"`
	// Where is an expression that must be true, in the language of
	// https://expr-lang.org/docs/language-definition over the attributes type,
	// source, subject, id (texts), time, hop (an int), data (its JSON) and caller
	// (with subject, tenant and claims, empty if there is none):
	//
	//	data.total > 100 && any(data.lines, .sku startsWith "x") && caller.tenant == "acme"
	//
	// A member that is missing is null, and what cannot be compared with null
	// fails: write data.total != nil && data.total > 100, or data.customer?.tier.
	// There are no ranges, clocks or time zones, and of the functions those that
	// make nothing larger than the event; nothing of the host can be called. It
	// has at most 1024 bytes and 256 nodes, and takes at most 200,000 steps for an
	// event (a few milliseconds), where loops pay for each turn and comparisons
	// for what they compare: what takes more fails. Empty: true.
	Where string `json:"where,omitempty"`
}

// maxMatch and maxConditions bound Filter.Match.
const (
	maxMatch      = 64 << 10
	maxConditions = 256
)

// sieve is a compiled Filter.
type sieve struct {
	filter     Filter // a copy, for listings
	conditions []condition
	where      *where
}

// compile returns nil for the zero Filter.
func (f Filter) compile() (*sieve, error) {
	if len(f.Match) == 0 && f.Where == "" {
		return nil, nil
	}
	s := &sieve{filter: Filter{Where: f.Where}}
	if len(f.Match) > 0 {
		wanted, err := canonical(f.Match)
		if err != nil {
			return nil, modelspec.Invalid("/Filter/Match", err.Error())
		}
		if s.conditions, err = conditionsOf(nil, wanted, nil); err != nil {
			return nil, modelspec.Invalid("/Filter/Match", err.Error())
		}
		s.filter.Match = wanted
	}
	if f.Where != "" {
		w, err := compileWhere(f.Where)
		if err != nil {
			return nil, modelspec.Invalid("/Filter/Where", err.Error())
		}
		s.where = w
	}
	return s, nil
}

// canonical is match as it is read from JSON.
func canonical(match map[string]any) (map[string]any, error) {
	text, err := json.Marshal(match)
	if err != nil {
		return nil, fmt.Errorf("it cannot be written as JSON: %w", err)
	}
	if len(text) > maxMatch {
		return nil, fmt.Errorf("it has %d bytes as JSON: use at most %d", len(text), maxMatch)
	}
	v, err := decode(text)
	if err != nil {
		return nil, err
	}
	return v.(map[string]any), nil
}

// decode reads JSON with its numbers as they are written.
func decode(text []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("it is not one JSON value")
	}
	return v, nil
}

// lets reports whether the event of v gets through.
func (s *sieve) lets(v *view) (bool, error) {
	if len(s.conditions) > 0 {
		data, err := v.data()
		if err != nil {
			return false, err
		}
		for _, c := range s.conditions {
			if !c.holds(data) {
				return false, nil
			}
		}
	}
	if s.where == nil {
		return true, nil
	}
	return s.where.matches(v)
}

// lets reports whether h's filter lets the event of v through, and accounts
// for it if not.
func (h *Handle) lets(v *view) bool {
	ok, err := h.sieve.lets(v)
	if err != nil {
		if nth := h.unfit.Add(1); bits.OnesCount64(nth) == 1 {
			err = fmt.Errorf("broker: filter %s for %s: failure %d: %w", v.event.Type, h.sub.Name, nth, err)
			h.broker.report(h, &v.event, Failure{Err: err, Filter: true}, nth)
		}
		return false
	}
	if !ok {
		h.filtered.Add(1)
	}
	return ok
}
