package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/org/aegis"
	"github.com/org/aegis/examples/orders/order"
)

// killed is the third part: a host that dies in the middle, and the next one.
func (d *demo) killed(ctx context.Context) error {
	d.show.title("3. a host that is killed when the carrier has the parcel and nobody has written it down")
	was, err := count(ctx, d.site.host)
	if err != nil {
		return err
	}
	if err := d.close(); err != nil { // one host at a time has the folder
		return err
	}
	id, err := d.die(ctx, was.Booked)
	if err != nil {
		return err
	}
	d.show.say("the child is killed (-9). A new host on the same folder goes on:")
	if err := d.open(ctx); err != nil {
		return err
	}
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
	return d.expect(ctx, was, ofOrders(1))
}

// die starts this program again as a host of its own, and kills it at the
// moment. It returns the order that was under way.
func (d *demo) die(ctx context.Context, booked int64) (id string, err error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(task{Dir: d.dir, Remotes: d.remotes, Booked: booked, Begun: d.show.begun, Verbose: d.verbose})
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), childEnv+"="+string(text))
	cmd.Stderr = os.Stderr
	alive, err := cmd.StdinPipe() // closed when this process ends: the child ends then
	if err != nil {
		return "", err
	}
	lines, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	id, err = d.follow(lines)
	kill := cmd.Process.Kill()
	_ = cmd.Wait() // says that it was killed
	_ = alive.Close()
	return id, errors.Join(err, kill)
}

// follow passes the child's lines on until it halts.
func (d *demo) follow(lines io.Reader) (id string, err error) {
	for sc := bufio.NewScanner(lines); sc.Scan(); {
		switch line := sc.Text(); {
		case line == haltLine:
			return id, nil
		case strings.HasPrefix(line, orderLine):
			id = strings.TrimPrefix(line, orderLine)
		default:
			d.show.write(line)
		}
	}
	return "", errors.New("the child ended by itself")
}
