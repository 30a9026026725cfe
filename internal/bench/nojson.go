package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync/atomic"

	"github.com/org/aegis"
	"github.com/org/aegis/broker"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// meeting counts how often a text meets JSON. The counter goes wherever the
// text is copied.
type meeting struct {
	text string
	met  *atomic.Int64
}

func (m meeting) MarshalJSON() ([]byte, error) {
	if m.met != nil {
		m.met.Add(1)
	}
	return json.Marshal(m.text)
}

func (m *meeting) UnmarshalJSON(b []byte) error {
	if m.met != nil {
		m.met.Add(1)
	}
	return json.Unmarshal(b, &m.text)
}

// ticket is a model that notices JSON.
type ticket struct {
	ID    string  `json:"id"`
	Note  meeting `json:"note"`
	Count int     `json:"count"`
}

type noting struct {
	Note meeting `json:"note"`
}

func tickets() (modelspec.Model[ticket], port.Inbound[ticket, noting, noting]) {
	in := port.Inbound[ticket, noting, noting]{Name: "note", Produces: modelspec.EventName("ticket.noted"),
		Handle: func(t *ticket, _ context.Context, n noting) (noting, error) {
			t.Note = n.Note
			t.Count++
			return n, nil
		}}
	return modelspec.Model[ticket]{Name: "ticket", Ports: []modelspec.Port[ticket]{in}}, in
}

// seen counts how often the texts of one trial met JSON.
type seen struct{ met atomic.Int64 }

func (s *seen) note() meeting { return meeting{"n", &s.met} }

// countJSON makes commands through a whole host, as the timed ones are, and
// returns how many of the values in documents, arguments, answers and events
// were encoded or decoded.
func countJSON(ctx context.Context) (n int64, err error) {
	model, in := tickets()
	host, err := aegis.New(aegis.Config{Models: aegis.Models{model}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, host.Close()) }()
	if err := host.Start(ctx); err != nil {
		return 0, err
	}
	if _, err := host.Subscribe(broker.Subscription{Pattern: ">", Handler: func(context.Context, broker.Event) error { return nil }}); err != nil {
		return 0, err
	}
	var s seen
	if _, err := aegis.NewRepository(host, model).Create(ctx, "t1", ticket{Note: s.note()}); err != nil {
		return 0, err
	}
	var k keys
	for range 200 { // enough for the host to move receipts out of the document, too
		if _, err := in.Invoke(aegis.WithKey(ctx, k.next()), host, "t1", noting{s.note()}); err != nil {
			return 0, err
		}
	}
	return s.met.Load(), nil
}
