package query_test

import (
	"encoding/json"
	"fmt"
	"iter"
	"net/url"

	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/query"
)

// An order, as a model declares it.
type order struct {
	ID     string `json:"id"`
	Status string `json:"status" aegis:"index"`
	Total  int64  `json:"total"`
	Card   string `json:"card" aegis:"writeonly"`
}

// A query is read from a URL and answered by the indexes of a model.
func Example() {
	spec, err := modelspec.Model[order]{Name: "order"}.Spec()
	if err != nil {
		fmt.Println(err)
		return
	}
	schema := spec.Descriptor().Schema
	terms, _ := url.ParseQuery("status=open&total__gte=10&__sort=-total")
	q, err := query.ParseURL(terms, schema)
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := query.Compile(q, schema)
	if err != nil {
		fmt.Println(err)
		return
	}
	plan := c.Plan(spec)
	fmt.Println(plan.Explain())

	page, err := query.Run(plan, walk, func(o *order) query.Document {
		return query.Document{ID: o.ID, Data: modelspec.Of(*o)}
	}, 0)
	fmt.Println(page.Documents, err)

	_, err = query.ParseURL(url.Values{"totl__gt": {"5"}, "card": {"4000"}}, schema)
	fmt.Println(err)
	// Output:
	// walk status in [is "open"]; compare total >= 10; sort in memory
	// [{c open 30 } {a open 10 }] <nil>
	// the query cannot be answered: /card query (card is write-only: nobody may ask by it): /totl__gt query (there is no member totl: did you mean total?)
}

// walk yields what a driver would: the documents of the step's range.
func walk(query.Step) iter.Seq2[order, error] {
	return func(yield func(order, error) bool) {
		for _, o := range []order{{"a", "open", 10, ""}, {"b", "open", 5, ""}, {"c", "open", 30, ""}} {
			if !yield(o, nil) {
				return
			}
		}
	}
}

// A condition is built in Go, and sent as JSON or text.
func ExampleField() {
	e := query.Field[int64]("total").Gt(10).And(query.Text("status").In("open", "shut").Or(query.Text("note").Missing()))
	fmt.Println(e)
	b, _ := json.Marshal(query.Query{Where: query.Text("status").Starts("o"), Sort: []query.Order{query.Desc("total")}})
	fmt.Println(string(b))
	// Output:
	// total > 10 and (status in ("open", "shut") or not exists(note))
	// {"where":{"op":"starts","path":"status","value":"o"},"sort":["-total"]}
}
