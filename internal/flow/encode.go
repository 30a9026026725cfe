package flow

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/org/aegis/modelspec"
)

// The envelope is written for every step, and most of a step's time would go
// into encoding/json, which reads again what each of the nested MarshalJSON has
// written. So what occurs in every envelope is written here by hand, as
// encoding/json would write it; what is rare is left to that.

// MarshalJSON writes back what UnmarshalJSON kept.
func (m Meta) MarshalJSON() ([]byte, error) { return m.AppendValueJSON(nil) }

// MarshalJSON writes back what UnmarshalJSON kept.
func (f Flow) MarshalJSON() ([]byte, error) { return f.append(object{}) }

// MarshalJSON writes back what UnmarshalJSON kept.
func (s Step) MarshalJSON() ([]byte, error) { return s.append(object{}) }

// AppendValueJSON appends m as JSON.
func (m *Meta) AppendValueJSON(b []byte) ([]byte, error) {
	o := object{b: slices.Grow(b, 512*(1+len(m.Flows)+len(m.Outbox)))}
	o.open()
	appendAll(&o, "flows", m.Flows, (*Flow).append)
	appendAll(&o, "outbox", m.Outbox, (*Told).append)
	o.time("later", m.Later)
	if len(m.Inbox) > 0 {
		o.rare("inbox", m.Inbox)
	}
	if m.Receipts != nil {
		o.receipts(m.Receipts)
	}
	o.flag("spilled", m.Spilled)
	if m.Fail != nil {
		o.rare("fail", m.Fail)
	}
	return o.close(m.extra)
}

func (f *Flow) append(o object) ([]byte, error) {
	o.open()
	o.must("id", f.ID)
	o.name("cause")
	f.Cause.append(&o)
	o.text("version", f.Version)
	o.must("state", string(f.State))
	o.flag("committed", f.Committed)
	o.time("started", f.Started)
	o.time("deadline", f.Deadline)
	o.time("ended", f.Ended)
	appendAll(&o, "steps", f.Steps, (*Step).append)
	if len(f.Joins) > 0 {
		o.rare("joins", f.Joins)
	}
	if f.Error != nil {
		o.rare("error", f.Error)
	}
	o.text("was", string(f.Was))
	if len(f.Hands) > 0 {
		o.rare("hands", f.Hands)
	}
	return o.close(f.extra)
}

func (c *Cause) append(o *object) {
	o.open()
	o.must("kind", c.Kind)
	o.must("id", c.ID)
	o.text("source", c.Source)
	o.text("port", c.Port)
	o.number("hop", c.Hop)
	o.text("trace", c.Trace)
	if c.Caller != nil {
		o.rare("caller", c.Caller)
	}
	o.b = append(o.b, '}')
}

func (s *Step) append(o object) ([]byte, error) {
	o.open()
	o.int("n", int64(s.N))
	o.must("port", s.Port)
	o.text("of", s.Of)
	o.text("via", s.Via)
	o.text("event", s.Event)
	o.must("key", s.Key)
	o.text("service", s.Service)
	o.flag("undo", s.Undo)
	o.must("state", string(s.State))
	o.number("attempt", s.Attempt)
	o.number("waits", s.Waits)
	o.time("started", s.Started)
	o.time("until", s.Until)
	o.time("asked", s.Asked)
	o.time("ended", s.Ended)
	o.text("await", s.Await)
	o.value("arg", s.Arg)
	o.value("result", s.Result)
	if s.Error != nil {
		o.rare("error", s.Error)
	}
	return o.close(s.extra)
}

func (t *Told) append(o object) ([]byte, error) {
	o.open()
	o.must("id", t.ID)
	o.must("source", t.Source)
	o.must("type", t.Type)
	o.must("subject", t.Subject)
	o.name("time")
	o.stamp(t.Time)
	o.value("data", t.Data)
	o.text("cause", t.Cause)
	o.text("trace", t.Trace)
	o.number("hop", t.Hop)
	if t.Caller != nil {
		o.rare("caller", t.Caller)
	}
	o.int("rev", t.Rev)
	return o.close(nil)
}

