package flow_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/org/aegis"
	"github.com/org/aegis/broker"
	"github.com/org/aegis/datasource"
	"github.com/org/aegis/modelspec"
)

// verdict is what must hold at the end of every history.
type verdict struct {
	t    testing.TB
	h    fmt.Stringer
	w    *world
	c    *client // what was acknowledged
	host *aegis.Host

	stuck    bool // some undo is refused: a person must look
	calm     bool // nothing is refused and nobody is late: all that is sold is shipped
	off      bool // the port that packs was disabled for a while
	deleted  bool // pages of the ledger were deleted
	left     int
	stock    shelfStock
	facts    []broker.Event // told, each once, in the order of its first delivery
	unending []string       // documents that need a person
}

func (v *verdict) bad(format string, args ...any) {
	v.t.Helper()
	if v.t.Failed() {
		v.t.Errorf("and "+format, args...)
		return
	}
	v.t.Errorf("%v\n  %s\n  %s", v.h, fmt.Sprintf(format, args...), v.story())
}

// story is all there is to know.
func (v *verdict) story() string {
	var b strings.Builder
	fmt.Fprintf(&b, "book %v\n  client %+v\n  odd %q\n", v.w.book, v.c, v.w.odd)
	for _, e := range v.facts {
		fmt.Fprintf(&b, "  told %s %s of %s\n", e.ID, e.Type, e.Subject)
	}
	for _, s := range v.host.Specs() {
		name := s.Descriptor().Name
		for d, err := range v.collection(name).List(v.t.Context(), datasource.Query{}) {
			if err != nil {
				continue
			}
			data, _ := d.Data.JSON()
			meta, _ := d.Meta.JSON()
			fmt.Fprintf(&b, "  %s %s rev %d due %v: %s\n    %s\n", name, d.ID, d.Revision, d.Due, data, meta)
			fs, _ := v.host.FlowsOf(v.t.Context(), name, d.ID)
			for _, f := range fs {
				text, _ := json.Marshal(f)
				fmt.Fprintf(&b, "    %s\n", text)
			}
		}
	}
	return b.String()
}

func (v *verdict) collection(name string) datasource.Collection {
	c, err := v.w.disk.Collection(name)
	if err != nil {
		v.t.Fatal(err)
	}
	return c
}

// check looks at everything.
func (v *verdict) check() {
	v.t.Helper()
	if h, ok := v.h.(*history); ok {
		v.expect(h)
	}
	v.events()
	v.ends()
	if v.stock.ID == "" {
		if s, err := aegis.NewRepository(v.host, stocks(code{})).Find(v.t.Context(), "apple"); err == nil {
			v.stock = s
		}
	}
	sold := 0
	for i := range v.c.gen {
		for gen := range v.c.gen[i] + 1 {
			if v.order(i, gen) {
				sold++
			}
		}
	}
	v.ledger(sold)
	v.stocks()
}

// expect reads from the history what may happen in it.
func (v *verdict) expect(h *history) {
	v.left, v.deleted = h.Left, h.Forget > 0
	want := h.Orders
	if h.Again {
		want++
	}
	v.calm = !h.Silent && h.Left >= want
	for what, s := range h.Script {
		if slices.Contains(s, refuse) {
			v.stuck = v.stuck || strings.HasPrefix(what, "undo ")
			v.calm = v.calm && (what == "gift" || what == "pack" && !slices.ContainsFunc(s, doubtful))
		}
	}
	pace := time.Duration(0)
	for _, e := range h.Lives {
		v.off = v.off || e.Code.Off
		for _, d := range e.Pace {
			pace += d
		}
	}
	v.calm = v.calm && pace < time.Hour
}

// doubtful calls may have had their effect: nobody else is asked in their place.
func doubtful(outcome string) bool { return outcome == unknown || outcome == later || outcome == lost }

// events wants one id for each fact, all of them told, and first deliveries in
// order.
func (v *verdict) events() {
	seen := map[string]bool{}
	last := map[string]broker.Event{}
	for _, e := range v.w.told {
		id := e.Source + " " + e.ID
		if seen[id] {
			continue
		}
		seen[id] = true
		v.facts = append(v.facts, e)
		on := e.Source + "/" + e.Subject
		if before, ok := last[on]; ok && numberOf(v.t, before.ID) >= numberOf(v.t, e.ID) {
			v.bad("%s %s was told after %s %s", e.Type, e.ID, before.Type, before.ID)
		}
		if e.Source != shopURI {
			last[on] = e
		}
	}
	for id := range v.w.stored {
		if !seen[id] {
			v.bad("event %s was stored and never told", id)
		}
	}
}

