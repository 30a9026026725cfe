package outside

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/org/aegis/examples/orders/order"
)

// again is how long the carrier waits before it tells a host again that did not
// listen.
const again = 50 * time.Millisecond

// deliver brings a parcel, and tells the host of it until that has heard.
func (s *Server) deliver(r request) {
	var t Travel
	if s.cfg.Travel != nil {
		t = s.cfg.Travel(r.OrderID)
	}
	if !s.sleep(t.After) {
		return
	}
	tracking := order.Tracking{TrackingID: code("trk", r.ShipmentID), Status: "delivered"}
	if t.Garbled {
		s.want("a garbled reply", s.reply(r, map[string]any{"trackingId": 7}), http.StatusUnprocessableEntity, func(t *Tally) { t.Garbled++ })
	}
	took := func(t *Tally) { t.Answers++ }
	switch {
	case t.Lost:
		s.want("the loss of a parcel", s.event(r, "parcel.lost", nil), http.StatusAccepted, func(t *Tally) { t.Lost++ })
	case t.ByReply:
		s.want("a reply", s.reply(r, tracking), http.StatusNoContent, took)
	default:
		s.want("an event", s.event(r, order.ParcelDelivered.Type, tracking), http.StatusAccepted, took)
	}
	doubled := func(t *Tally) { t.Doubled++ }
	if t.Twice {
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() {
				s.want("an event that is known", s.event(r, order.ParcelDelivered.Type, tracking), http.StatusAccepted, doubled)
			})
		}
		both.Wait()
	}
	if t.Late && s.sleep(10*again) {
		s.want("an event that comes late", s.event(r, "parcel.lost", nil), http.StatusAccepted, doubled)
		s.want("a reply that comes late", s.reply(r, tracking), http.StatusNotFound, doubled)
	}
}

// answer is what a host said to something that was sent.
type answer struct {
	status int    // zero: the world has ended
	body   []byte // of a host that did not like it
	broken bool   // a time before the line broke, and nobody knows what that came to
}

// want checks what a host said. Where it was asked before and the line broke,
// it may have taken the answer then.
func (s *Server) want(what string, a answer, status int, count func(*Tally)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case a.status == 0:
	case a.status == status, a.broken && a.status == http.StatusNotFound:
		count(&s.tally)
	default:
		s.tally.Wrong = append(s.tally.Wrong, fmt.Sprintf("%s was answered with %d: %s", what, a.status, a.body))
	}
}

// event tells the host by a CloudEvent, whose id says which it is.
func (s *Server) event(r request, typ string, data any) answer {
	return s.send("/events", "application/cloudevents+json", map[string]any{
		"specversion": "1.0", "id": typ + "/" + r.ShipmentID, "source": order.Parcels, "type": typ, "subject": r.ShipmentID, "data": data,
	})
}

// reply tells the host by an answer to the very call.
func (s *Server) reply(r request, v any) answer {
	return s.send("/replies/order/trackShipment/"+url.PathEscape(r.ShipmentID), "application/json", v)
}

// send posts until a host answers.
func (s *Server) send(path, contentType string, v any) (a answer) {
	body, err := json.Marshal(v)
	if err != nil {
		return a
	}
	for s.life.Err() == nil {
		s.mu.Lock()
		api := s.api
		s.mu.Unlock()
		if api != "" {
			if a.status, a.body, err = s.post(api+path, contentType, body); err == nil && a.status < 500 {
				return a
			}
			a.broken = true
		}
		s.sleep(again)
	}
	return answer{}
}

func (s *Server) post(url, contentType string, body []byte) (int, []byte, error) {
	req, err := http.NewRequestWithContext(s.life, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", contentType)
	res, err := s.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 4<<10))
	return res.StatusCode, b, err
}
