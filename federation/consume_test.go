package federation_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/org/aegis/adapter"
	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
)

// mute is the behavior of a model that is only described.
type mute struct{}

func (mute) Handle(context.Context, modelspec.Call) (modelspec.Reply, error) {
	return modelspec.Reply{}, modelspec.ErrUnimplemented
}

// described makes a component of descriptors in JSON.
func described(t testing.TB, models ...string) federation.Component {
	t.Helper()
	var c federation.Component
	for _, m := range models {
		var d modelspec.Descriptor
		if err := json.Unmarshal([]byte(m), &d); err != nil {
			t.Fatalf("%s: %v", m, err)
		}
		s, err := modelspec.New(d, mute{})
		if err != nil {
			t.Fatal(err)
		}
		c.Models = append(c.Models, s)
	}
	return c
}

const orderModel = `{"name":"order",
	"schema":{"type":"object","properties":{"id":{"type":"string"},"total":{"type":"integer"},"buyer":{"type":"string"},
		"to":{"$ref":"#/$defs/address"},"paid":{"type":"boolean"}},"$defs":{"address":{"type":"object","properties":{"city":{"type":"string"}}}}},
	"publishes":[{"type":"order.noted","schema":{"type":"object","properties":{"text":{"type":"string"}}}},{"type":"order.free"}],
	"ports":[{"name":"approve","direction":"inbound","produces":"order.approved"}]}`

