package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/org/aegis"
	"github.com/org/aegis/examples/orders/order"
)

// killed is the third part: a host that dies in the middle of two orders, and
// the next one.
func (d *demo) killed(ctx context.Context) error {
	d.show.title("3. a host that is killed: one order waits, and the carrier has the other one's parcel and nobody has written it down")
	was, err := count(ctx, d.site.host)
	if err != nil {
		return err
	}
	if err := d.close(); err != nil { // one host at a time has the folder
		return err
	}
	ids, err := d.die(ctx, was.Booked)
	if err != nil {
		return err
	}
	d.show.say("the child is killed (-9). A new host on the same folder goes on:")
	if err := d.open(ctx); err != nil {
		return err
	}
	for _, id := range ids {
		if err := d.show.await(ctx, id, "order.completed"); err != nil {
			return err
		}
		o, err := aegis.NewRepository(d.site.host, order.Model()).Find(ctx, id)
		if err != nil {
			return err
		}
		if o.Status != order.Complete {
			return fmt.Errorf("the order is %+v", o)
		}
	}
	return d.expect(ctx, was, ofOrders(int64(len(ids))))
}

// die starts this program again as a host of its own, and kills it at the
// moment. It returns the orders that were under way.
func (d *demo) die(ctx context.Context, booked int64) (ids []string, err error) {
	d.world.Answer("") // the child serves nobody
	c, err := startChild(ctx, task{Dir: d.dir, World: d.world.URL(), Remotes: d.remotes, Booked: booked, Begun: d.show.begun, Verbose: d.verbose})
	if err != nil {
		return nil, err
	}
	ids, err = d.follow(c.lines)
	return ids, errors.Join(err, c.kill())
}

// follow passes the child's lines on until it halts.
func (d *demo) follow(lines io.Reader) (ids []string, err error) {
	for sc := bufio.NewScanner(lines); sc.Scan(); {
		switch line := sc.Text(); {
		case line == haltLine:
			return ids, nil
		case strings.HasPrefix(line, orderLine):
			ids = append(ids, strings.TrimPrefix(line, orderLine))
		default:
			d.show.write(line)
		}
	}
	return nil, errors.New("the child ended by itself")
}