// receipts writes the list, newest first.
func (o *object) receipts(l *Receipts) {
	o.name("receipts")
	o.b = append(o.b, '[')
	for first := l; l != nil; l = l.next {
		if l != first {
			o.b = append(o.b, ',')
		}
		o.open()
		o.text("principal", l.Principal)
		o.must("key", l.Key)
		o.must("port", l.Port)
		o.must("digest", l.Digest())
		o.name("time")
		o.stamp(l.Time)
		o.value("result", l.Result)
		if l.Error != nil {
			o.rare("error", l.Error)
		}
		o.b = append(o.b, '}')
	}
	o.b = append(o.b, ']')
}

// object is JSON under way. The first error stays.
type object struct {
	b   []byte
	err error
}

func (o *object) open() { o.b = append(o.b, '{') }

// close ends the object with the members that this version does not know.
func (o *object) close(extra map[string]json.RawMessage) ([]byte, error) {
	if len(extra) > 0 {
		more, err := json.Marshal(extra)
		if err != nil {
			return nil, err
		}
		if o.b[len(o.b)-1] != '{' {
			o.b = append(o.b, ',')
		}
		o.b = append(o.b, more[1:len(more)-1]...)
	}
	o.b = append(o.b, '}')
	return o.b, o.err
}

// appendAll writes a list that is not empty.
func appendAll[T any](o *object, name string, all []T, one func(*T, object) ([]byte, error)) {
	if len(all) == 0 {
		return
	}
	o.name(name)
	o.b = append(o.b, '[')
	for i := range all {
		if i > 0 {
			o.b = append(o.b, ',')
		}
		b, err := one(&all[i], object{b: o.b})
		if err != nil {
			o.fail(err)
			return
		}
		o.b = b
	}
	o.b = append(o.b, ']')
}

func (o *object) fail(err error) {
	if o.err == nil {
		o.err = err
	}
}

// name begins a member. Names need no escapes.
func (o *object) name(n string) {
	if o.b[len(o.b)-1] != '{' {
		o.b = append(o.b, ',')
	}
	o.b = append(append(append(o.b, '"'), n...), '"', ':')
}

func (o *object) must(name, s string) {
	o.name(name)
	o.string(s)
}

func (o *object) text(name, s string) {
	if s != "" {
		o.must(name, s)
	}
}

func (o *object) flag(name string, is bool) {
	if is {
		o.name(name)
		o.b = append(o.b, "true"...)
	}
}

func (o *object) int(name string, n int64) {
	o.name(name)
	o.b = strconv.AppendInt(o.b, n, 10)
}

func (o *object) number(name string, n int) {
	if n != 0 {
		o.int(name, int64(n))
	}
}

func (o *object) time(name string, t time.Time) {
	if !t.IsZero() {
		o.name(name)
		o.stamp(t)
	}
}

// stamp writes the time as its MarshalJSON does, whose errors it has, too.
func (o *object) stamp(t time.Time) {
	o.b = append(o.b, '"')
	b, err := t.AppendText(o.b)
	if err != nil {
		o.fail(err)
		return
	}
	o.b = append(b, '"')
}

func (o *object) value(name string, v *modelspec.Value) {
	if v == nil {
		return
	}
	raw, err := v.JSON()
	if err != nil {
		o.fail(err)
		return
	}
	o.name(name)
	o.b = append(o.b, raw...)
}

func (o *object) rare(name string, v any) {
	raw, err := json.Marshal(v)
	if err != nil {
		o.fail(err)
		return
	}
	o.name(name)
	o.b = append(o.b, raw...)
}

// string writes text that needs no escapes, as nearly all does here.
func (o *object) string(s string) {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			raw, err := json.Marshal(s)
			if err != nil {
				o.fail(err)
				return
			}
			o.b = append(o.b, raw...)
			return
		}
	}
	o.b = append(append(append(o.b, '"'), s...), '"')
}
