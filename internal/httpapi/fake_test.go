package httpapi_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/org/aegis/federation"
	"github.com/org/aegis/internal/flow"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

type Todo struct {
	ID      string  `json:"id"`
	Title   string  `json:"title" aegis:"required,index"`
	Done    bool    `json:"done"`
	Rank    int     `json:"rank" aegis:"index"`
	Secret  string  `json:"secret,omitempty" aegis:"writeonly"`
	State   string  `json:"state,omitempty" aegis:"readonly"`
	Address Address `json:"address"`
}

type Address struct {
	City     string `json:"city"`
	Verified bool   `json:"verified,omitempty" aegis:"readonly"`
}

type Order struct {
	ID         string `json:"id"`
	CustomerID string `json:"customerId"`
	Total      int    `json:"total"`
}

type Customer struct {
	Name string `json:"name"`
}

// Stamp defines the host's members itself.
type Stamp struct {
	CreateTime string `json:"createTime"`
	ModelName  string `json:"modelName"`
}

type Amount struct {
	Cents int `json:"cents" aegis:"min=0"`
}

type Quote struct {
	Price int `json:"price"`
}

func todos() modelspec.Model[Todo] { return modelspec.Model[Todo]{Name: "todo"} }

func orders() modelspec.Model[Order] {
	return modelspec.Model[Order]{
		Name: "order",
		Ports: []modelspec.Port[Order]{
			port.Inbound[Order, Amount, Quote]{Name: "approve", Handle: func(*Order, context.Context, Amount) (q Quote, err error) { return }},
			port.Command[Order, port.None]{Name: "cancel", Handle: func(*Order, context.Context, port.None) error { return nil }},
			port.Func[Order, Amount, Quote]{Name: "quote", Handle: func(context.Context, Amount) (q Quote, err error) { return }},
		},
		Relations: []modelspec.Relation[Order]{modelspec.BelongsTo[Order, Customer]{Name: "customer", Model: "customer", Key: "customerId"}},
	}
}

func customers() modelspec.Model[Customer] {
	return modelspec.Model[Customer]{
		Name:      "customer",
		API:       modelspec.API{ID: true},
		Relations: []modelspec.Relation[Customer]{modelspec.HasMany[Customer, Order]{Name: "orders", Model: "order", Key: "customerId"}},
	}
}

func stamps() modelspec.Model[Stamp] { return modelspec.Model[Stamp]{Name: "stamp", Endpoint: "marks"} }

// fake is a backend in memory, without hooks and flows.
type fake struct {
	table *federation.Table

	mu     sync.Mutex
	docs   map[string]*flow.Entry // by model/id
	keys   map[string]flow.Entry
	next   int
	asked  []string // what was called
	last   flow.Request
	query  flow.ListRequest
	arg    string
	page   flow.Page
	result flow.Result
	err    error // of whatever is called next
	panic  any
	wait   bool // for the context to end
	mute   bool // keep no list of what was called
}

var (
	born    = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	answers = flow.Generation{ID: 7, Name: "shop", Version: "1.2.3"}
)