// What consumes events of others must be able to.
func TestSwapChecksTriggers(t *testing.T) {
	invoice := func(relations, ports, intake string) string {
		return `{"name":"invoice","schema":{"type":"object","properties":{"id":{"type":"string"},"orderId":{"type":"string"},
			"number":{"type":"integer","x-index":true},"total":{"type":"integer"}}},
			"relations":[` + relations + `],"ports":[` + ports + `],"intake":[` + intake + `]}`
	}
	from := func(trigger string) string {
		return invoice(`{"name":"of","model":"order","cardinality":"manyToOne","key":"orderId"},
			{"name":"bills","model":"order","cardinality":"oneToMany","key":"invoice"},
			{"name":"buyers","model":"order","cardinality":"oneToOne","key":"buyer"},
			{"name":"sums","model":"order","cardinality":"oneToOne","key":"total"}`,
			`{"name":"send","direction":"outbound","from":[`+trigger+`]}`, "")
	}
	handles := func(trigger, request string) string {
		return invoice("", `{"name":"take","direction":"inbound","from":[`+trigger+`],"request":`+request+`}`, "")
	}
	answered := func(on, response string) string {
		return invoice("", `{"name":"ask","direction":"outbound","await":`+on+`,"response":`+response+`}`, "")
	}
	for name, c := range map[string]struct{ model, want string }{
		"a produced event":       {from(`{"event":"order.approved","via":"of"}`), ""},
		"an implied event":       {from(`{"event":"order.attention","via":"of"}`), ""},
		"by subject":             {from(`{"event":"order.created","key":"subject"}`), ""},
		"by a pointer":           {from(`{"event":"order.created","key":"/to/city"}`), ""},
		"by a field":             {from(`{"event":"order.created","key":"/total","field":"number"}`), ""},
		"of an unknown source":   {from(`{"event":"payment.settled","key":"/order"}`), "component b: model invoice: port send: event payment.settled: no component has a model payment"},
		"nearly a model":         {from(`{"event":"ordr.approved","key":"/order"}`), "no component has a model ordr: load it together, prepare this one as Pending, or write in Source where the event comes from: did you mean order?"},
		"from outside":           {from(`{"event":"payment.settled","source":"/bank","key":"/order"}`), ""},
		"an event of nobody":     {from(`{"event":"order.aproved","via":"of"}`), "event order.aproved: model order does not publish it: did you mean order.approved?"},
		"another's event":        {from(`{"event":"customer.moved","source":"order","key":"/x"}`), "model order does not publish it, and model customer does: write that in Source: did you mean customer?"},
		"has many":               {from(`{"event":"order.created","via":"bills"}`), "via bills: the key stands in invoice, and the event's data has no such member"},
		"has one":                {from(`{"event":"order.created","via":"buyers"}`), ""},
		"has one by a number":    {from(`{"event":"order.created","via":"sums"}`), "via sums: the key stands in total, which is integer and must be string"},
		"has many, data unknown": {from(`{"event":"order.free","via":"bills"}`), ""},
		"has many, data known":   {from(`{"event":"order.noted","via":"bills"}`), "the event's data has no such member"},
		"no such member":         {from(`{"event":"order.created","key":"/buyr"}`), "key /buyr: its data has no such member: did you mean buyer?"},
		"no such member, deep":   {from(`{"event":"order.created","key":"/to/cty"}`), "key /to/cty: its data has no such member"},
		"beyond a string":        {from(`{"event":"order.created","key":"/buyer/id"}`), "key /buyer/id: its data has no such member"},
		"an object as key":       {from(`{"event":"order.created","key":"/to"}`), "key /to: it is object and must be string or number"},
		"no index":               {from(`{"event":"order.created","key":"/total","field":"nummer"}`), "field nummer: invoice has no index on it: did you mean number?"},
		"of another type":        {from(`{"event":"order.created","key":"/buyer","field":"number"}`), "key /buyer: it is string and must be integer"},

		"a request that fits":       {handles(`{"event":"order.created","key":"subject"}`, `{"type":"object","properties":{"total":{"type":"integer"}},"required":["total"]}`), ""},
		"a request that lacks":      {handles(`{"event":"order.created","key":"subject"}`, `{"type":"object","properties":{"totl":{"type":"integer"}},"required":["totl"]}`), "its data cannot be the port's request: /totl is missing and required: did you mean total?"},
		"a request of another type": {handles(`{"event":"order.created","key":"subject"}`, `{"type":"object","properties":{"total":{"type":"string"}}}`), "its data cannot be the port's request: /total is integer and must be string"},
		"a request of other shape":  {handles(`{"event":"order.created","key":"subject"}`, `{"type":"array"}`), "it is object and must be array"},
		"a request, deep":           {handles(`{"event":"order.created","key":"subject"}`, `{"type":"object","properties":{"to":{"type":"object","required":["zip"]}}}`), "/to/zip is missing and required"},
		"a request of the unknown":  {handles(`{"event":"order.free","key":"subject"}`, `{"type":"object","required":["x"]}`), ""},

		"an answer that fits":  {answered(`{"on":[{"event":"order.noted","key":"/text"}]}`, `{"type":"object","required":["text"]}`), ""},
		"an answer that lacks": {answered(`{"on":[{"event":"order.noted","key":"/text"}]}`, `{"type":"object","required":["txt"]}`), "its data cannot be the port's answer: /txt is missing and required: did you mean text?"},
		"an answer's key":      {answered(`{"on":[{"event":"order.noted","key":"/txt"}]}`, `{}`), "key /txt: its data has no such member"},
		"a refusal's key":      {answered(`{"fail":[{"event":"order.noted","key":"/txt"}]}`, `{}`), "key /txt: its data has no such member"},
		"a refusal":            {answered(`{"fail":[{"event":"order.noted","key":"/text"}]}`, `{"type":"object","required":["x"]}`), ""},
		"an answer of nobody":  {answered(`{"on":[{"event":"order.notd","key":"/text"}]}`, `{}`), "did you mean order.noted?"},

		"an intake":                 {invoice("", "", `{"event":"order.created","key":"subject","do":"create"}`), ""},
		"an intake of nothing":      {invoice("", "", `{"event":"order.creatd","do":"create"}`), "model invoice: intake of order.creatd: model order does not publish it: did you mean order.created?"},
		"an intake of another type": {strings.Replace(invoice("", "", `{"event":"order.created","do":"create"}`), `"total":{"type":"integer"}`, `"total":{"type":"string"}`, 1), "its data cannot be a invoice: /total is integer and must be string"},

		"its own event": {`{"name":"note","schema":{"type":"object","properties":{"text":{"type":"string"}}},"ports":[
			{"name":"write","direction":"inbound","produces":"note.written"},
			{"name":"read","direction":"inbound","on":["note.written"],"request":{"type":"object","required":["author"]}}]}`, "model note: port read: event note.written: its data cannot be the port's request: /author is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			wantSwap(t, map[string]federation.Component{
				"a": described(t, orderModel, `{"name":"customer","publishes":[{"type":"customer.moved"}]}`), "b": described(t, c.model)}, c.want)
		})
	}
}