// numberOf orders the events of a document: revisions go on counting when it
// is made again.
func numberOf(t testing.TB, id string) int64 {
	parts := strings.Split(id, ".")
	if len(parts) != 3 {
		return 0
	}
	rev, err := strconv.ParseInt(parts[1], 10, 64)
	n, err2 := strconv.ParseInt(parts[2], 10, 64)
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	return rev<<16 + n
}

// ends wants nothing to be under way any more.
func (v *verdict) ends() {
	is, err := v.host.Incidents(v.t.Context())
	if err != nil {
		v.bad("incidents: %v", err)
	}
	for _, i := range is {
		v.unending = append(v.unending, i.Model+"/"+i.ID)
		if !v.stuck || i.Reason != "flow" {
			v.bad("incident %+v", i)
		}
	}
	if len(v.w.odd) > 0 {
		v.bad("%s", v.w.odd)
	}
	letters, err := v.host.DeadLetters(v.t.Context(), 0, "")
	if err != nil || len(letters.Letters) > 0 {
		v.bad("dead letters %+v, %v", letters, err)
	}
	for _, s := range v.host.Specs() {
		name := s.Descriptor().Name
		for d, err := range v.collection(name).List(v.t.Context(), datasource.Query{}) {
			if err != nil {
				v.bad("%v", err)
				continue
			}
			if !d.Due.IsZero() {
				v.bad("%s %s is due at %v", name, d.ID, d.Due)
			}
			v.flows(name, d.ID)
		}
	}
}

func (v *verdict) flows(model, id string) {
	fs, err := v.host.FlowsOf(v.t.Context(), model, id)
	if err != nil {
		v.bad("flows: %v", err)
	}
	for _, f := range fs {
		switch f.State {
		case "completed", "undone":
		case "attention":
			if !v.stuck {
				v.bad("flow %s of %s needs attention", f.ID, id)
			}
		default:
			v.bad("flow %s of %s is %s", f.ID, id, f.State)
		}
	}
}

func (v *verdict) needsPerson(model, id string) bool {
	return slices.Contains(v.unending, model+"/"+id)
}

// count is how many facts of a type there are about an order.
func (v *verdict) count(typ, of string) (n int) {
	for _, e := range v.facts {
		if e.Type != typ {
			continue
		}
		if about, err := modelspec.TextAt(e.Data, "/order"); err == nil && about == of {
			n++
		}
	}
	return n
}

// order checks one life of an order against the book of the outside, and
// reports whether it was sold.
func (v *verdict) order(i, gen int) (sold bool) {
	of := fmt.Sprintf("%s-%d", v.c.name(i), gen)
	for _, typ := range []string{"sold", "reserved", "charged", "invoiced", "packed", "shipped", "undone", "gifted", "created"} {
		if n := v.count("order."+typ, of); n > 1 {
			v.bad("%s: %d times order.%s", of, n, typ)
		}
	}
	sold = v.count("order.sold", of) == 1
	d, there := v.find(i, gen, of)
	if !there {
		if gen == v.c.gen[i] && v.c.made[i] {
			v.bad("%s was acknowledged, and is not there", of)
		}
		return sold
	}
	person := v.needsPerson("order", v.c.name(i)) && gen == v.c.gen[i]
	same := func(field string, have []string, ports ...string) {
		var stands []string
		for _, p := range ports {
			stands = append(stands, v.w.stands(p, of)...)
		}
		slices.Sort(stands)
		slices.Sort(have)
		if !slices.Equal(stands, have) && (!person || len(stands) > 1) {
			v.bad("%s: %s of the document are %q, and outside stand %q of %v", of, field, have, stands, ports)
		}
	}
	same("paid", some(d.Paid), "pay")
	same("couriers", slices.Clone(d.Couriers), "courier")
	same("parcel", some(d.Parcel), "pack", "packElsewhere")
	same("invoice", some(d.Invoice), "invoice")
	shipped, reserved, gifts := len(v.w.stands("ship", of)), len(v.w.stands("reserve", of)), len(v.w.stands("gift", of))
	holds := slices.Contains(v.stock.For, of)
	switch {
	case gifts > 1 || shipped > 1 || reserved > 1:
		v.bad("%s: %d times shipped, %d reserved, %d gifts", of, shipped, reserved, gifts)
	case person:
	case d.State == "shipped":
		if shipped != 1 || !holds || !sold {
			v.bad("%s is shipped: %d times, of stock: %t", of, shipped, holds)
		}
	case d.State == "undone":
		if v.count("order.reserved", of) == 0 {
			reserved = 0 // the question stands, and was answered with a refusal
		}
		if shipped != 0 || holds || reserved != 0 || !sold {
			v.bad("%s is undone: shipped %d times, of stock: %t, reserved: %d", of, shipped, holds, reserved)
		}
		if v.calm {
			v.bad("%s was taken back for no reason", of)
		}
	case d.State == "new":
		if shipped+gifts+reserved != 0 || holds || sold || v.c.sold[i] && gen == v.c.gen[i] {
			v.bad("%s is new, and something happened", of)
		}
	case d.State == "charged" && v.off: // no event runs a port that is disabled
		if shipped != 0 || !holds || d.Parcel != "" {
			v.bad("%s is charged: shipped %d times, of stock: %t, parcel %q", of, shipped, holds, d.Parcel)
		}
	default:
		v.bad("%s is %s", of, d.State)
	}
	if i == 0 && gen == 0 && (len(d.Marks) > 1 || v.c.marked && len(d.Marks) == 0) {
		v.bad("%s: marks %v, acknowledged: %t", of, d.Marks, v.c.marked)
	}
	return sold
}

