package aegis_test

import (
	"context"
	"testing"
	"time"

	"github.com/org/aegis"
	"github.com/org/aegis/adapter"
	"github.com/org/aegis/datasource"
	"github.com/org/aegis/datasource/memory"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

type parcel struct {
	ID string `json:"id"`
	At string `json:"at"`
}

var (
	parcelSend  = port.Command[parcel, port.None]{Name: "send", Produces: modelspec.EventName("parcel.sent"), Handle: func(*parcel, context.Context, port.None) error { return nil }}
	parcelTrack = port.Outbound[parcel, string, string]{Name: "track", On: []modelspec.EventRef{modelspec.EventName("parcel.sent")}, Await: &port.Await{},
		Request: func(p *parcel) string { return p.ID }, Reply: func(p *parcel, at string) error { p.At = at; return nil }}
)

// late is a store whose next Get hands out what it read only when told so.
type late struct {
	datasource.Store
	next chan chan struct{} // has one: the next Get says so, and waits
}

func (l *late) Collection(name string) (datasource.Collection, error) {
	c, err := l.Store.Collection(name)
	return lateColl{c, l}, err
}

type lateColl struct {
	datasource.Collection
	l *late
}

func (c lateColl) Get(ctx context.Context, id string) (datasource.Document, error) {
	d, err := c.Collection.Get(ctx, id)
	select {
	case w := <-c.l.next:
		w <- struct{}{}
		<-w
	default:
	}
	return d, err
}

// TestAnswerMeetsTheEndOfTheAsking: an answer comes in the very moment in which
// the asking is written down. It must not be turned away, since nobody will
// send it again.
func TestAnswerMeetsTheEndOfTheAsking(t *testing.T) {
	store := &late{Store: memory.New(), next: make(chan chan struct{}, 1)}
	asked, goOn := make(chan string), make(chan struct{})
	h, err := aegis.New(aegis.Config{
		Models: aegis.Models{modelspec.Model[parcel]{Name: "parcel", Ports: []modelspec.Port[parcel]{parcelSend, parcelTrack}}},
		Adapters: aegis.Adapters{adapter.Ask(parcelTrack, func(ctx context.Context, _ string) error {
			asked <- adapter.Key(ctx)
			<-goOn
			return nil
		})},
		Datasource: store,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	r := aegis.NewRepository(h, modelspec.Model[parcel]{Name: "parcel"})
	e, err := r.Create(t.Context(), "", parcel{})
	if err != nil {
		t.Fatal(err)
	}
	if err := parcelSend.Invoke(t.Context(), h, e.ID, port.None{}); err != nil {
		t.Fatal(err)
	}
	settled, answered := make(chan error, 1), make(chan error, 1)
	go func() { settled <- h.Settle(t.Context(), time.Now()) }()
	key := <-asked
	read := make(chan struct{})
	store.next <- read
	go func() { answered <- parcelTrack.Complete(t.Context(), h, key, "home") }()
	<-read // the answer has read the document ...
	close(goOn)
	if err := <-settled; err != nil { // ... and the asking writes that it waits
		t.Fatal(err)
	}
	read <- struct{}{}
	if err := <-answered; err != nil {
		t.Error(err)
	}
	if p, err := r.Find(t.Context(), e.ID); err != nil || p.At != "home" {
		t.Errorf("%+v %v", p, err)
	}
}
