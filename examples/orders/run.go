package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/org/aegis/examples/orders/modules"
	"github.com/org/aegis/examples/orders/outside"
	"github.com/org/aegis/federation"
)

// options are the program's flags.
type options struct {
	addr, dir             string
	serve, short, verbose bool

	chaos bool
	seed  uint64
}

// demo is what the parts of the demonstration share.
type demo struct {
	options
	show    *timeline
	log     *slog.Logger
	world   *outside.Server
	purse   *purse
	server  *modules.Server
	remotes []federation.Remote // what a host begins with
	site    *site               // the host of the moment; nil between two
}

// run is the whole demonstration.
func run(ctx context.Context, o options, out io.Writer) (err error) {
	if err := loopback(o.addr); err != nil {
		return err
	}
	d := &demo{options: o, show: newTimeline(out, time.Now()), log: logger(o.verbose, out), purse: newPurse()}
	remove, err := d.folder()
	if err != nil {
		return err
	}
	defer remove()
	ms, err := modules.Build(ctx, filepath.Join(d.dir, "modules"), modules.All(), func(s string) { d.show.say("%s", s) })
	if err != nil {
		return err
	}
	if d.server, err = modules.Serve("127.0.0.1:0", ms); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.server.Close()) }()
	if d.remotes, err = remotes(d.server); err != nil {
		return err
	}
	if d.world, err = outside.Serve("127.0.0.1:0", outside.Config{Travel: d.travel}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.world.Close()) }()
	defer func() { err = errors.Join(err, d.close()) }()
	if err := d.open(ctx); err != nil {
		return err
	}
	if err := seed(ctx, d.site.host); err != nil {
		return err
	}
	for _, part := range []func(context.Context) error{d.completes, d.refused, d.killed, d.replaced, d.arranged} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	d.show.title("all as promised")
	if !o.serve {
		return nil
	}
	return d.goOn(ctx)
}

// open starts a host on the folder.
func (d *demo) open(ctx context.Context) (err error) {
	begun := time.Now()
	world := &outside.Client{URL: d.world.URL()}
	cfg := guestConfig(d.dir, documents(d.dir), d.remotes, world.Track(), d.log)
	cfg.Subscriptions, cfg.Services = d.show.subscriptions(), d.purse.services()
	if d.site, err = openSite(ctx, cfg, d.addr); err != nil {
		return err
	}
	d.world.Answer(d.site.api)
	d.show.say("a host serves %s: inventory 1.0.0, payment 1.0.0, shipping 1.0.0 loaded in %.1f s", d.site.url, time.Since(begun).Seconds())
	return nil
}

// travel says how parcels fare here: quickly, and well.
func (d *demo) travel(string) outside.Travel { return outside.Travel{After: 50 * time.Millisecond} }

// close ends the host of the moment.
func (d *demo) close() error {
	if d.site == nil {
		return nil
	}
	d.world.Answer("")
	err := d.site.close()
	d.site = nil
	return err
}

// folder makes the folder that everything is kept in.
func (d *demo) folder() (remove func(), err error) {
	if d.dir != "" {
		return func() {}, os.MkdirAll(d.dir, 0o700)
	}
	if d.dir, err = os.MkdirTemp("", "aegis-orders-"); err != nil {
		return nil, err
	}
	return func() { _ = os.RemoveAll(d.dir) }, nil
}

func loopback(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("-addr %s: everybody could order: this example listens on loopback only", addr)
}

func logger(verbose bool, out io.Writer) *slog.Logger {
	if !verbose {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(out, nil))
}
