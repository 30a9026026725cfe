package modelspec_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/org/aegis/modelspec"
)

type customer struct {
	ID    string `json:"id"`
	Email string `json:"email"`
	Limit int64  `json:"limit"`
	Boss  string `json:"bossId"`
}

// buyer is the part of a customer that an order cares about.
type buyer struct {
	Limit int64 `json:"limit"`
}

type product struct {
	SKU string `json:"sku"`
}

func TestRelationsDescribe(t *testing.T) {
	type cart struct {
		ID    string `json:"id"`
		Pages []struct {
			Items []item `json:"items"`
		} `json:"pages"`
		Tags [2]string `json:"tags"`
	}
	for _, c := range []struct {
		rel interface {
			DescribeRelation() (modelspec.RelationDescriptor, error)
		}
		cardinality  modelspec.Cardinality
		fields, fail string
	}{
		{modelspec.BelongsTo[order, customer]{"r", "customer", "customerId"}, modelspec.ManyToOne, "id,email,limit,bossId", ""},
		{modelspec.BelongsTo[order, buyer]{"r", "customer", "customerId"}, modelspec.ManyToOne, "limit", ""},
		{modelspec.HasOne[customer, order]{"r", "order", "customerId"}, modelspec.OneToOne, "id,customerId,items,total,status,touches,paymentId,trackingId", ""},
		{modelspec.HasMany[customer, customer]{"r", "customer", "bossId"}, modelspec.OneToMany, "id,email,limit,bossId", ""},
		{modelspec.ContainsMany[order, product]{"r", "product", "/items/*/sku"}, modelspec.Contains, "sku", ""},
		{modelspec.ContainsMany[cart, product]{"r", "product", "/tags/*"}, modelspec.Contains, "sku", ""},
		{modelspec.BelongsTo[order, customer]{"r", "customer", "total"}, "", "", "has no string field"},
		{modelspec.HasMany[customer, buyer]{"r", "order", "customerId"}, "", "", "modelspec_test.buyer has no string field"},
		{modelspec.BelongsTo[order, string]{"r", "customer", "customerId"}, "", "", "string is no struct"},
		{modelspec.ContainsMany[order, product]{"r", "product", "/items/sku"}, "", "", "with one *"},
		{modelspec.ContainsMany[cart, product]{"r", "product", "/pages/*/items"}, "", "", "not to strings"},
		{modelspec.ContainsMany[order, product]{"r", "product", "/items/*/skus"}, "", "", "has no member skus"},
		{modelspec.ContainsMany[order, product]{"r", "product", "/id/*"}, "", "", "is no list"},
	} {
		d, err := c.rel.DescribeRelation()
		if c.fail != "" {
			if err == nil || !strings.Contains(err.Error(), c.fail) || !strings.HasPrefix(err.Error(), "relation r: ") {
				t.Errorf("%v, want %s", err, c.fail)
			}
			continue
		}
		if err != nil || d.Cardinality != c.cardinality || strings.Join(d.Fields, ",") != c.fields || d.Name != "r" || d.Key == "" {
			t.Errorf("%+v %v", d, err)
		}
	}
}

// library answers effects from memory.
func library(t *testing.T, want modelspec.Verb, answer *modelspec.Value) context.Context {
	return modelspec.WithEffects(t.Context(), modelspec.EffectsFunc(func(_ context.Context, e modelspec.Effect) (*modelspec.Value, error) {
		if e.Verb != want || e.Target != "r" || e.Key != "" || e.Arg != nil {
			t.Errorf("asked for %+v", e)
		}
		return answer, nil
	}))
}

func TestRelationsRead(t *testing.T) {
	ann := modelspec.Of(customer{ID: "c1", Limit: 7})
	one := modelspec.BelongsTo[order, buyer]{"r", "customer", "customerId"}
	if b, err := one.Get(library(t, modelspec.VerbGet, ann), &seed); err != nil || b.Limit != 7 {
		t.Error(b, err)
	}
	if c, err := (modelspec.HasOne[order, customer]{Name: "r"}).Get(library(t, modelspec.VerbGet, ann), &seed); err != nil || c.ID != "c1" {
		t.Error(c, err)
	}
	for _, none := range []*modelspec.Value{nil, modelspec.FromJSON([]byte("null"))} {
		if _, err := one.Get(library(t, modelspec.VerbGet, none), &seed); modelspec.CodeOf(err) != modelspec.ErrNotFound {
			t.Error(err)
		}
		if _, err := (modelspec.HasOne[order, customer]{Name: "r"}).Get(library(t, modelspec.VerbGet, none), &seed); modelspec.CodeOf(err) != modelspec.ErrNotFound {
			t.Error(err)
		}
	}
	for _, list := range []*modelspec.Value{
		modelspec.Of([]*modelspec.Value{ann, nil, modelspec.Of(customer{ID: "c2"})}), modelspec.FromJSON([]byte(`[{"id":"c1"},null,{"id":"c2"}]`)),
	} {
		cs, err := (modelspec.HasMany[order, customer]{Name: "r"}).List(library(t, modelspec.VerbList, list), &seed)
		if ids := func() (out []string) {
			for _, c := range cs {
				out = append(out, c.ID)
			}
			return out
		}(); err != nil || !slices.Equal(ids, []string{"c1", "c2"}) {
			t.Error(ids, err)
		}
		ps, err := (modelspec.ContainsMany[order, customer]{Name: "r"}).List(library(t, modelspec.VerbList, list), &seed)
		if err != nil || len(ps) != 2 {
			t.Error(ps, err)
		}
	}
	if _, err := one.Get(t.Context(), &seed); modelspec.CodeOf(err) != modelspec.ErrDenied {
		t.Errorf("outside a handler: %v", err)
	}
}