// Every arm is looked at: one that publishes the event otherwise is refused
// beside those that do not publish it yet.
func TestTriggersOfAllArms(t *testing.T) {
	taker := `{"name":"taker","ports":[{"name":"take","direction":"inbound","from":[{"event":"m.x","key":"subject"}],
		"request":{"type":"object","required":["a"]}}]}`
	const silent, plain, other = `{"name":"m"}`, `{"name":"m","publishes":[{"type":"m.x"}]}`,
		`{"name":"m","publishes":[{"type":"m.x","schema":{"type":"object","properties":{"b":{}}}}]}`
	for name, c := range map[string]struct {
		one, two string
		want     string
	}{
		"one of them publishes": {silent, plain, ""},
		"none":                  {silent, silent, "model m does not publish it"},
		"one otherwise":         {plain, other, "/a is missing and required"},
	} {
		tab := newTable(t)
		err := tab.Swap(federation.Change{
			"m":     {{Gen: prepare(t, tab, "m", described(t, c.one)), Share: 500}, {Gen: prepare(t, tab, "m", described(t, c.two))}},
			"taker": {{Gen: prepare(t, tab, "taker", described(t, taker))}},
		})
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// Pending waits for models, not for events that a model there is does not have.
func TestTriggersPending(t *testing.T) {
	tab := newTable(t)
	pending := func(name string, c federation.Component) federation.Change {
		g, err := tab.Prepare(t.Context(), name, native(t, c), federation.Preparation{Pending: true})
		if err != nil {
			t.Fatal(err)
		}
		return federation.Change{name: {{Gen: g}}}
	}
	late := described(t, `{"name":"late","ports":[{"name":"p","direction":"outbound","from":[{"event":"m.x","key":"subject"}]}]}`)
	if err := tab.Swap(pending("late", late)); err != nil {
		t.Fatal("the model may come:", err)
	}
	if err := tab.Swap(pending("m", described(t, `{"name":"m"}`))); err == nil || !strings.Contains(err.Error(), "model m does not publish it") {
		t.Error("it came without the event:", err)
	}
	if err := tab.Swap(pending("m", described(t, `{"name":"m","publishes":[{"type":"m.x"}]}`))); err != nil {
		t.Error(err)
	}
}

// Ports and intakes of several models that would run one another for ever.
func TestCirclesAcrossModels(t *testing.T) {
	port := func(name, direction, produces, more string) string {
		return `{"name":"` + name + `","direction":"` + direction + `","produces":"` + produces + `"` + more + `}`
	}
	model := func(name string, ports ...string) string {
		return `{"name":"` + name + `","ports":[` + strings.Join(ports, ",") + `]}`
	}
	from := func(e string) string { return `,"from":[{"event":"` + e + `","key":"subject"}]` }
	intake := func(name, e, do string) string {
		return `{"name":"` + name + `","intake":[{"event":"` + e + `","key":"subject","do":"` + do + `"}]}`
	}
	for name, c := range map[string]struct {
		models []string
		want   string
	}{
		"a chain":         {[]string{model("a", port("p", "inbound", "a.x", "")), model("b", port("q", "outbound", "b.y", from("a.x")))}, ""},
		"two models":      {[]string{model("a", port("p", "outbound", "a.x", from("b.y"))), model("b", port("q", "outbound", "b.y", from("a.x")))}, "a.p -[a.x]-> b.q -[b.y]-> a.p: set Repeats on one of them"},
		"handlers":        {[]string{model("a", port("p", "inbound", "a.x", from("b.y"))), model("b", port("q", "inbound", "b.y", from("a.x")))}, "a.p -[a.x]-> b.q -[b.y]-> a.p"},
		"declared":        {[]string{model("a", port("p", "outbound", "a.x", from("b.y")+`,"repeats":3`)), model("b", port("q", "outbound", "b.y", from("a.x")))}, ""},
		"disabled":        {[]string{model("a", port("p", "outbound", "a.x", from("b.y")+`,"disabled":true`)), model("b", port("q", "outbound", "b.y", from("a.x")))}, ""},
		"within a model":  {[]string{model("a", port("p", "inbound", "a.x", `,"on":["a.y"]`), port("q", "outbound", "a.y", `,"on":["a.x"]`))}, "a.p -[a.x]-> a.q -[a.y]-> a.p"},
		"other documents": {[]string{model("a", port("p", "outbound", "a.x", from("a.x")))}, "a.p -[a.x]-> a.p"},
		"another source":  {[]string{model("a", port("p", "outbound", "a.x", `,"from":[{"event":"b.y","source":"/far","key":"subject"}]`)), model("b", port("q", "outbound", "b.y", from("a.x")))}, ""},
		"by an intake":    {[]string{model("a", port("p", "outbound", "a.x", from("b.created"))), intake("b", "a.x", "create")}, "a.p -[a.x]-> b (create) -[b.created]-> a.p"},
		"an intake's own": {[]string{model("a", port("p", "inbound", "a.x", "")), `{"name":"b","intake":[{"event":"a.x","do":"create"}],"ports":[` + port("q", "outbound", "b.y", `,"on":["b.created"]`) + `]}`}, ""},
		"intakes only":    {[]string{intake("a", "b.updated", "update"), intake("b", "a.updated", "update")}, "a (update) -[a.updated]-> b (update) -[b.updated]-> a (update): take one of the intakes out"},
		"an answer": {[]string{model("a", port("p", "outbound", "a.x", from("b.y"))), model("b", port("q", "outbound", "b.y", `,"await":{"on":[{"event":"a.x","key":"subject"}]}`))},
			"a.p -[a.x]-> b.q (answered) -[b.y]-> a.p"},
		"a refusal": {[]string{model("a", port("p", "outbound", "a.x", from("b.y"))), model("b", port("q", "outbound", "b.y", `,"await":{"fail":[{"event":"a.x","key":"subject"}]}`))}, ""},
		"asked and answered": {[]string{model("a", port("start", "inbound", "a.s", ""), port("q", "outbound", "a.y", `,"on":["a.s"],"await":{"on":[{"event":"b.taken","key":"subject"}]}`)),
			model("b", port("take", "inbound", "b.taken", from("a.s")))}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			wantSwap(t, map[string]federation.Component{"c": described(t, c.models...)}, c.want)
		})
	}
	// A route asks, and the event that its handler produces answers: no circle.
	asks := described(t, model("a", port("q", "outbound", "a.y", `,"await":{"on":[{"event":"b.taken","key":"subject"}]}`)), model("b", port("take", "inbound", "b.taken", "")))
	asks.Adapters = []adapter.Adapter{route("a", "q", inbound("take", ""), "b")}
	wantSwap(t, map[string]federation.Component{"c": asks}, "")
	// A route asks itself, but for a port that answers nothing.
	for disabled, want := range map[string]string{"false": "b.tell -(route)-> b.take -[b.taken]-> b.tell", "true": ""} {
		self := described(t, model("b", port("tell", "outbound", "", `,"on":["b.taken"]`), port("take", "inbound", "b.taken", `,"disabled":`+disabled)))
		self.Adapters = []adapter.Adapter{route("b", "tell", inbound("take", ""), "b")}
		wantSwap(t, map[string]federation.Component{"c": self}, want)
	}
}

// Misfits says the same of specs alone, as data.
func TestMisfits(t *testing.T) {
	c := described(t, orderModel, `{"name":"b","ports":[
		{"name":"p","direction":"outbound","produces":"b.x","from":[{"event":"order.aproved","key":"subject"}]},
		{"name":"q","direction":"outbound","produces":"b.y","on":["b.z"]},{"name":"r","direction":"outbound","produces":"b.z","on":["b.y"]}]}`)
	var specs []*modelspec.Spec
	for _, m := range c.Models {
		s, err := m.Spec()
		if err != nil {
			t.Fatal(err)
		}
		specs = append(specs, s)
	}
	got := federation.Misfits(specs)
	if len(got) != 2 {
		t.Fatalf("%+v", got)
	}
	if m := got[0]; m.Model != "b" || m.Port != "p" || m.Event != "order.aproved" || m.Source != "order" || m.Member != "event" || m.Suggestion != "order.approved" {
		t.Errorf("%+v", m)
	}
	if m := got[1]; strings.Join(m.Circle, " ") != "b.q b.r" || !strings.Contains(m.Error(), "b.q -[b.y]-> b.r -[b.z]-> b.q") {
		t.Errorf("%+v", m)
	}
}
