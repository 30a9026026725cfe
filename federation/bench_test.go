package federation_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/org/aegis/adapter"
	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
)

type asker interface{ ask(string) int }

type constant struct{ n int }

//go:noinline
func (c *constant) ask(s string) int { return c.n + len(s) }

// BenchmarkSeam is what the table adds to a call of a component.
func BenchmarkSeam(b *testing.B) {
	tab := newTable(b)
	one, two := prepare(b, tab, "c", component(&gauge{}, 0)), prepare(b, tab, "c", component(&gauge{}, 1))
	swap := func(arms ...federation.Arm) {
		if err := tab.Swap(federation.Change{"c": arms}); err != nil {
			b.Fatal(err)
		}
	}
	lookup := func() {
		_, g, err := tab.Model("thing", "k-12345")
		if err != nil {
			b.Fatal(err)
		}
		g.Unpin()
	}
	b.Run("interface-call", func(b *testing.B) {
		for _, v := range []asker{&constant{1}} {
			for b.Loop() {
				v.ask("k-12345")
			}
		}
	})
	swap(federation.Arm{Gen: one})
	b.Run("lookup+pin+unpin", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			lookup()
		}
	})
	b.Run("contended", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				lookup()
			}
		})
	})
	swap(federation.Arm{Gen: one, Share: 500}, federation.Arm{Gen: two})
	b.Run("split", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			lookup()
		}
	})
	if err := show(b, tab, map[string]federation.Component{"m": model("m", outbound("p", "")), "a": adapters(answer("m", "p", 1))}); err != nil {
		b.Fatal(err)
	}
	ref := tab.PortRef("m", "p")
	b.Run("port", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, g, err := ref.Pin("k-12345")
			if err != nil {
				b.Fatal(err)
			}
			g.Unpin()
		}
	})
}

// echo is a Conn that costs nothing but the frames.
type echo struct{ man, reply []byte }

func (e *echo) Exchange(_ context.Context, frame []byte, _ func(context.Context, []byte) []byte) ([]byte, error) {
	if e.reply == nil {
		return e.man, nil
	}
	return e.reply, nil
}

func (e *echo) Close() error { return nil }

// borrowing is an echo that keeps no frame.
type borrowing struct{ echo }

func (*borrowing) BorrowsFrames() {}

// BenchmarkRemote is a call of a module whose engine takes no time, with 1 KiB
// each way.
func BenchmarkRemote(b *testing.B) {
	text := append(append([]byte{'"'}, bytes.Repeat([]byte("x"), 1022)...), '"')
	for name, kept := range map[string]bool{"kept": true, "borrowed": false} {
		b.Run(name, func(b *testing.B) {
			lent := &borrowing{echo{man: []byte(`{"result":{"abi":1,"name":"c","adapters":[{"model":"m","port":"p"}]}}`)}}
			var conn federation.Conn = lent
			if kept {
				conn = &lent.echo
			}
			m, err := federation.Open(b.Context(), conn, federation.Artifact{})
			if err != nil {
				b.Fatal(err)
			}
			lent.reply = []byte(`{"result":` + string(text) + `}`)
			a, req := m.Adapters()[0], modelspec.FromJSON(text)
			ctx := context.WithValue(b.Context(), adapter.KeyKey, "0123456789abcdef")
			b.ReportAllocs()
			for b.Loop() {
				if _, err := a.Call(ctx, req); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A change of one component among 100 models, each of which listens to the one
// before it.
func BenchmarkSwap(b *testing.B) {
	tab := newTable(b)
	change := federation.Change{}
	for i := range 100 {
		c := described(b, fmt.Sprintf(`{"name":"m%d","schema":{"type":"object","properties":{"id":{"type":"string"}}},"ports":[
			{"name":"p","direction":"outbound","produces":"m%d.x","from":[{"event":"m%d.x","key":"/id"}],"repeats":%d},
			{"name":"q","direction":"outbound","produces":"m%d.y","on":["m%d.x"]}]}`, i, i, (i+99)%100, min(1, i), i, i))
		name := fmt.Sprint("c", i)
		change[name] = []federation.Arm{{Gen: prepare(b, tab, name, c)}}
	}
	if err := tab.Swap(change); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := tab.Swap(federation.Change{}); err != nil {
			b.Fatal(err)
		}
	}
}
