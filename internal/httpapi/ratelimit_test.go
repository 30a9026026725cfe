package httpapi_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/aegis/internal/httpapi"
	"github.com/org/aegis/modelspec"
)

func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAPI(t, httpapi.Config{Rate: httpapi.Rate{PerSecond: 0.5, Burst: 3}})
		status := func() answer { return a.do(t, "GET /models/todos", "", "Remote: 192.0.2.1:99") }
		for i := range 3 {
			if got := status(); got.StatusCode != 200 {
				t.Fatalf("request %d of the burst: %s", i, got.body)
			}
		}
		got := status()
		got.problem(t, 429, modelspec.ErrExhausted)
		got.has(t, "Retry-After", "2")
		time.Sleep(1500 * time.Millisecond)
		status().has(t, "Retry-After", "1")
		time.Sleep(500 * time.Millisecond)
		if got := status(); got.StatusCode != 200 {
			t.Fatal("Retry-After was a lie")
		}
		status().problem(t, 429, modelspec.ErrExhausted)
		if got := a.do(t, "GET /models/todos", "", "Remote: 192.0.2.2:99"); got.StatusCode != 200 {
			t.Error("another address pays for it")
		}
		if got := a.do(t, "GET /models/todos", "", "Remote: 192.0.2.1:1", "X-Forwarded-For: 192.0.2.9"); got.StatusCode != 429 {
			t.Error("a header is believed")
		}
	})
}

func TestRateOfCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := httpapi.NewLimiter(httpapi.Rate{PerSecond: 1, Burst: 1})
		take := func(c *modelspec.Caller, remote string, want bool) {
			t.Helper()
			if _, ok := l.Take(c, remote); ok != want {
				t.Errorf("%+v at %s: %v", c, remote, ok)
			}
		}
		ann := &modelspec.Caller{Subject: "ann"}
		take(ann, "192.0.2.1:1", true)
		take(ann, "192.0.2.2:1", false)
		take(&modelspec.Caller{Tenant: "x", Subject: "ann"}, "192.0.2.1:1", true)
		take(nil, "192.0.2.1:1", true)
		take(&modelspec.Caller{}, "192.0.2.1:2", false)
		take(nil, "[2001:db8::1]:1", true)
		take(nil, "[2001:db8::2]:1", false)
		take(nil, "[2001:db8:0:1::1]:1", true)
		take(nil, "[::ffff:192.0.2.1]:1", false)
		take(nil, "127.0.0.1:1", true) // with a limit written down, loopback has it too
		take(nil, "127.0.0.1:1", false)
		take(nil, "@", true)
		take(nil, "@", false)
	})
}

func TestRateDefaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, tt := range []struct {
			rate   httpapi.Rate
			remote string
			want   int
		}{
			{httpapi.Rate{}, "192.0.2.1:1", 2000},
			{httpapi.Rate{}, "127.0.0.1:1", 5000},
			{httpapi.Rate{}, "[::1]:1", 5000},
			{httpapi.Rate{PerSecond: 10}, "127.0.0.1:1", 20},
			{httpapi.Rate{PerSecond: 0.1}, "127.0.0.1:1", 1},
			{httpapi.Rate{PerSecond: 10, Burst: 1}, "127.0.0.1:1", 1},
			{httpapi.Rate{PerSecond: 1e300}, "127.0.0.1:1", 5000},
			{httpapi.Rate{PerSecond: 1e-300}, "127.0.0.1:1", 1},
		} {
			l, passed := httpapi.NewLimiter(tt.rate), 0
			for range 5000 {
				if _, ok := l.Take(nil, tt.remote); ok {
					passed++
				}
			}
			if passed != tt.want {
				t.Errorf("%+v at %s: %d of 5000", tt.rate, tt.remote, passed)
			}
		}
	})
	a := newAPI(t, httpapi.Config{Rate: httpapi.Rate{PerSecond: -1}})
	for range 3000 {
		if got := a.do(t, "GET /models/todos", "", "Remote: 192.0.2.1:1"); got.StatusCode != 200 {
			t.Fatal("a negative rate limits")
		}
	}
}

// Many callers at once: each has a budget of its own, near enough.
func TestRateTableIsLargeEnough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, refused := httpapi.NewLimiter(httpapi.Rate{PerSecond: 1, Burst: 1}), 0
		for i := range 500 {
			if _, ok := l.Take(&modelspec.Caller{Subject: fmt.Sprint(i)}, ""); !ok {
				refused++
			}
		}
		if refused > 10 {
			t.Errorf("%d of 500 callers were refused for others", refused)
		}
	})
}

// Whoever fails to authenticate is counted, so that guessing is limited.
func TestRateCountsFailedCallers(t *testing.T) {
	a := newAPI(t, httpapi.Config{
		Rate:   httpapi.Rate{PerSecond: 0.001, Burst: 1},
		Caller: func(*http.Request) (modelspec.Caller, error) { return modelspec.Caller{}, modelspec.ErrUnauthenticated },
	})
	a.do(t, "GET /models/todos", "").problem(t, 401, modelspec.ErrUnauthenticated)
	a.do(t, "GET /models/todos", "").problem(t, 429, modelspec.ErrExhausted)
}
