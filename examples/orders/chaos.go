package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/org/aegis"
	"github.com/org/aegis/examples/orders/outside"
)

// chaos lets many orders go through hosts that are killed, to services that
// fail, and accounts for every one of them.
type chaos struct {
	options
	orders int
	show   *timeline
	plan   *plan
	world  *outside.Server
	buyers *buyers
	host   *process
	site   *site // of the host of the moment
}

// settleWithin is how long it may take to order all, and then how long orders
// may take to come to their end. It is a few seconds, unless the machine is very
// busy, or something is lost.
const settleWithin = 25 * time.Second

// runChaos is the whole of it. The error says what is unaccounted for.
func runChaos(ctx context.Context, o options, out io.Writer) (err error) {
	orders := 200
	if o.short {
		orders = 60
	}
	d := &demo{options: o, log: slog.New(slog.DiscardHandler)}
	remove, err := d.folder()
	if err != nil {
		return err
	}
	defer remove()
	c := &chaos{options: d.options, orders: orders, show: newTimeline(out, time.Now()), plan: newPlan(o.seed)}
	if c.dir, err = os.MkdirTemp(d.dir, "chaos-"); err != nil { // each run counts from nothing
		return err
	}
	c.buyers = &buyers{plan: c.plan, progress: make(chan struct{}, 1)}
	if c.world, err = outside.Serve("127.0.0.1:0", outside.Config{Faults: c.plan.fault, Travel: c.plan.travel, Slow: 600 * time.Millisecond}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.world.Close()) }()
	c.show.title(fmt.Sprintf("chaos: %d orders, services that fail, two hosts that are killed (-seed %d)", orders, o.seed))
	if err := c.open(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	bought, err := c.buy(ctx)
	if err != nil {
		return err
	}
	return c.account(ctx, bought)
}

// buy has all orders made, and kills two hosts meanwhile.
func (c *chaos) buy(ctx context.Context) ([]bought, error) {
	ctx, stop := context.WithTimeout(ctx, settleWithin)
	defer stop()
	killed := make(chan error, 1)
	go func() {
		err := c.killAt(ctx, c.orders*3/10)
		if err == nil {
			err = c.killAt(ctx, c.orders*6/10)
		}
		if err != nil {
			stop()
		}
		killed <- err
	}()
	bought, err := c.buyers.all(ctx, c.orders, 12)
	if err := <-killed; err != nil {
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	c.show.say("all is ordered; what is under way comes to its end")
	return bought, nil
}

// killAt kills the host when so many orders are approved, and opens the next.
func (c *chaos) killAt(ctx context.Context, approved int) error {
	for c.buyers.approved.Load() < int64(approved) {
		select {
		case <-c.buyers.progress:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d orders approved: %w", c.buyers.approved.Load(), approved, ctx.Err())
		}
	}
	open, err := c.flows(ctx, "running")
	if err != nil {
		return err
	}
	if err := c.host.kill(); err != nil {
		return err
	}
	waiting := 0
	for _, f := range open {
		for _, s := range f.Flow.Steps {
			if s.State == "awaiting" {
				waiting++
			}
		}
	}
	c.show.say("a host is killed (-9): %d orders approved, %d flows under way, %d of them wait for parcels", c.buyers.approved.Load(), len(open), waiting)
	c.buyers.site.Store(nil)
	c.world.Answer("")
	return c.open(ctx)
}

// open starts a host in a process of its own.
func (c *chaos) open(ctx context.Context) error {
	var err error
	if c.host, err = startChild(context.WithoutCancel(ctx), task{Dir: c.dir, World: c.world.URL(), Orders: true, Begun: c.show.begun, Verbose: c.verbose}); err != nil {
		return err
	}
	sc := bufio.NewScanner(c.host.lines)
	if !sc.Scan() || !strings.HasPrefix(sc.Text(), serveLine) {
		return errors.Join(errors.New("the host does not serve"), c.host.kill())
	}
	c.site = siteAt(strings.TrimPrefix(sc.Text(), serveLine))
	c.world.Answer(c.site.api)
	c.buyers.site.Store(c.site)
	c.show.say("a host serves %s", c.site.url)
	return nil
}

// close ends the last host, which has nothing left to do.
func (c *chaos) close() error {
	c.world.Answer("")
	c.site.client.CloseIdleConnections()
	return c.host.end()
}

// settle waits until no order is under way.
func (c *chaos) settle(ctx context.Context) error {
	late := time.After(settleWithin)
	for {
		running, err := c.flows(ctx, aegis.FlowRunning)
		if err != nil {
			return err
		}
		undoing, err := c.flows(ctx, aegis.FlowUndoing)
		if err != nil {
			return err
		}
		open := append(running, undoing...)
		if len(open) == 0 {
			return nil
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		case <-late:
			return fmt.Errorf("%d orders do not come to an end, such as %s: %+v; the world says %q", len(open), open[0].ID, open[0].Flow.Steps, c.world.Tally().Wrong)
		}
	}
}

// account compares what hosts say with the services' books, lets an operator
// see to what needs a person, and compares again.
func (c *chaos) account(ctx context.Context, bought []bought) error {
	if err := c.settle(ctx); err != nil {
		return err
	}
	c.show.say("nothing is under way any more")
	c.show.write(faultTable(c.world.Tally()))
	if err := c.compare(ctx, bought); err != nil {
		return err
	}
	stuck, err := c.flows(ctx, aegis.FlowAttention)
	if err != nil || len(stuck) == 0 {
		return err
	}
	c.show.say("the services are mended, and an operator has %d flows tried again", len(stuck))
	c.world.Mend()
	for _, f := range stuck {
		path := c.site.api + "/flows/order/" + f.ID + "/" + f.Flow.ID + "/retry"
		if err := c.site.do(ctx, "POST", path, "", map[string]string{"reason": "the carrier's computers are mended"}, nil); err != nil {
			return err
		}
	}
	if err := c.settle(ctx); err != nil {
		return err
	}
	return c.compare(ctx, bought)
}

func (c *chaos) compare(ctx context.Context, bought []bought) error {
	l, err := c.read(ctx, bought)
	if err != nil {
		return err
	}
	s := l.sum()
	s.unaccounted = append(s.unaccounted, c.world.Tally().Wrong...)
	c.show.write(s.table())
	if len(s.unaccounted) > 0 {
		return fmt.Errorf("%d unaccounted for:\n%s", len(s.unaccounted), strings.Join(s.unaccounted, "\n"))
	}
	return nil
}
