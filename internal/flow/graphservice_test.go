package flow_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/org/aegis/adapter"
	"github.com/org/aegis/modelspec"
)

// graphService is the outside of a graph. It keeps its half: one effect for
// each key, and none after its undo.
type graphService struct {
	began time.Time
	reply func(p *graphPort, m int, key string) // brings an awaited answer

	mu    sync.Mutex
	keys  map[string]graphKey // by service, document and key
	wrong []string
}

type graphKey struct {
	name           string // of document and service
	landed, undone bool
}

func (s *graphService) slot() int { return int(time.Since(s.began) / graphSlot) }

func (s *graphService) complain(format string, a ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wrong = append(s.wrong, fmt.Sprintf(format, a...))
}

// ready is the error of somebody who cannot do anything yet.
func (s *graphService) ready(a graphAct) error {
	switch {
	case a.Kind == actRefuse:
		return modelspec.Refuse("no")
	case a.Kind == actOK || s.slot() >= a.Until:
		return nil
	case a.Kind == actAway:
		return &modelspec.Error{Code: modelspec.ErrUnavailable, Message: "nobody there", NotSent: true}
	}
	return errors.New("who knows")
}

// do makes the effect happen, and reports whether it is new.
func (s *graphService) do(ctx context.Context, doc, what string, a graphAct) (fresh bool, err error) {
	err = s.ready(a)
	if err != nil && a.Kind != actMute {
		return false, err
	}
	key := adapter.Key(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.keys[what+key]
	if k.undone || key == "" {
		s.wrong = append(s.wrong, doc+" "+what+": asked after its undo, or without a key")
		return false, modelspec.ErrRefused
	}
	fresh = !k.landed
	k.name, k.landed = doc+" "+what, true
	s.keys[what+key] = k
	return fresh, err
}

func (s *graphService) undo(ctx context.Context, doc, what string, a graphAct) error {
	err := s.ready(a)
	if err != nil && a.Kind != actMute {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.keys[what+adapter.Undoes(ctx)]
	k.name, k.undone = doc+" "+what, true
	s.keys[what+adapter.Undoes(ctx)] = k
	return err
}

// withdraw is a service that says no after it said yes.
func (s *graphService) withdraw(what, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.keys[what+key]; !k.undone {
		k.landed = false
		s.keys[what+key] = k
	}
}

// count fills in what stands and what was taken back.
func (s *graphService) count(docs map[string]*foretold) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.keys {
		what, doc := k.name[len("m0 a "):], k.name[:len("m0 a")]
		switch {
		case k.landed && k.undone:
			docs[doc].Reversed[what]++
		case k.landed:
			docs[doc].Standing[what]++
		}
	}
}
