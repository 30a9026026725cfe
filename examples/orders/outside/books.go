package outside

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"github.com/org/aegis/examples/orders/order"
)

// Entry is one line of the books: what came under one key.
type Entry struct {
	Op, Key, Order string
	Amount         int64 // cents, of hold and capture
	Asked          int   // times
	UndoAsked      int
	Done, Undone   bool
	Refused        string // why it is not done, and never will be
}

// Live reports whether what was done stands.
func (e *Entry) Live() bool { return e.Done && !e.Undone }

// places that the carrier does not go to.
var refuses = []string{"Atlantis"}

// request is what all calls have in common.
type request struct {
	OrderID    string `json:"orderId"`
	Amount     int64  `json:"amount"`
	Address    string `json:"address"`
	ShipmentID string `json:"shipmentId"`
	Canceled   bool   `json:"canceled"`
}

// ops are the calls, and what each answers.
var ops = map[string]func(request) any{
	"hold":    func(r request) any { return order.Authorization{PaymentID: code("pay", r.OrderID)} },
	"capture": func(r request) any { return order.Receipt{ConfirmationCode: code("ok", r.OrderID)} },
	"book":    func(r request) any { return order.Shipment{ShipmentID: code("shp", r.OrderID)} },
	"track":   func(request) any { return nil },
	"prove":   func(r request) any { return order.Proof{ProofOfDelivery: code("proof", r.ShipmentID)} },
}

// code names something that belongs to another thing: the same however often
// asked.
func code(kind, of string) string {
	sum := sha256.Sum256([]byte(kind + "/" + of))
	return kind + "-" + hex.EncodeToString(sum[:6])
}

// entry finds the line of a key, or begins one. The caller holds s.mu.
func (s *Server) entry(op, key string, r request) *Entry {
	e := s.books[key]
	if e == nil {
		e = &Entry{Op: op, Key: key, Order: r.OrderID}
		s.books[key] = e
	}
	return e
}

// do does what is asked, once. first reports whether that was now.
func (s *Server) do(op, key string, r request, refuse bool) (refused string, first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entry(op, key, r)
	if e.Done || e.Refused != "" {
		return e.Refused, false
	}
	if e.Refused = whyNot(op, r, refuse); e.Refused != "" {
		return e.Refused, false
	}
	e.Done = true
	if op == "hold" || op == "capture" {
		e.Amount = r.Amount
	}
	return "", true
}

func whyNot(op string, r request, refuse bool) string {
	if op == "book" {
		if r.Canceled {
			return "order " + r.OrderID + " was canceled"
		}
		for _, place := range refuses {
			if strings.Contains(r.Address, place) {
				return "the carrier does not deliver to " + place
			}
		}
	}
	if refuse {
		return op + ": the service does not want to"
	}
	return ""
}

// takeBack undoes what came under the key, or sees to it that it is not done
// any more.
func (s *Server) takeBack(op, key string, r request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entry(op, key, r)
	switch {
	case e.Done:
		e.Undone = true
		e.Refused = cmp.Or(e.Refused, "it was taken back")
	case e.Refused == "":
		e.Refused = "it was taken back before it came"
	}
}

// Books are all entries, by order and key.
func (s *Server) Books() []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Entry, 0, len(s.books))
	for _, e := range s.books {
		out = append(out, *e)
	}
	slices.SortFunc(out, func(a, b Entry) int { return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(a.Key, b.Key)) })
	return out
}

func requestOf(raw json.RawMessage) (r request, err error) { return r, json.Unmarshal(raw, &r) }
