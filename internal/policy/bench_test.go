package policy_test

import (
	"context"
	"testing"
	"time"

	"github.com/org/aegis/internal/policy"
	"github.com/org/aegis/modelspec"
)

var answered = modelspec.Of(1)

func bare(context.Context, *modelspec.Value) (*modelspec.Value, error) { return answered, nil }

// BenchmarkBare is what the others are measured against: the call itself.
func BenchmarkBare(b *testing.B) {
	f := policy.Call(bare)
	for b.Loop() {
		if _, err := f(b.Context(), nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGuardDo(b *testing.B) { benchmarkDo(b, modelspec.Policy{}) }

func BenchmarkGuardDoRetries(b *testing.B) { benchmarkDo(b, modelspec.Policy{Retries: 3}) }

// BenchmarkGuardDoNotify has somebody to tell of calls that end after their time.
func BenchmarkGuardDoNotify(b *testing.B) {
	g := policy.New("m.p", modelspec.Policy{})
	g.Notify = func(context.Context, policy.Event) { b.Error("the call was in time") }
	var ctx policy.Context
	ctx.Begin(b.Context(), time.Now().Add(time.Hour))
	defer ctx.Close()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := g.Do(&ctx, bare, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkDo(b *testing.B, p modelspec.Policy) {
	g, ctx := policy.New("m.p", p), b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := g.Do(ctx, bare, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBreakerClosed(b *testing.B) {
	benchmarkBreaker(b, modelspec.Breaker{Failures: 5, Open: time.Second})
}

func benchmarkBreaker(b *testing.B, p modelspec.Breaker) {
	g, ctx := policy.New("m.p", modelspec.Policy{Breaker: p}), b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := policy.Through(g.Breaker(1, true, ""), func() (*modelspec.Value, error) { return bare(ctx, nil) }); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBreakerRate(b *testing.B) {
	benchmarkBreaker(b, modelspec.Breaker{Failures: 5, Rate: 50})
}

// BenchmarkBreakerOpen is what a call costs that is not made.
func BenchmarkBreakerOpen(b *testing.B) {
	g := policy.New("m.p", modelspec.Policy{Breaker: modelspec.Breaker{Failures: 1, Open: time.Hour}})
	fail := func() (*modelspec.Value, error) { return nil, modelspec.ErrUnavailable }
	policy.Through(g.Breaker(1, true, ""), fail)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := policy.Through(g.Breaker(1, true, ""), fail); !modelspec.NotSent(err) {
			b.Fatal(err)
		}
	}
}

// Without failures, and without retries, nothing is allocated.
func TestCallsAllocateNothing(t *testing.T) {
	for name, p := range map[string]modelspec.Policy{
		"none": {}, "retries": {Retries: 3}, "breaker": {Breaker: modelspec.Breaker{Failures: 5}},
		"all": {Retries: 3, Breaker: modelspec.Breaker{Failures: 5, Rate: 50, Codes: []modelspec.Threshold{{Code: modelspec.ErrExhausted, Failures: 1}}}},
	} {
		g, ctx := policy.New("m.p", p), t.Context()
		g.Notify = func(context.Context, policy.Event) {}
		call := policy.Call(func(ctx context.Context, v *modelspec.Value) (*modelspec.Value, error) {
			return g.Breaker(1, true, "").Do(ctx, func() (*modelspec.Value, error) { return v, nil })
		})
		if n := testing.AllocsPerRun(100, func() { g.Do(ctx, call, nil) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
