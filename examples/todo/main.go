// Todo shows how aegis is embedded: a service that exists already, with its own
// mux and its own authentication, gets a model with a REST API.
//
//	go run ./examples/todo
//
// Then, in another terminal:
//
//	curl -i 127.0.0.1:8081/aegis/api/models/todos                    # 401: who are you?
//	curl -i 127.0.0.1:8081/aegis/api/models/todos -H 'Authorization: Bearer ann-secret' \
//	     -H 'Content-Type: application/json' -d '{"title":"buy tea"}'  # 201, createdBy ann
//	curl -i 127.0.0.1:8081/aegis/api/models/todos -H 'Authorization: Bearer bob-secret' \
//	     -H 'Content-Type: application/json' -d '{"title":""}'         # 422: the rules
//
// Everybody who is logged in may read all todos. DELETE is for ann.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/org/aegis"
	"github.com/org/aegis/modelspec"
)

// Todo is the model; its tags are its rules.
type Todo struct {
	ID        string `json:"id"`
	Title     string `json:"title" aegis:"required,minlen=1,maxlen=100"`
	Done      bool   `json:"done"`
	CreatedBy string `json:"createdBy" aegis:"readonly"`

	Moment modelspec.Moment `json:"-"` // for the hooks; never stored
}

var todos = modelspec.Model[Todo]{
	Name:     "todo",
	Moment:   func(t *Todo, m modelspec.Moment) { t.Moment = m },
	OnCreate: func(t *Todo) error { t.CreatedBy = t.Moment.Caller.Subject; return nil },
}

// The service's own authentication: a middleware that leaves the user in the
// request's context.
type userKey struct{}

var tokens = map[string]string{"ann-secret": "ann", "bob-secret": "bob"}

func auth(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		user, ok := tokens[token]
		if !ok {
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), userKey{}, user)))
	})
}

// service is the service and the host in it, which is to be started and closed.
func service() (http.Handler, *aegis.Host, error) {
	host, err := aegis.New(aegis.Config{
		Models: aegis.Models{todos},
		Caller: func(r *http.Request) (aegis.Caller, error) { // what the middleware left
			user, _ := r.Context().Value(userKey{}).(string)
			return aegis.Caller{Subject: user}, nil
		},
		Authorize: func(_ context.Context, a aegis.Access) error {
			if a.Caller.Subject == "" || a.Action == aegis.Delete && a.Caller.Subject != "ann" {
				return modelspec.ErrDenied
			}
			return nil
		},
	})
	if err != nil {
		return nil, nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "the service that was here before") })
	mux.Handle("/aegis/", auth(host))
	return mux, host, nil
}

func main() {
	addr := flag.String("addr", "127.0.0.1:8081", "`address` to listen on")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := serve(ctx, *addr); err != nil {
		log.Fatal(err)
	}
}

func serve(ctx context.Context, addr string) error {
	handler, host, err := service()
	if err != nil {
		return err
	}
	if err := host.Start(ctx); err != nil {
		return errors.Join(err, host.Close())
	}
	srv := &http.Server{Addr: addr, Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	stopped := make(chan error, 1)
	context.AfterFunc(ctx, func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		stopped <- srv.Shutdown(end)
	})
	fmt.Printf("curl -i %s/aegis/api/models/todos -H 'Authorization: Bearer ann-secret' -H 'Content-Type: application/json' -d '{\"title\":\"buy tea\"}'\n", addr)
	fmt.Printf("curl -i %s/aegis/api/models/todos -H 'Authorization: Bearer bob-secret'\n", addr)
	if err := srv.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return errors.Join(err, host.Close())
	}
	return errors.Join(<-stopped, host.Close())
}
