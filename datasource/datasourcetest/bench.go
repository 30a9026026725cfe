package datasourcetest

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/modelspec"
)

// Bench measures what a host does most, on a store with 10,000 documents of
// about 400 bytes, each with one index entry: reading one, also by several
// goroutines; writing the next revision of one, also with a mark for Due and
// by several; creating; and reading a page of 20.
func Bench(b *testing.B, open func(testing.TB) datasource.Store) {
	const n = 10_000
	store := open(b)
	defer store.Close()
	c, err := store.Collection("orders")
	if err != nil {
		b.Fatal(err)
	}
	fill(b, c, n)
	b.Run("Get", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := c.Get(b.Context(), "o5000"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("GetParallel", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := c.Get(b.Context(), "o5000"); err != nil {
					b.Error(err)
				}
			}
		})
	})
	b.Run("Put", func(b *testing.B) {
		b.ReportAllocs()
		d := benchDoc(b, c, "o1")
		for b.Loop() {
			d.Revision++
			putOrFail(b, c, d)
		}
	})
	b.Run("PutDue", func(b *testing.B) {
		b.ReportAllocs()
		d := benchDoc(b, c, "o2")
		for b.Loop() {
			d.Revision++
			d.Due = time.Unix(d.Revision, 0)
			putOrFail(b, c, d)
		}
	})
	var name atomic.Int64
	b.Run("PutParallel16", func(b *testing.B) {
		b.SetParallelism(8)
		b.RunParallel(func(pb *testing.PB) {
			d := sized(fmt.Sprint("p", name.Add(1)))
			for d.Revision = 1; pb.Next(); d.Revision++ {
				putOrFail(b, c, d)
			}
		})
	})
	b.Run("Create", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			putOrFail(b, c, sized(fmt.Sprint("n", name.Add(1))))
		}
	})
	for _, q := range []datasource.Query{{}, {Index: "customer", Key: new("c7")}} {
		b.Run("Page20"+q.Index, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				page(b, c, q)
			}
		})
	}
}

func fill(b *testing.B, c datasource.Collection, n int) {
	b.Helper()
	work := make(chan string, n)
	for i := range n {
		work <- fmt.Sprint("o", i)
	}
	close(work)
	done := make(chan error)
	for range 64 { // they share syncs
		go func() {
			var err error
			for id := range work {
				if err == nil {
					err = c.Put(b.Context(), sized(id))
				}
			}
			done <- err
		}()
	}
	for range 64 {
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	}
}

func sized(id string) datasource.Document {
	d := doc(id, 1, entry("customer", "c"+id[len(id)-1:]))
	d.Created = time.Unix(1e9, 0)
	d.Data = modelspec.FromJSON([]byte(`{"id":"o1","customer":"c-1","status":"approved","items":[{"sku":"a","qty":1,"price":1250},{"sku":"b","qty":2,"price":400}],"address":{"street":"Main St 1","city":"Bonn","zip":"53111"}}`))
	return d
}

func benchDoc(b *testing.B, c datasource.Collection, id string) datasource.Document {
	b.Helper()
	d, err := c.Get(b.Context(), id)
	if err != nil {
		b.Fatal(err)
	}
	return d
}

func putOrFail(b *testing.B, c datasource.Collection, d datasource.Document) {
	if err := c.Put(b.Context(), d); err != nil {
		b.Error(err)
	}
}

func page(b *testing.B, c datasource.Collection, q datasource.Query) {
	n := 0
	for _, err := range c.List(b.Context(), q) {
		if err != nil {
			b.Fatal(err)
		}
		if n++; n == 20 {
			return
		}
	}
	b.Fatalf("%d documents", n)
}