func newFake(t testing.TB, models ...modelspec.Interface) *fake {
	t.Helper()
	f := &fake{table: federation.NewTable(), docs: map[string]*flow.Entry{}, keys: map[string]flow.Entry{}}
	f.show(t, "shop", models...)
	t.Cleanup(func() {
		if err := f.table.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return f
}

// show puts a component with the models into the table.
func (f *fake) show(t testing.TB, name string, models ...modelspec.Interface) {
	t.Helper()
	m, err := federation.Native(federation.Component{Name: name, Version: "1.2.3", Models: models})
	if err != nil {
		t.Fatal(err)
	}
	g, err := f.table.Prepare(t.Context(), name, m, federation.Preparation{Pending: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.table.Swap(federation.Change{name: {{Gen: g}}}); err != nil {
		t.Fatal(err)
	}
}

// put stores a document.
func (f *fake) put(model, id, data string) {
	f.docs[model+"/"+id] = &flow.Entry{Model: model, ID: id, Inc: "i", Revision: 1, Created: born, Updated: born, Data: modelspec.FromJSON([]byte(data)), Generation: answers}
}

// stored returns the JSON of a document, or "".
func (f *fake) stored(model, id string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	e := f.docs[model+"/"+id]
	if e == nil {
		return ""
	}
	b, _ := e.Data.JSON()
	return string(b)
}

func (f *fake) enter(ctx context.Context, op string, r flow.Request) error {
	f.mu.Lock()
	if !f.mute {
		f.asked = append(f.asked, op)
	}
	f.last = r
	err, p, wait := f.err, f.panic, f.wait
	f.mu.Unlock()
	if p != nil {
		panic(p)
	}
	if wait {
		<-ctx.Done()
		return ctx.Err()
	}
	return err
}

func (f *fake) Snapshot() *federation.Snapshot { return f.table.Snapshot() }

func (f *fake) Create(ctx context.Context, r flow.Request, input *modelspec.Value) (flow.Entry, error) {
	if err := f.enter(ctx, "create", r); err != nil {
		return flow.Entry{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if e, ok := f.keys[r.Key]; ok && r.Key != "" {
		e.Replayed = true
		return e, nil
	}
	if r.ID == "" {
		f.next++
		r.ID = fmt.Sprintf("n%d", f.next)
	}
	if f.docs[r.Model+"/"+r.ID] != nil {
		return flow.Entry{}, modelspec.ErrExists
	}
	e := flow.Entry{Model: r.Model, ID: r.ID, Inc: "i", Revision: 1, Created: born, Updated: born, Data: input, Generation: answers}
	f.docs[r.Model+"/"+r.ID] = &e
	f.keys[r.Key] = e
	return e, nil
}

func (f *fake) Get(ctx context.Context, model, id string) (flow.Entry, error) {
	if err := f.enter(ctx, "get", flow.Request{Model: model, ID: id}); err != nil {
		return flow.Entry{}, err
	}
	return f.get(model, id)
}

func (f *fake) get(model, id string) (flow.Entry, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	e := f.docs[model+"/"+id]
	if e == nil {
		return flow.Entry{}, &modelspec.Error{Code: modelspec.ErrNotFound, Message: "no " + model + " " + id}
	}
	return *e, nil
}

func (f *fake) List(ctx context.Context, r flow.ListRequest) (flow.Page, error) {
	f.query = r
	return f.page, f.enter(ctx, "list", flow.Request{Model: r.Model})
}

func (f *fake) Update(ctx context.Context, r flow.Request, mutate func(*modelspec.Value) (*modelspec.Value, error)) (flow.Entry, error) {
	if err := f.enter(ctx, "update", r); err != nil {
		return flow.Entry{}, err
	}
	e, err := f.matching(r)
	if err != nil {
		return e, err
	}
	if e.Data, err = mutate(e.Data); err != nil {
		return e, err
	}
	e.Revision++
	f.mu.Lock()
	defer f.mu.Unlock()
	f.docs[r.Model+"/"+r.ID] = &e
	return e, nil
}

func (f *fake) matching(r flow.Request) (flow.Entry, error) {
	e, err := f.get(r.Model, r.ID)
	if err == nil && r.IfMatch != "" && r.IfMatch != "*" && r.IfMatch != e.ETag() {
		err = &modelspec.Error{Code: modelspec.ErrRefused, Message: "changed", Fields: []modelspec.FieldError{{Rule: "if-match"}}}
	}
	return e, err
}

func (f *fake) Delete(ctx context.Context, r flow.Request) (flow.Entry, error) {
	if err := f.enter(ctx, "delete", r); err != nil {
		return flow.Entry{}, err
	}
	e, err := f.matching(r)
	if err != nil {
		return flow.Entry{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.docs, r.Model+"/"+r.ID)
	return e, nil
}

func (f *fake) Invoke(ctx context.Context, r flow.Request, arg *modelspec.Value) (flow.Result, error) {
	b, _ := arg.JSON()
	f.arg = string(b)
	return f.result, f.enter(ctx, "invoke", r)
}

func (f *fake) Relate(ctx context.Context, model, id, relation string) ([]flow.Entry, error) {
	if err := f.enter(ctx, "relate", flow.Request{Model: model, ID: id, Port: relation}); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []flow.Entry
	want := map[string]string{"customer": "customer", "orders": "order"}[relation]
	for _, e := range f.docs {
		if e.Model == want {
			out = append(out, *e)
		}
	}
	slices.SortFunc(out, func(a, b flow.Entry) int { return len(a.ID) - len(b.ID) })
	return out, nil
}

// calls returns what was called since the last time it was asked.
func (f *fake) calls() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := f.asked
	f.asked = nil
	return out
}
