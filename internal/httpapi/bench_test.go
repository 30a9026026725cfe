package httpapi_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/org/aegis/internal/httpapi"
)

// BenchmarkGet compares a GET of a document over loopback with the barest
// handler that writes the same bytes and headers.
func BenchmarkGet(b *testing.B) {
	a := newAPI(b, httpapi.Config{})
	a.fake.put("todo", "a", milk)
	a.fake.mute = true
	body := []byte(a.do(b, "GET /models/todos/a", "").body)
	b.Run("bare", func(b *testing.B) {
		length := strconv.Itoa(len(body))
		measure(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h := w.Header()
			h.Set("Content-Type", "application/json")
			h.Set("Content-Length", length)
			_, _ = w.Write(body)
		}))
	})
	b.Run("ours", func(b *testing.B) { measure(b, a.Handler) })
}

func measure(b *testing.B, h http.Handler) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	s := &http.Server{Handler: h}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	defer func() {
		_ = s.Close()
		<-done
	}()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	defer client.CloseIdleConnections()
	url := "http://" + l.Addr().String() + "/aegis/api/models/todos/a"
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			res, err := client.Get(url)
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
			if res.StatusCode != 200 {
				b.Error(res.Status)
				return
			}
		}
	})
}

// quiet is a ResponseWriter that keeps nothing.
type quiet struct {
	h      http.Header
	status int
}

func (q *quiet) Header() http.Header         { return q.h }
func (q *quiet) Write(b []byte) (int, error) { return len(b), nil }
func (q *quiet) WriteHeader(status int)      { q.status = status }

// BenchmarkServe is what the handler itself costs, without the network.
func BenchmarkServe(b *testing.B) {
	for _, warm := range []bool{true, false} {
		b.Run(map[bool]string{true: "remembered", false: "rendered"}[warm], func(b *testing.B) {
			a := newAPI(b, httpapi.Config{})
			a.fake.put("todo", "a", milk)
			a.fake.mute = true
			r := httptest.NewRequest("GET", "/aegis/api/models/todos/a", nil)
			r.RemoteAddr = "127.0.0.1:1" // which has no limit
			w := &quiet{h: http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				if !warm {
					a.fake.docs["todo/a"].Revision++
				}
				a.ServeHTTP(w, r)
			}
			if w.status != 200 {
				b.Fatal(w.status)
			}
		})
	}
}

func BenchmarkRate(b *testing.B) {
	l := httpapi.NewLimiter(httpapi.Rate{PerSecond: 1e9})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			l.Take(nil, "192.0.2.1:1234")
		}
	})
}
