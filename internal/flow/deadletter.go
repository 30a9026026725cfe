package flow

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/org/aegis/broker"
	"github.com/org/aegis/datasource"
	"github.com/org/aegis/modelspec"
)

// Letter is a dead letter as it is listed.
type Letter struct {
	ID    string       `json:"id"`
	Time  time.Time    `json:"time"` // since when it is one, or was last retried
	Event broker.Event `json:"event"`
	Error string       `json:"error"`

	Model    string   `json:"model,omitempty"`    // of the document that would not take it; empty: it was a subscriber
	Document string   `json:"document,omitempty"` // id of that document; empty: it is not known which
	Taken    []string `json:"taken,omitempty"`    // subscriptions that have had it: they do not get it again
}

// LetterPage is one page of dead letters.
type LetterPage struct {
	Letters []Letter `json:"letters"`
	Next    string   `json:"next,omitempty"` // cursor of the next page; empty: this was the last
}

// DeadLetters lists the events that required subscribers, or documents that they
// concern, refused again and again, or for good. limit is at most how many, zero: 50, and 500 are the most; cursor is
// Next of the page before.
func (e *Engine) DeadLetters(ctx context.Context, limit int, cursor string) (LetterPage, error) {
	page := LetterPage{Letters: []Letter{}}
	limit, err := limited(limit)
	if err != nil {
		return page, err
	}
	after, err := letterAfter(cursor)
	if err != nil {
		return page, err
	}
	c, err := e.coll(deadLetters)
	if err != nil {
		return page, err
	}
	size := 0
	for d, err := range c.List(ctx, datasource.Query{After: datasource.Position{ID: after}}) {
		if err != nil {
			return LetterPage{}, err
		}
		n := d.Data.Size()
		if len(page.Letters) == limit || size > 0 && size+n > flowPageBytes {
			page.Next = base64.RawURLEncoding.EncodeToString([]byte(page.Letters[len(page.Letters)-1].ID))
			break
		}
		s, err := modelspec.As[DeadLetter](d.Data)
		if err != nil { // it can still be dropped
			s = &DeadLetter{Error: "it cannot be read: " + err.Error()}
		}
		page.Letters, size = append(page.Letters, Letter{ID: d.ID, Time: d.Updated, Event: s.Event.Event, Error: s.Error, Model: s.Model, Document: s.ID, Taken: s.Taken}), size+n
	}
	return page, nil
}

func letterAfter(cursor string) (string, error) {
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || cursor != "" && datasource.ValidID(string(b)) != nil {
		return "", badFlows("cursor", "is not of this list: begin again without it")
	}
	return string(b), nil
}

// RetryDeadLetter gives the event once more to whoever has not taken it: the
// document that would not, or those who require it. Then the letter is gone. It
// comes out of order: the subject has gone on. It fails with ErrUnavailable
// where it is refused again, and with ErrRefused where nobody wants it at this
// moment: the letter stays.
func (e *Engine) RetryDeadLetter(ctx context.Context, id string, by Operator) error {
	if err := by.check(); err != nil {
		return err
	}
	c, d, err := e.letter(ctx, id)
	if err != nil {
		return err
	}
	was, err := modelspec.As[DeadLetter](d.Data)
	if err != nil {
		return &modelspec.Error{Code: modelspec.ErrDataLoss, Message: "dead letter " + id + " cannot be read: " + err.Error()}
	}
	s := *was
	if nobody := e.unwanted(&s); nobody != "" {
		return &modelspec.Error{Code: modelspec.ErrRefused, Message: "retry dead letter " + id + ": " + nobody}
	}
	why := e.redeliver(ctx, &s)
	e.Log.Info("an operator retried a dead letter", "letter", id, "event", s.Event.ID, "type", s.Event.Type, "by", by.name(), "reason", by.Reason, "err", why)
	ctx, cancel := detached(ctx)
	defer cancel()
	if why == nil {
		return gone(e.forget(ctx, c, &d))
	}
	s.Error = cut(why.Error(), 500)
	d.Revision++
	d.Updated, d.By, d.Data = time.Now(), e.nonce(), modelspec.Of(s)
	if err := gone(c.Put(ctx, d)); err != nil {
		return err
	}
	return &modelspec.Error{Code: modelspec.ErrUnavailable, Message: "retry dead letter " + id + ": it was refused again: " + s.Error}
}

