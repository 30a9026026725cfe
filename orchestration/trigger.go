package orchestration

import "github.com/org/aegis/modelspec"

// trigger is an event that a document names, where it stands.
type trigger struct {
	value
	modelspec.Trigger
	await bool // it answers: then it is never an event of the document itself
}

// own reports whether it is an event of the document itself.
func (t *trigger) own() bool {
	return !t.await && t.Via == "" && t.Key == "" && t.Source == "" && t.Field == ""
}

// readTrigger reads an event: its type, or a mapping.
func readTrigger(v value, await bool) (t trigger, ok bool) {
	t.value, t.await = v, await
	if v.kind == text {
		t.Event, ok = v.word()
		return t, ok
	}
	if v.kind != object {
		v.wrong("", "it is %s: write an event, or a mapping with event, source, via, key and field", v.kind)
		return t, false
	}
	ok = true
	set := func(to *string) func(value) {
		return func(v value) {
			w, fine := v.word()
			*to, ok = w, ok && fine
		}
	}
	before := len(v.c.list)
	v.fields(map[string]func(value){
		"event": set(&t.Event), "source": set(&t.Source), "via": set(&t.Via), "key": set(&t.Key), "field": set(&t.Field),
	})
	if v.get("event") == nil {
		v.wrong("", "event is missing")
	}
	return t, ok && len(v.c.list) == before
}

// split sorts triggers as a port descriptor has them.
func split(ts []trigger) (on []string, from []modelspec.Trigger) {
	for i := range ts {
		if ts[i].own() {
			on = append(on, ts[i].Event)
		} else {
			from = append(from, ts[i].Trigger)
		}
	}
	return on, from
}

// at is where a part of the trigger stands, or the trigger.
func (t *trigger) at(member string) value {
	if n := t.get(member); member != "" && n != nil {
		return value{n, under(t.path, member), t.c}
	}
	return t.value
}
