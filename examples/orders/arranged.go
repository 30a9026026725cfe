package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/org/aegis"
	"github.com/org/aegis/examples/orders/order"
	"github.com/org/aegis/orchestration"
)

// flowsFile is the flow that no code defines.
//
//go:embed flows.yaml
var flowsFile string

// edit is a change of flows.yaml: some text in place of other text.
type edit struct{ what, old, new string }

// The edits, one on top of the other.
var (
	another = edit{"another payer, by one line", "{service: bank}", "{service: wallet}"}
	longer  = edit{"one step more", "      - payCarrier\n", "      - payCarrier\n      - {port: thank, delay: 100ms, optional: true}\n"}
	broken  = edit{"a slip of the pen", "- priceDelivery", "- priceDelivry"}
)

// brokenAt is where the slip is.
const brokenAt = "flows.yaml:17:9: "

// purse is what the operator's flow uses: its books outlive hosts.
type purse struct {
	bank, wallet payer
	post         letters
}

func newPurse() *purse { return &purse{bank: payer{name: "bank"}, wallet: payer{name: "wallet"}} }

func (p *purse) services() aegis.Services {
	return aegis.Services{"bank": &p.bank, "wallet": &p.wallet, "post": &p.post}
}

// arranged is the fifth part: a flow that only a YAML file defines, changed
// while orders go through it.
func (d *demo) arranged(ctx context.Context) error {
	d.show.title("5. a flow that only flows.yaml defines, changed while orders go through it")
	was, err := count(ctx, d.site.host)
	if err != nil {
		return err
	}
	text, err := d.apply(ctx, flowsFile, edit{what: "flows.yaml, as it is"})
	if err != nil {
		return err
	}
	o, err := d.order(ctx, "", "order.completed")
	if err != nil {
		return err
	}
	if err := d.settled(ctx, o.ID, "bank", false); err != nil {
		return err
	}
	d.show.hush(true)
	defer d.show.hush(false)
	s := startStream(ctx, d)
	for _, e := range []edit{another, longer, broken} {
		if err = s.more(ctx, d.fewer(10, 3)); err != nil {
			break
		}
		if text, err = d.apply(ctx, text, e); err != nil {
			break
		}
		s.changed(e)
	}
	if err == nil {
		err = s.more(ctx, d.fewer(10, 3))
	}
	if err := errors.Join(err, s.stop()); err != nil {
		return err
	}
	if err := d.flowed(ctx, s.orders); err != nil {
		return err
	}
	return d.expect(ctx, was, ofOrders(int64(len(s.orders)+1)))
}

func (d *demo) fewer(most, short int) int {
	if d.short {
		return short
	}
	return most
}

// apply applies an edited text. It returns what holds then: the text before,
// where the edit is the broken one, which must be refused.
func (d *demo) apply(ctx context.Context, text string, e edit) (string, error) {
	next := text
	if e.old != "" {
		next = strings.Replace(text, e.old, e.new, 1)
		if next == text {
			return text, fmt.Errorf("%s: flows.yaml has no %q", e.what, e.old)
		}
	}
	doc, err := orchestration.Parse([]byte(next), "flows.yaml")
	if err == nil {
		err = d.site.host.Apply(ctx, doc)
	}
	if e != broken {
		d.show.say("applied: %s", e.what)
		return next, err
	}
	if err == nil || !strings.Contains(err.Error(), brokenAt) {
		return text, fmt.Errorf("%s: applied, or refused without its place: %w", e.what, err)
	}
	d.show.say("refused: %s: %v", e.what, err)
	return text, nil
}

// settled waits until the operator's flow has done its work for an order, and
// checks it: paid once, by whom it should be.
func (d *demo) settled(ctx context.Context, id, by string, thanked bool) error {
	r := aegis.NewRepository(d.site.host, order.Model())
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		o, err := r.Find(ctx, id)
		if err != nil {
			return err
		}
		if o.PayoutID != "" && (o.Thanked || !thanked) {
			return d.paid(o, by, thanked)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("order %s is not settled: %+v: %w", id, o, ctx.Err())
		}
	}
}

func (d *demo) paid(o order.Order, by string, thanked bool) error {
	bills := d.purse.bank.bills()[o.ID] + d.purse.wallet.bills()[o.ID]
	letters := d.purse.post.orders()[o.ID]
	switch {
	case o.Status != order.Complete, o.DeliveryCost == 0, bills != 1, letters > 1, thanked && letters != 1:
		return fmt.Errorf("order %s: %d bills and %d letters: %+v", o.ID, bills, letters, o)
	case by != "" && !strings.HasPrefix(o.PayoutID, by+"-"):
		return fmt.Errorf("order %s was paid as %s, where the %s should", o.ID, o.PayoutID, by)
	}
	return nil
}

// flowed checks each order against the flow that held when it was approved.
func (d *demo) flowed(ctx context.Context, orders []streamed) error {
	for _, o := range orders {
		by, thanked := "", o.after == longer || o.after == broken
		if o.after != (edit{}) {
			by = "wallet"
		}
		if err := d.settled(ctx, o.id, by, thanked); err != nil {
			return fmt.Errorf("approved after %q: %w", o.after.what, err)
		}
	}
	d.show.ok("%d orders meanwhile, no request lost: each carrier was paid once, %d by the bank and %d by the wallet, and %d customers were thanked",
		len(orders), len(d.purse.bank.bills())-1, len(d.purse.wallet.bills()), len(d.purse.post.orders()))
	return nil
}