// unwanted says why there is nobody to give the letter to.
func (e *Engine) unwanted(s *DeadLetter) string {
	switch {
	case s.Model != "":
		if _, err := e.modelsOf(s.Model); err != nil {
			return "there is no model " + s.Model + " at this moment: load its component, or drop the letter"
		}
	case s.Event.Hop >= MaxHops:
		return "it went through " + strconv.Itoa(MaxHops) + " documents, one after the other, and may be going in a circle: drop it"
	case !e.Broker.Needs(s.Event.Source, s.Event.Type):
		return "nobody requires " + s.Event.Type + " of " + s.Event.Source + " at this moment: load the component that does, or drop the letter"
	}
	return ""
}

// redeliver gives the event to whoever has not taken it, and notes in s who has
// now.
func (e *Engine) redeliver(ctx context.Context, s *DeadLetter) (err error) {
	if s.Model != "" {
		return e.retake(ctx, s)
	}
	if s.Taken == nil {
		s.Taken = []string{} // who only watches has seen it
	}
	s.Taken, err = e.deliver(ctx, &s.Event, try{taken: s.Taken})
	return err
}

// retake gives the event to the document that would not take it, or, where it
// is not known which, to all of the model that it concerns now.
func (e *Engine) retake(ctx context.Context, s *DeadLetter) error {
	ev, met := &s.Event.Event, false
	var bad []error
	for _, spec := range e.Table.Snapshot().Models() {
		if spec.Descriptor().Name != s.Model {
			continue
		}
		groups, err := e.concernedNow(ctx, spec, ev)
		bad = append(bad, err)
		for _, g := range groups {
			if s.ID == "" || s.ID == g.id {
				met = true
				bad = append(bad, e.takeOrCreate(ctx, docKey{s.Model, g.id}, ev, g.causes, true))
			}
		}
	}
	if err := errors.Join(bad...); err != nil || met || s.ID == "" {
		return err
	}
	return &modelspec.Error{Code: modelspec.ErrRefused, Message: "it does not concern " + s.Model + " " + s.ID + " any more: drop the letter"}
}

// concernedNow finds the documents of a model that the event concerns.
func (e *Engine) concernedNow(ctx context.Context, spec *modelspec.Spec, ev *broker.Event) (out []group, err error) {
	var bad []error
	for _, c := range spec.Causes() {
		if c.Event != ev.Type || c.Origin() != ev.Source {
			continue
		}
		ids, err := e.targets(ctx, spec, c, ev)
		bad = append(bad, err)
		for _, id := range ids {
			i := slices.IndexFunc(out, func(g group) bool { return g.id == id })
			if i < 0 {
				i, out = len(out), append(out, group{id: id})
			}
			out[i].causes = append(out[i].causes, c)
		}
	}
	return out, errors.Join(bad...)
}

// DropDeadLetter throws a letter away: whoever required the event will never
// have it.
func (e *Engine) DropDeadLetter(ctx context.Context, id string, by Operator) error {
	if err := by.check(); err != nil {
		return err
	}
	c, d, err := e.letter(ctx, id)
	if err != nil {
		return err
	}
	event := ""
	if s, err := modelspec.As[DeadLetter](d.Data); err == nil {
		event = s.Event.ID
	}
	e.Log.Warn("an operator dropped a dead letter", "letter", id, "event", event, "by", by.name(), "reason", by.Reason)
	return gone(e.forget(ctx, c, &d))
}

func (e *Engine) letter(ctx context.Context, id string) (datasource.Collection, datasource.Document, error) {
	c, err := e.coll(deadLetters)
	if err != nil {
		return nil, datasource.Document{}, err
	}
	var d datasource.Document
	if err = datasource.ValidID(id); err == nil {
		d, err = c.Get(ctx, id)
	}
	if err == nil && d.Gone || errors.Is(err, modelspec.ErrNotFound) || errors.Is(err, modelspec.ErrInvalid) {
		err = &modelspec.Error{Code: modelspec.ErrNotFound, Message: "there is no dead letter " + clip(id) + ": it was taken, or dropped"}
	}
	return c, d, err
}

// gone makes nothing of a conflict: another operator was faster.
func gone(err error) error {
	if errors.Is(err, modelspec.ErrConflict) {
		return nil
	}
	return err
}
