package aegis_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/org/aegis"
	"github.com/org/aegis/adapter"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

type Todo struct {
	ID    string `json:"id"`
	Title string `json:"title" aegis:"required"`
	Done  bool   `json:"done"`
}

var Todos = modelspec.Model[Todo]{Name: "todo"}

// A model, mounted as an http.Handler.
func Example() {
	host, err := aegis.New(aegis.Config{Models: aegis.Models{Todos}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer host.Close()
	mux := http.NewServeMux()
	mux.Handle("/aegis/", host) // behind the service's own middleware
	srv := httptest.NewServer(mux)
	defer srv.Close()

	for _, body := range []string{`{"title":"buy tea"}`, `{"titel":"buy tea"}`} {
		res, err := http.Post(srv.URL+"/aegis/api/models/todos", "application/json", strings.NewReader(body))
		if err != nil {
			fmt.Println(err)
			return
		}
		answer, _ := io.ReadAll(res.Body)
		res.Body.Close()
		fmt.Println(res.Status, strings.Contains(string(answer), `"buy tea"`), strings.Contains(string(answer), `"/titel"`))
	}
	// Output:
	// 201 Created true false
	// 422 Unprocessable Entity false true
}

type Lamp struct {
	ID string `json:"id"`
	On bool   `json:"on" aegis:"readonly"`
}

// Switch is how the world calls the model; Power is how the model calls it.
var (
	Switch = port.Command[Lamp, port.None]{Name: "switch", Produces: modelspec.EventName("lamp.switched"), Handle: (*Lamp).toggle}
	Power  = port.Outbound[Lamp, bool, port.None]{Name: "power", On: []modelspec.EventRef{modelspec.EventName("lamp.switched")}, Request: func(l *Lamp) bool { return l.On }}
)

func (l *Lamp) toggle(context.Context, port.None) error { l.On = !l.On; return nil }

// A port that runs when an event is published, bound to a Go function.
func Example_ports() {
	lamps := modelspec.Model[Lamp]{Name: "lamp", Ports: []modelspec.Port[Lamp]{Switch, Power}}
	host, err := aegis.New(aegis.Config{
		Models: aegis.Models{lamps},
		Adapters: aegis.Adapters{adapter.Bind(Power, func(ctx context.Context, on bool) (port.None, error) {
			fmt.Println("power", on, adapter.Key(ctx) != "")
			return port.None{}, nil
		})},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer host.Close()
	ctx := context.Background()
	repo := aegis.NewRepository(host, lamps)
	if _, err := repo.Create(ctx, "hall", Lamp{}); err != nil {
		fmt.Println(err)
		return
	}
	ctx = aegis.WithKey(ctx, "press-1")
	for range 2 { // asked twice, done once
		if err := Switch.Invoke(ctx, host, "hall", port.None{}); err != nil {
			fmt.Println(err)
			return
		}
	}
	if err := host.Settle(ctx, time.Now()); err != nil { // a started host does this by itself
		fmt.Println(err)
		return
	}
	l, err := repo.Find(ctx, "hall")
	fmt.Println(l.On, err)
	_, err = repo.Create(ctx, "attic", Lamp{On: true})
	fmt.Println(errors.Is(err, modelspec.ErrInvalid))
	// Output:
	// power true true
	// true <nil>
	// true
}

// Meter is what may stand behind Power.
type Meter interface {
	Switch(ctx context.Context, on bool) (port.None, error)
}

// Grid is one.
type Grid string

func (g Grid) Switch(_ context.Context, on bool) (port.None, error) {
	fmt.Println(g, on)
	return port.None{}, nil
}

// A service stands behind a port by name, and another takes its place while
// the host runs.
func Example_services() {
	lamps := modelspec.Model[Lamp]{Name: "lamp", Ports: []modelspec.Port[Lamp]{Switch, Power}}
	host, err := aegis.New(aegis.Config{
		Models:   aegis.Models{lamps},
		Adapters: aegis.Adapters{adapter.Via(Power, "grid", Meter.Switch)},
		Services: aegis.Services{"grid": Grid("town"), "solar": Grid("roof")},
		Bindings: map[string]string{"lamp.power": "solar"}, // a line of configuration
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer host.Close()
	ctx := context.Background()
	if _, err := aegis.NewRepository(host, lamps).Create(ctx, "hall", Lamp{}); err != nil {
		fmt.Println(err)
		return
	}
	press := func() error {
		return errors.Join(Switch.Invoke(ctx, host, "hall", port.None{}), host.Settle(ctx, time.Now()))
	}
	for _, change := range []func() error{
		func() error { return nil },
		func() error { return host.Rebind(ctx, map[string]string{"lamp.power": ""}) }, // the adapter's own choice
		func() error { return host.SetServices(ctx, aegis.Services{"grid": Grid("lake")}) },
		func() error { return host.SetServices(ctx, aegis.Services{"grid": 7}) },
	} {
		if err := errors.Join(change(), press()); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Printf("%+v\n", host.Bindings())
	// Output:
	// roof true
	// town false
	// lake true
	// lake false
	// aegis: set services: component host: port lamp.power: service "grid": the adapter of port power needs a aegis_test.Meter, and the service is a int, which has no method Switch: services that fit: solar
	// [{Port:lamp.power Component:host Service:grid Missing:false}]
}
