package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/org/aegis/modelspec"
)

// exchange is one request and its answer.
type exchange struct {
	h *Handler
	t *table
	m *resource // nil: the request is about the host
	w http.ResponseWriter
	r *http.Request

	id     string // of the document
	name   string // port, relation, or name in Config.Host
	reply  *reply // of a request that answers a port's call; else nil
	caller *modelspec.Caller
	parent string // traceparent, once asked for
	wrote  bool
}

// verb is what one method of a path does.
type verb struct {
	action string
	run    func(ctx context.Context, x *exchange) error
}

// verbs are the methods of a path.
type verbs struct {
	allow  string // for the header
	by     map[string]verb
	closed string // why methods are missing that one may expect
}

func newVerbs(closed string, by map[string]verb) *verbs {
	v := &verbs{by: by, closed: closed}
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		if _, ok := by[method]; ok {
			if v.allow != "" {
				v.allow += ", "
			}
			v.allow += method
		}
	}
	return v
}

// reading is what only answers questions.
func reading(v verb) map[string]verb {
	return map[string]verb{http.MethodGet: v, http.MethodHead: v}
}

// path serves one pattern: look finds what the path stands for.
type path struct {
	h    *Handler
	t    *table
	m    *resource
	look func(x *exchange) (*verbs, error)
}

// ServeHTTP runs the request, and turns an error or a panic into a problem.
func (p *path) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{h: p.h, t: p.t, m: p.m, w: w, r: r}
	defer x.recover()
	if err := x.serve(p.look); err != nil {
		x.fail(err)
	}
}

func (x *exchange) serve(look func(x *exchange) (*verbs, error)) error {
	v, err := look(x)
	if err != nil {
		return err
	}
	do, ok := v.by[x.r.Method]
	if !ok {
		x.w.Header().Set("Allow", v.allow)
		detail := x.r.Method + " is not for this path: " + v.allow
		if v.closed != "" {
			detail += "; " + v.closed
		}
		return fail(http.StatusMethodNotAllowed, modelspec.ErrUnimplemented, detail)
	}
	ctx := x.r.Context()
	if timeout := x.h.cfg.Timeout; timeout > 0 {
		d := newDeadline(ctx, time.Now().Add(timeout))
		defer d.end()
		ctx = d
	}
	if err := x.admit(ctx, do.action); err != nil {
		return err
	}
	return do.run(ctx, x)
}

// admit asks who calls, whether it is not too often, and whether he may.
func (x *exchange) admit(ctx context.Context, action string) error {
	var denied error
	if ask := x.h.cfg.Caller; ask != nil {
		c, err := ask(x.r)
		if err == nil {
			x.caller = &c
		}
		denied = err
	}
	if err := x.limit(); err != nil {
		return err
	}
	if denied != nil {
		return coded(denied, modelspec.ErrUnauthenticated, "not authenticated")
	}
	ask := x.h.cfg.Authorize
	if ask == nil {
		if x.m == nil {
			return &modelspec.Error{Code: modelspec.ErrDenied, Message: "the host is closed: open it with Config.Authorize"}
		}
		return nil
	}
	if err := ask(ctx, x.access(action)); err != nil {
		return coded(err, modelspec.ErrDenied, "not allowed")
	}
	return nil
}

func (x *exchange) access(action string) Access {
	a := Access{Action: action, ID: x.id, Port: x.name, Request: x.r}
	if x.caller != nil {
		a.Caller = *x.caller
	}
	if x.reply != nil {
		a.Model, a.Reply = x.reply.model, x.reply.key
	}
	if x.m != nil {
		a.Model = x.m.name
		if action == ActionRelate {
			a.Related = x.m.spec.Relation(x.name).Model
		}
	}
	return a
}

func (x *exchange) limit() error {
	l := x.h.limiter
	if l == nil {
		return nil
	}
	key, counted := l.callerKey(x.caller, x.r.RemoteAddr)
	if !counted {
		return nil
	}
	wait, ok := l.take(key)
	if ok {
		return nil
	}
	seconds := int64((wait + time.Second - 1) / time.Second)
	x.w.Header().Set("Retry-After", strconv.FormatInt(seconds, 10))
	return &modelspec.Error{Code: modelspec.ErrExhausted, Message: "too many requests: ask again after Retry-After seconds", NotSent: true}
}

// recover answers for a panic in the embedder's or a model's code.
func (x *exchange) recover() {
	p := recover()
	switch p {
	case nil:
		return
	case http.ErrAbortHandler:
		panic(p)
	}
	x.fail(fmt.Errorf("httpapi: serve: %w", &modelspec.Panic{Op: "http", Value: p, Stack: debug.Stack()}))
}

// traceparent is the request's, or one made for it.
func (x *exchange) traceparent() string {
	if x.parent == "" {
		x.parent = traceparent(x.r.Header.Get("Traceparent"))
	}
	return x.parent
}
