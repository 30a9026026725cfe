package modelspec_test

import (
	"context"
	"testing"

	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

type order struct {
	ID         string `json:"id"`
	CustomerID string `json:"customerId" aegis:"required,immutable"`
	Items      []item `json:"items" aegis:"required"`
	Total      int64  `json:"total"`
	Status     status `json:"status"`
	Touches    int64  `json:"touches,omitempty"`
	PaymentID  string `json:"paymentId,omitempty"`
	TrackingID string `json:"trackingId,omitempty"`
}

type item struct {
	SKU   string `json:"sku"`
	Price int64  `json:"price"`
	Qty   int64  `json:"qty"`
}

type status string

var orders = modelspec.Model[order]{
	Name: "order",
	Ports: []modelspec.Port[order]{
		port.Inbound[order, port.None, port.None]{Name: "touch", Handle: func(o *order, _ context.Context, _ port.None) (port.None, error) {
			o.Touches++
			return port.None{}, nil
		}},
	},
	Validate: func(o *order) error {
		if o.Total < 0 {
			return modelspec.Refuse("negative total")
		}
		return nil
	},
}

var seed = order{ID: "o1", CustomerID: "c1", Items: []item{{SKU: "tea", Price: 450, Qty: 2}}}

func BenchmarkInbound(b *testing.B) {
	ctx := context.Background()
	spec, err := orders.Spec()
	if err != nil {
		b.Fatal(err)
	}
	r, err := spec.Handle(ctx, modelspec.Call{Op: modelspec.OpNew, ID: "o1", Doc: modelspec.Of(seed)})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("native", func(b *testing.B) {
		arg := modelspec.Of(port.None{})
		b.ReportAllocs()
		for b.Loop() {
			if _, err := spec.Handle(ctx, modelspec.Call{Op: modelspec.OpInvoke, ID: "o1", Port: "touch", Doc: r.Doc, Arg: arg}); err != nil {
				b.Fatal(err)
			}
		}
	})
	raw, _ := r.Doc.JSON()
	b.Run("json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r, err := spec.Handle(ctx, modelspec.Call{Op: modelspec.OpInvoke, ID: "o1", Port: "touch", Doc: modelspec.FromJSON(raw), Arg: modelspec.FromJSON([]byte("{}"))})
			if err != nil {
				b.Fatal(err)
			}
			if _, err := r.Doc.JSON(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("remote", func(b *testing.B) { // what the host adds to a guest's answer
		remote, err := modelspec.New(*spec.Descriptor(), answers{raw})
		if err != nil {
			b.Fatal(err)
		}
		doc := modelspec.FromJSON(raw)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := remote.Handle(ctx, modelspec.Call{Op: modelspec.OpInvoke, ID: "o1", Port: "touch", Doc: doc}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// answers is a guest that always answers with the same document.
type answers struct{ doc []byte }

func (a answers) Handle(context.Context, modelspec.Call) (modelspec.Reply, error) {
	return modelspec.Reply{Doc: modelspec.FromJSON(a.doc)}, nil
}

type account struct {
	ID     string `json:"id"`
	Email  string `json:"email" aegis:"unique"`
	City   string `json:"city" aegis:"index"`
	Secret string `json:"secret" aegis:"writeonly"`
}

func BenchmarkDocument(b *testing.B) {
	spec, err := modelspec.Model[account]{Name: "account"}.Spec()
	if err != nil {
		b.Fatal(err)
	}
	plain, _ := orders.Spec()
	doc := modelspec.Of(account{"a1", "ann@example.com", "Rome", "s3cret"})
	flat := modelspec.Of(seed)
	b.Run("outward", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			spec.Outward(doc)
		}
	})
	b.Run("outward, nothing hidden", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			plain.Outward(flat)
		}
	})
	b.Run("index", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			spec.Index(doc)
		}
	})
	b.Run("index, none", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			plain.Index(flat)
		}
	})
	body := []byte(`{"customerId":"c1","items":[{"sku":"tea","price":450,"qty":2}],"total":900}`)
	b.Run("check body", func(b *testing.B) {
		b.ReportAllocs()
		schema := plain.Descriptor().Schema
		for b.Loop() {
			if err := schema.CheckBody(body, modelspec.ModeCreate); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("copy", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			modelspec.Own[order](flat)
		}
	})
}
