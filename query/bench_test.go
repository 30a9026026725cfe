package query_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/org/aegis/query"
)

// kilobyte is a document of 1 KiB.
func kilobyte() string {
	doc := `{"name":"Ann","status":"open","home":{"city":"Rome","zip":"00100"},"items":[`
	for i := 0; len(doc) < 960; i++ {
		if i > 0 {
			doc += ","
		}
		doc += fmt.Sprintf(`{"sku":"sku-%04d","qty":%d,"cost":%d.25}`, i, i%7, i)
	}
	return doc + `],"price":42,"weight":0.75,"since":"2024-01-01T12:00:00Z"}`
}

func BenchmarkMatch(b *testing.B) {
	for _, c := range []struct{ name, text string }{
		{"FirstMember", `status = "open"`},
		{"LastMember", `price > 10`},
		{"Five", `price > 10 and weight <= 0.75 and status in ("open", "shut") and home.city starts "R" and since >= "2024-01-01T00:00:00Z"`},
		{"List", `items.sku = "sku-9999"`},
	} {
		b.Run(c.name, func(b *testing.B) {
			q, d := where(b, c.text), document("o1", kilobyte())
			b.ReportAllocs()
			b.SetBytes(int64(len(kilobyte())))
			for b.Loop() {
				if _, err := q.Match(d); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// What encoding/json takes to decode the same document into a tree.
func BenchmarkDecodeBaseline(b *testing.B) {
	doc := []byte(kilobyte())
	b.ReportAllocs()
	b.SetBytes(int64(len(doc)))
	for b.Loop() {
		var v any
		if err := json.Unmarshal(doc, &v); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseURL(b *testing.B) {
	terms := map[string][]string{"price__gt": {"10"}, "status__in": {"a,b"}, "__sort": {"-price"}, "__limit": {"50"}}
	s := schema(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := query.ParseURL(terms, s); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompilePlan(b *testing.B) {
	q, s, keys := mustParse(b, "price__gt=10&status__in=a,b&__sort=-price"), schema(b), spec(b)
	b.ReportAllocs()
	for b.Loop() {
		c, err := query.Compile(q, s)
		if err != nil {
			b.Fatal(err)
		}
		c.Plan(keys)
	}
}
