package outside

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// Config says what the world is like. Its zero value has parcels that are
// delivered at once, and nothing that goes wrong.
type Config struct {
	Faults func(Call) Fault          // nil: none
	Travel func(order string) Travel // nil: as the zero Travel
	Slow   time.Duration             // how late a Slow call is done; zero: one second
}

// Tally counts what went wrong, by fault, and what became of the answers.
type Tally struct {
	Calls, Undos int
	Faults       map[Fault]int
	Answers      int // that hosts took
	Doubled      int // events and replies that came again, and changed nothing
	Garbled      int // that hosts refused, as they should
	Lost         int // parcels
	Wrong        []string
}

// Server is the world. Make one with [Serve].
type Server struct {
	cfg    Config
	url    string
	http   http.Server
	client http.Client
	done   chan error
	life   context.Context
	end    context.CancelFunc
	wg     sync.WaitGroup

	mu     sync.Mutex
	books  map[string]*Entry // by key
	tally  Tally
	api    string // of the host of the moment; empty: there is none
	mended bool
}

// Serve begins to serve the world on addr, such as 127.0.0.1:0.
func Serve(addr string, cfg Config) (*Server, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("outside: serve: %w", err)
	}
	if cfg.Slow == 0 {
		cfg.Slow = time.Second
	}
	s := &Server{cfg: cfg, url: "http://" + l.Addr().String(), books: map[string]*Entry{}, done: make(chan error, 1)}
	s.tally.Faults = map[Fault]int{}
	s.life, s.end = context.WithCancel(context.Background())
	mux := http.NewServeMux()
	mux.HandleFunc("POST /{op}", func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, false) })
	mux.HandleFunc("POST /{op}/undo", func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, true) })
	s.http = http.Server{Handler: mux, ReadTimeout: 10 * time.Second, WriteTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
	s.client = http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	go func() { s.done <- s.http.Serve(l) }()
	return s, nil
}

// URL is where clients find the world.
func (s *Server) URL() string { return s.url }

// Answer says where the API of the host is that answers go to, from now on.
// Empty: there is none, and answers wait.
func (s *Server) Answer(api string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.api = api
}

// Mend ends all that goes wrong.
func (s *Server) Mend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mended = true
}

// Tally is what has happened.
func (s *Server) Tally() Tally {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tally
	t.Faults = map[Fault]int{}
	for f, n := range s.tally.Faults {
		t.Faults[f] = n
	}
	return t
}

// Close ends the world, and waits for it. Answers that nobody has taken yet are
// forgotten.
func (s *Server) Close() error {
	s.end()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	s.client.CloseIdleConnections()
	err := s.http.Shutdown(ctx)
	if e := <-s.done; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	s.wg.Wait()
	return err
}

// message is the body of a call.
type message struct {
	Key     string          `json:"key"`
	Request json.RawMessage `json:"request"`
}

// notTaken marks an answer that says that the service was not reached.
const notTaken = "Not-Taken"

// serve answers one call, or takes one back.
func (s *Server) serve(w http.ResponseWriter, hr *http.Request, undo bool) {
	op := hr.PathValue("op")
	var m message
	err := json.NewDecoder(http.MaxBytesReader(w, hr.Body, 1<<20)).Decode(&m)
	var r request
	if err == nil {
		r, err = requestOf(m.Request)
	}
	if err != nil || m.Key == "" || ops[op] == nil {
		http.Error(w, "there is no such call", http.StatusBadRequest)
		return
	}
	fault := s.fault(op, m.Key, r, undo)
	switch fault {
	case NotSent:
		w.Header().Set(notTaken, "1")
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	case LostBefore:
		drop(w)
		return
	case Slow:
		s.sleep(s.cfg.Slow)
	case Stuck:
		http.Error(w, "the service does not take it back", http.StatusConflict)
		return
	}
	var answer any
	if undo {
		s.takeBack(op, m.Key, r)
	} else {
		refused, first := s.do(op, m.Key, r, fault == Refuse)
		if refused != "" {
			http.Error(w, refused, http.StatusConflict)
			return
		}
		if first && op == "track" {
			s.wg.Go(func() { s.deliver(r) })
		}
		answer = ops[op](r)
	}
	if fault == LostAfter {
		drop(w)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

// fault decides what goes wrong with the call, and counts.
func (s *Server) fault(op, key string, r request, undo bool) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entry(op, key, r)
	n := &e.Asked
	if undo {
		n = &e.UndoAsked
		s.tally.Undos++
	} else {
		s.tally.Calls++
	}
	*n++
	if s.cfg.Faults == nil || s.mended {
		return None
	}
	f := s.cfg.Faults(Call{Op: op, Order: r.OrderID, Attempt: *n, Undo: undo})
	if f != None {
		s.tally.Faults[f]++
	}
	return f
}

// drop breaks the line.
func drop(w http.ResponseWriter) {
	if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = c.Close()
	}
}

// sleep waits, unless the world ends before; then it reports false.
func (s *Server) sleep(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.life.Done():
		return false
	}
}
