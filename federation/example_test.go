package federation_test

import (
	"context"
	"fmt"
	"log"

	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// Counter is a model with one inbound port.
type Counter struct {
	ID string `json:"id"`
	N  int    `json:"n"`
}

// counters is a component; step is what one call adds.
func counters(version string, step int) federation.Component {
	add := port.Inbound[Counter, port.None, int]{Name: "add", Handle: func(c *Counter, _ context.Context, _ port.None) (int, error) {
		c.N += step
		return c.N, nil
	}}
	return federation.Component{Name: "counters", Version: version,
		Models: []modelspec.Interface{modelspec.Model[Counter]{Name: "counter", Ports: []modelspec.Port[Counter]{add}}}}
}

// A component is replaced while a call is under way: the call keeps what it
// pinned, and the next one gets the new version.
func Example() {
	ctx := context.Background()
	table := federation.NewTable()
	deploy := func(c federation.Component) {
		m, err := federation.Native(c)
		if err != nil {
			log.Fatal(err)
		}
		g, err := table.Prepare(ctx, "", m, federation.Preparation{})
		if err != nil {
			log.Fatal(err)
		}
		if err := table.Swap(federation.Change{g.Name: {{Gen: g}}}); err != nil {
			log.Fatal(err)
		}
	}
	call := func(s *modelspec.Spec, g *federation.Generation) {
		r, err := s.Handle(ctx, modelspec.Call{Op: modelspec.OpInvoke, Port: "add", ID: "c1", Doc: modelspec.Of(Counter{ID: "c1", N: 40})})
		if err != nil {
			log.Fatal(err)
		}
		n, err := modelspec.As[int](r.Result)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(g.Version, *n)
		g.Unpin()
	}

	deploy(counters("1.0.0", 1))
	s, old, err := table.Model("counter", "c1")
	if err != nil {
		log.Fatal(err)
	}
	deploy(counters("2.0.0", 2))
	call(s, old)
	<-old.Drained()
	s, g, err := table.Model("counter", "c1")
	if err != nil {
		log.Fatal(err)
	}
	call(s, g)
	if err := table.Close(ctx); err != nil {
		log.Fatal(err)
	}
	// Output:
	// 1.0.0 41
	// 2.0.0 42
}
