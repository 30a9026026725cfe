// Orders shows what aegis promises, in one program: orders whose customers and
// orders are linked in, and whose inventory, payment and shipping are
// WebAssembly modules of other teams, fetched from a module server.
//
//	go run ./examples/orders
//
// It builds the modules from source (which takes the go command, and half a
// minute the first time), listens on loopback only, keeps its documents in a
// temporary folder, and shows with the time since the start:
//
//  1. an order that completes: each line is an event, by whom, and of what;
//  2. an order that the carrier refuses: what was done for it is undone, the
//     last first, and it ends CANCELED;
//  3. a host that is killed (kill -9) while one order waits for the carrier to
//     say that its parcel is delivered, and the carrier has just taken another
//     one's, which nobody has written down: a new host on the same folder goes
//     on, the carrier's event finds the order that waits, and the carrier has two
//     parcels, not three;
//  4. inventory 1.0.0 replaced by 1.1.0, and back, under load over HTTP: no
//     request fails, and what begins after a switch is answered by the new one;
//  5. a flow that only flows.yaml defines, over ports that no code sets going:
//     it is applied, given another payer and then one step more while orders go
//     through it, and a slip of the pen is refused with its line and column.
//
// The output looks like this, shortened:
//
//	== 1. an order that completes
//	  +7.118 s  order      created            7EUA5GTK  PENDING    19.00
//	  +7.124 s  order      approved           7EUA5GTK  APPROVED   19.00
//	  +7.126 s  account    held               ann       19.00 held, 0.00 spent
//	  +7.129 s  order      paymentAuthorized  7EUA5GTK  APPROVED   pay-120cffd22325
//	...
//	  +7.215 s  order      completed          7EUA5GTK  COMPLETE   ok-3a522ffba47e
//	    ok     each effect happened as often as it should: 1 held, 1 captured, 1 packed, 1 taken, -2 tea, 1 booked, 1 delivered
//	...
//	== 4. inventory 1.0.0 -> 1.1.0 -> 1.0.0 under load
//	           requests that ran         count  by 1.0.0  by 1.1.0    failed
//	           before                     2000      2000         0         0
//	           during the deployment      2829      2827         2         0
//	           after it                   2003         0      2003         0
//	           during the rollback         181         2       179         0
//	           after that                 2013      2013         0         0
//	    ok     9026 requests, 0 failed
//	...
//	== all as promised
//
// It exits with 0, or with 1 and a line that says what differs from what is
// promised. With -serve it goes on serving, and prints curl lines to try.
//
// # Chaos
//
//	go run ./examples/orders -chaos -seed 1
//
// lets 200 orders go through a host that is killed (-9) twice, to a bank and a
// carrier outside that fail in all ways there are: calls that do not arrive,
// that are done and not answered, that are done too late or refused, undos that
// fail, answers that come twice, late, garbled or, since a parcel was lost, not
// as hoped. Some buyers walk off before they are answered. Then what hosts say
// of each order is compared with the services' books and the stock:
//
//	outcome                               orders  effects that stand:     hold     pick    book    track    prove  capture
//	completed                                154                           154      154      154      154      154      154
//	undone: a service refused                 23                             0        0        0       14        0        0
//	needs attention: an undo is stuck          4                             4        4        4        4        0        0
//	not approved: sold out                     4                             0        0        0        0        0        0
//	never approved: the buyer walked off       9                             0        0        0        0        0        0
//	never created: the buyer walked off        6                             0        0        0        0        0        0
//	unaccounted for                            0
//	money: 3959.50 held = 3461.50 captured + 314.00 released + 184.00 still held
//
// At last the services are mended, an operator has what needs attention tried
// again, and all is compared once more. It takes ten seconds, and exits with 1
// where anything is unaccounted for.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	if task := os.Getenv(childEnv); task != "" {
		os.Exit(childMain(task))
	}
	var o options
	flag.StringVar(&o.addr, "addr", "127.0.0.1:0", "loopback `address` to serve the API on")
	flag.StringVar(&o.dir, "data", "", "`folder` to keep everything in; empty: a temporary one, removed at the end")
	flag.BoolVar(&o.serve, "serve", false, "go on serving after the demonstration, until interrupted")
	flag.BoolVar(&o.short, "short", false, "less load")
	flag.BoolVar(&o.verbose, "v", false, "show what the hosts log")
	flag.BoolVar(&o.chaos, "chaos", false, "instead: 200 orders, services that fail, two hosts that are killed, and an account of it all")
	flag.Uint64Var(&o.seed, "seed", 1, "with -chaos: which `number` all that goes wrong is made of")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	do := run
	if o.chaos {
		do = runChaos
	}
	if err := do(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "orders:", err)
		stop()
		os.Exit(1)
	}
}