func some(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// find reads the order as it is, or as it was when it was deleted.
func (v *verdict) find(i, gen int, of string) (order, bool) {
	if d, err := aegis.NewRepository(v.host, orders(code{})).Find(v.t.Context(), v.c.name(i)); err == nil && d.Order == of {
		return d, true
	}
	for _, e := range v.facts {
		if e.Type != "order.deleted" {
			continue
		}
		if d, err := modelspec.As[order](e.Data); err == nil && d.Order == of {
			return *d, true
		}
	}
	return order{}, false
}

// ledger wants one page for each order that was sold, which says what the
// order said last.
func (v *verdict) ledger(sold int) {
	made := 0
	for _, e := range v.facts {
		if e.Type == "ledger.created" {
			made++
		}
	}
	if made != sold {
		v.bad("%d orders were sold, and %d pages were made", sold, made)
	}
	pages := map[string]int{}
	for en, err := range aegis.NewRepository(v.host, ledgers()).List(v.t.Context(), aegis.Query{}) {
		if err != nil {
			v.bad("%v", err)
			continue
		}
		p := en.Data
		pages[p.Order]++
		last := v.last(p.Order)
		if last.State != p.State || last.N != p.N || p.Back != "" {
			v.bad("the ledger says %+v, and the order last said %+v", p, last)
		}
	}
	for of, n := range pages {
		if n > 1 {
			v.bad("%s has %d pages", of, n)
		}
	}
	if len(pages) != sold && !v.deleted {
		v.bad("%d orders were sold, and there are %d pages", sold, len(pages))
	}
}

// last is what the order last said to the ledger.
func (v *verdict) last(of string) (d order) {
	for _, e := range v.facts {
		name, _ := strings.CutPrefix(e.Type, "order.")
		if name != "sold" && !slices.Contains(kept, name) {
			continue
		}
		if said, err := modelspec.As[order](e.Data); err == nil && said.Order == of {
			d = *said
		}
	}
	return d
}

// stocks wants each sale to have been taken once, and each undone one to have
// been given back once, afterwards.
func (v *verdict) stocks() {
	s := v.stock
	if s.ID == "" {
		return
	}
	if s.Left+len(s.For) != v.left || s.Left < 0 {
		v.bad("of %d, %d are left, and %v are taken", v.left, s.Left, s.For)
	}
	if len(s.Late) > 0 {
		v.bad("%v were taken after they were given back", s.Late)
	}
	for i := range v.c.gen {
		for gen := range v.c.gen[i] + 1 {
			of := fmt.Sprintf("%s-%d", v.c.name(i), gen)
			if n, want := times(s.Takes, of), v.count("order.sold", of); n != want {
				v.bad("%s was sold %d times, and taken %d times", of, want, n)
			}
			if n, want := times(s.Backs, of), v.count("order.undone", of); n != want {
				v.bad("%s was undone %d times, and given back %d times", of, want, n)
			}
			if n, most := times(s.Sent, of), v.count("order.shipped", of); n > most {
				v.bad("%s was shipped %d times, which the stock knows %d times", of, most, n)
			}
		}
	}
}

func times(all []string, s string) (n int) {
	for _, x := range all {
		if x == s {
			n++
		}
	}
	return n
}
