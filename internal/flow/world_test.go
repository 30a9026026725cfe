package flow_test

import (
	"context"
	"slices"
	"time"

	"github.com/org/aegis"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// A world of three models that know each other by events only: an order that
// is sold, the stock that takes the sale and answers it, and a ledger that is
// made and kept up to date by what the order says.
//
//	sell -> order.sold -> reserve (awaits stock.reserved | stock.refused)
//	                      stock.take, ledger is created
//	order.reserved -> charge (a handler that calls pay)
//	order.charged  -> invoice (awaits an answer from outside), pack (after a
//	                  while, or packElsewhere), gift (optional)
//	order.invoiced and order.packed -> ship
//	order.undone   -> stock.back; all of them -> the ledger is updated

type order struct {
	ID       string   `json:"id"`
	Order    string   `json:"order,omitempty" aegis:"index"` // the order and its life: what others know it by
	SKU      string   `json:"sku"`
	State    string   `json:"state"`
	N        int      `json:"n"` // counts changes
	Shelf    string   `json:"shelf,omitempty"`
	Paid     string   `json:"paid,omitempty"`
	Couriers []string `json:"couriers,omitempty"`
	Invoice  string   `json:"invoice,omitempty"`
	Parcel   string   `json:"parcel,omitempty"`
	Gift     string   `json:"gift,omitempty"`
	Marks    []string `json:"marks,omitempty"`
}

func (o *order) is(state string) { o.State, o.N = state, o.N+1 }

type shelfStock struct {
	ID    string   `json:"id"`
	Left  int      `json:"left"`
	For   []string `json:"for,omitempty"`
	Order string   `json:"order,omitempty"` // the last one that asked
	Shelf string   `json:"shelf,omitempty"`
	Takes []string `json:"takes,omitempty"` // runs of take, in their order
	Backs []string `json:"backs,omitempty"` // runs of back
	Late  []string `json:"late,omitempty"`  // taken after they were given back
	Sent  []string `json:"sent,omitempty"`  // runs of sent, where there is one
}

type page struct {
	ID    string `json:"id"`
	Order string `json:"order" aegis:"index"`
	State string `json:"state"`
	N     int    `json:"n"`
	Back  string `json:"back,omitempty"` // an update that came after a later one
}

type askFor struct {
	Order string `json:"order"`
	SKU   string `json:"sku,omitempty"`
}

type given struct {
	Shelf string `json:"shelf"`
}

type slip struct {
	ID string `json:"id"`
}

type marking struct {
	Order string `json:"order"`
	Mark  string `json:"mark"`
}

type rushing struct {
	Refuse bool `json:"refuse,omitempty"`
}

var none = port.None{}

// code is a version of the component.
type code struct {
	Lazy     bool // its handlers call nobody
	Giftless bool // the optional port is gone
	Off      bool // pack is disabled
	Hasty    bool // the command that sells calls a courier, too
	Quick    bool // pack runs at once: real time passes
	Curious  bool // the stock wants to know of what was shipped
}

var (
	stockReserved = modelspec.Event[shelfStock]{Type: "stock.reserved"}
	stockRefused  = modelspec.Event[shelfStock]{Type: "stock.refused"}
)

const shopURI = "https://shop"

func called(name string) modelspec.EventRef { return modelspec.EventName("order." + name) }

func asking(o *order) askFor { return askFor{o.Order, o.SKU} }

// effect is an outbound port of the order that is answered at once.
func effect(name, on, produces string, undo bool, fold func(*order, string)) port.Outbound[order, askFor, slip] {
	p := port.Outbound[order, askFor, slip]{Name: name, Model: "order", Undo: undo, Request: asking, Reply: func(o *order, s slip) error { fold(o, s.ID); return nil }}
	if on != "" {
		p.On = []modelspec.EventRef{called(on)}
	}
	if produces != "" {
		p.Produces = called(produces)
	}
	return p
}

var (
	reserve = port.Outbound[order, askFor, given]{Name: "reserve", Model: "order", On: []modelspec.EventRef{called("sold")}, Produces: called("reserved"), Undo: true, Request: asking,
		Reply: func(o *order, g given) error { o.Shelf = g.Shelf; o.is("reserved"); return nil },
		Await: &port.Await{Key: "/order", For: 2 * time.Hour, On: []port.From{{Event: stockReserved, Key: "/order"}}, Fail: []port.From{{Event: stockRefused, Key: "/order"}}}}
	pay     = effect("pay", "", "", true, func(o *order, s string) { o.Paid = s })
	courier = effect("courier", "", "", true, func(o *order, s string) { o.Couriers = append(o.Couriers, s) })
	gift    = optional(effect("gift", "charged", "gifted", false, func(o *order, s string) { o.Gift = s; o.N++ }))
	spare   = effect("packElsewhere", "", "", true, func(o *order, s string) { o.Parcel = s })
	ship    = joining(effect("ship", "invoiced", "shipped", false, func(o *order, _ string) { o.is("shipped") }), "packed")
	invoice = port.Outbound[order, askFor, slip]{Name: "invoice", Model: "order", On: []modelspec.EventRef{called("charged")}, Produces: called("invoiced"), Undo: true, Request: asking,
		Reply: func(o *order, s slip) error { o.Invoice = s.ID; o.N++; return nil }, Await: &port.Await{For: 3 * time.Hour}}
	scan = port.Outbound[shelfStock, port.None, port.None]{Name: "scan", Model: "stock", Request: func(*shelfStock) port.None { return none }}
	rush = port.Command[order, rushing]{Name: "rush", Model: "order", Handle: rushNow}
	sell = port.Command[order, port.None]{Name: "sell", Model: "order", Produces: called("sold"), Handle: func(o *order, _ context.Context, _ port.None) error {
		if o.State != "new" {
			return modelspec.Refuse("it is " + o.State)
		}
		o.is("sold")
		return nil
	}}
)

func optional(p port.Outbound[order, askFor, slip]) port.Outbound[order, askFor, slip] {
	p.Optional = true
	return p
}

func joining(p port.Outbound[order, askFor, slip], also string) port.Outbound[order, askFor, slip] {
	p.On, p.All = append(p.On, called(also)), true
	return p
}

func pack(c code) port.Outbound[order, askFor, slip] {
	p := effect("pack", "charged", "packed", true, func(o *order, s string) { o.Parcel = s; o.N++ })
	p.Delay, p.Disabled, p.Fallback = 10*time.Minute, c.Off, &spare
	if c.Quick {
		p.Delay = 10 * time.Millisecond
	}
	return p
}

func rushNow(o *order, ctx context.Context, r rushing) error {
	if _, err := courier.Call(ctx, o); err != nil {
		return err
	}
	if r.Refuse {
		return modelspec.Refuse("no rush")
	}
	o.N++
	return nil
}

func orders(c code) modelspec.Model[order] {
	charge := port.Command[order, order]{Name: "charge", Model: "order", On: []modelspec.EventRef{called("reserved")}, Produces: called("charged"), Handle: func(o *order, ctx context.Context, _ order) error {
		if !c.Lazy {
			if _, err := pay.Call(ctx, o); err != nil {
				return err
			}
		}
		o.is("charged")
		return nil
	}}
	mark := port.Command[order, marking]{Name: "mark", Model: "order", On: []modelspec.EventRef{port.From{Event: modelspec.EventName("shop.marked"), Source: shopURI, Key: "/order", Field: "order"}},
		Handle: func(o *order, _ context.Context, m marking) error {
			o.Marks, o.N = append(o.Marks, m.Mark), o.N+1
			return nil
		}}
	selling := sell
	if c.Hasty {
		selling.Handle = func(o *order, ctx context.Context, _ port.None) error {
			if _, err := courier.Call(ctx, o); err != nil {
				return err
			}
			return sell.Handle(o, ctx, none)
		}
	}
	rushed := rush
	if c.Lazy {
		rushed.Handle = func(o *order, _ context.Context, r rushing) error {
			if r.Refuse {
				return modelspec.Refuse("no rush")
			}
			o.N++
			return nil
		}
	}
	m := modelspec.Model[order]{Name: "order", Ports: []modelspec.Port[order]{selling, rushed, reserve, pay, courier, charge, invoice, pack(c), spare, ship, mark},
		OnUndone: func(o *order) error { o.is("undone"); o.Paid, o.Invoice, o.Parcel = "", "", ""; return nil }}
	if !c.Giftless {
		m.Ports = append(m.Ports, gift)
	}
	return m
}

func stocks(c code) modelspec.Model[shelfStock] {
	take := port.Command[shelfStock, askFor]{Name: "take", Model: "stock", On: []modelspec.EventRef{port.From{Event: called("sold"), Key: "/sku"}}, Handle: func(s *shelfStock, ctx context.Context, a askFor) error {
		if !c.Lazy {
			if _, err := scan.Call(ctx, s); err != nil {
				return err
			}
		}
		s.Order, s.Takes = a.Order, append(s.Takes, a.Order)
		if slices.Contains(s.Backs, a.Order) {
			s.Late = append(s.Late, a.Order)
			return nil
		}
		if s.Left == 0 {
			return stockRefused.Publish(ctx, *s)
		}
		s.Left, s.Shelf, s.For = s.Left-1, "A7", append(s.For, a.Order)
		return stockReserved.Publish(ctx, *s)
	}}
	back := port.Command[shelfStock, askFor]{Name: "back", Model: "stock", On: []modelspec.EventRef{port.From{Event: called("undone"), Key: "/sku"}}, Handle: func(s *shelfStock, _ context.Context, a askFor) error {
		s.Backs = append(s.Backs, a.Order)
		if i := slices.Index(s.For, a.Order); i >= 0 {
			s.For, s.Left = slices.Delete(s.For, i, i+1), s.Left+1
		}
		return nil
	}}
	m := modelspec.Model[shelfStock]{Name: "stock", Ports: []modelspec.Port[shelfStock]{take, back, scan}, Publishes: []modelspec.EventRef{stockReserved, stockRefused}}
	if c.Curious {
		m.Ports = append(m.Ports, port.Command[shelfStock, askFor]{Name: "sent", Model: "stock", On: []modelspec.EventRef{port.From{Event: called("shipped"), Key: "/sku"}}, Handle: func(s *shelfStock, _ context.Context, a askFor) error {
			s.Sent = append(s.Sent, a.Order)
			return nil
		}})
	}
	return m
}

// kept are the events of an order that the ledger keeps.
var kept = []string{"reserved", "charged", "invoiced", "packed", "shipped", "undone"}

func ledgers() modelspec.Model[page] {
	m := modelspec.Model[page]{Name: "ledger", CreateOn: []modelspec.From{{Event: called("sold")}}, OnUpdate: func(was, is *page) error {
		if is.N < was.N {
			is.Back = is.State
		}
		return nil
	}}
	for _, e := range kept {
		m.UpdateOn = append(m.UpdateOn, modelspec.From{Event: called(e), Key: "/order", Field: "order"})
	}
	return m
}

func models(c code) aegis.Models { return aegis.Models{orders(c), stocks(c), ledgers()} }
