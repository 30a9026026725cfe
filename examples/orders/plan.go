package main

import (
	"hash/fnv"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/org/aegis/examples/orders/order"
	"github.com/org/aegis/examples/orders/outside"
)

// plan says what goes wrong, all of it a matter of the seed: with which order,
// at which call, at which attempt. When hosts die is a matter of how far the
// orders have got.
type plan struct {
	seed uint64

	mu      sync.Mutex
	numbers map[string]int // of orders, by id
}

func newPlan(seed uint64) *plan { return &plan{seed: seed, numbers: map[string]int{}} }

// know says which order it is that has the id.
func (p *plan) know(id string, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.numbers[id] = n
}

// dice are those of one decision about an order.
func (p *plan) dice(n int, what string) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(strconv.Itoa(n) + "/" + what))
	return rand.New(rand.NewPCG(p.seed, h.Sum64()))
}

func (p *plan) number(id string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.numbers[id]
}

// most is how many attempts of one call go wrong: services recover.
const most = 3

// fault is what goes wrong with one call.
func (p *plan) fault(c outside.Call) outside.Fault {
	n := p.number(c.Order)
	if c.Undo {
		if c.Op == "book" && p.dice(n, "stuck").IntN(100) < 15 {
			return outside.Stuck
		}
		return p.transient(n, c, 40)
	}
	if c.Op != "track" && p.dice(n, c.Op).IntN(100) < 4 && c.Attempt > p.dice(n, c.Op+"/when").IntN(2) {
		return outside.Refuse
	}
	return p.transient(n, c, 25)
}

// transient is, so often in a hundred, something that passes.
func (p *plan) transient(n int, c outside.Call, often int) outside.Fault {
	d := p.dice(n, c.Op+"/"+strconv.FormatBool(c.Undo)+"/"+strconv.Itoa(c.Attempt))
	if c.Attempt > most || d.IntN(100) >= often {
		return outside.None
	}
	return [...]outside.Fault{outside.NotSent, outside.LostBefore, outside.LostAfter, outside.Slow}[d.IntN(4)]
}

// travel is how a parcel fares.
func (p *plan) travel(id string) outside.Travel {
	d := p.dice(p.number(id), "travel")
	return outside.Travel{
		After: time.Duration(50+d.IntN(400)) * time.Millisecond,
		Lost:  d.IntN(100) < 4, ByReply: d.IntN(2) == 0, Garbled: d.IntN(10) == 0, Twice: d.IntN(5) == 0, Late: d.IntN(5) == 0,
	}
}

// patience is how long who orders waits for an answer: to create or to approve
// an order. Zero: as long as it takes, asking again where it must.
func (p *plan) patience(n int, asks string) time.Duration {
	d := p.dice(n, "patience/"+asks)
	if d.IntN(10) > 0 {
		return 0
	}
	return time.Duration(200+d.IntN(4000)) * time.Microsecond
}

// basket is what is ordered.
func (p *plan) basket(n int) map[string]any {
	d := p.dice(n, "basket")
	items := []order.Item{{ItemID: kind("tea", d.IntN(kinds)), Price: 450, Qty: 1 + d.Int64N(3)}, {ItemID: kind("cup", d.IntN(kinds)), Price: 1000, Qty: 1}}
	if d.IntN(15) == 0 {
		items = append(items, order.Item{ItemID: rare, Price: 9900, Qty: 1})
	}
	return map[string]any{"customerId": "ann", "items": items, "shippingAddress": address(n)}
}

// address says which order it is, also of one whose id nobody has heard.
func address(n int) string { return strconv.Itoa(n) + " Chaos Street" }
