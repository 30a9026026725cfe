package httpapi_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/aegis/internal/httpapi"
)

// A body that does not come ends the request, not the patience of the host:
// neither where it is read nor where nobody wants it.
func TestSlowBody(t *testing.T) {
	a := newAPI(t, httpapi.Config{Timeout: 50 * time.Millisecond})
	s := httptest.NewServer(a)
	defer s.Close()
	defer s.CloseClientConnections()
	for head, status := range map[string]int{
		"POST /aegis/api/models/todos HTTP/1.1\r\nContent-Type: application/json\r\n": 408,
		"POST /aegis/api/models/todos HTTP/1.1\r\nContent-Type: text/plain\r\n":       415,
		"POST /aegis/api/nothing HTTP/1.1\r\n":                                        404,
	} {
		c, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write([]byte(head + "Host: x\r\nContent-Length: 10\r\n\r\n{")); err != nil {
			t.Fatal(err)
		}
		if err := c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(head, err)
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != status {
			t.Error(head, res.Status, err)
		}
		if n, err := c.Read(make([]byte, 1)); err != io.EOF {
			t.Error("the connection stays open:", n, err)
		}
		_ = c.Close()
	}
}

// The deadline of a body must not outlive it: it would look like a client that
// went away.
func TestBodyDeadlineEnds(t *testing.T) {
	a := newAPI(t, httpapi.Config{Timeout: 50 * time.Millisecond})
	a.fake.wait = true
	s := httptest.NewServer(a)
	defer s.Close()
	for range 2 { // on one connection
		res, err := s.Client().Post(s.URL+"/aegis/api/models/todos", "application/json", strings.NewReader(milk))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != http.StatusGatewayTimeout {
			t.Error(res.Status, err)
		}
		_ = res.Body.Close()
	}
}

// Routes change under load, and no request notices.
func TestSwapUnderLoad(t *testing.T) {
	f := newFake(t, todos())
	f.put("todo", "a", milk)
	f.mute = true
	h := httpapi.New(httpapi.Config{Backend: f, Rate: httpapi.Rate{PerSecond: -1}})
	want := shown("a", milkShown, "todo")
	var group sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		group.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequest("GET", "/aegis/api/models/todos/a", nil))
				if w.Code != 200 || w.Body.String() != want {
					t.Errorf("%d %s", w.Code, w.Body)
					return
				}
			}
		})
	}
	for range 100 {
		f.show(t, "marks", stamps())
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/aegis/api/models/marks", nil))
		if w.Code != 200 {
			t.Fatal("a model that is shown has no path")
		}
		f.show(t, "shop", todos())
	}
	close(stop)
	group.Wait()
}
