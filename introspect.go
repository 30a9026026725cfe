package aegis

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/org/aegis/federation"
	"github.com/org/aegis/internal/flow"
	"github.com/org/aegis/internal/httpapi"
	"github.com/org/aegis/modelspec"
)

// backend is what the API is served from.
type backend struct {
	*flow.Engine
	table *federation.Table
}

// Snapshot is what the host can do at this moment.
func (b backend) Snapshot() *federation.Snapshot { return b.table.Snapshot() }

// introspection shows the host itself, and lets operators lay hand on it: to
// whom Config.Authorize lets.
func (h *Host) introspection() map[string]func(context.Context, *http.Request) (any, error) {
	return map[string]func(context.Context, *http.Request) (any, error){
		"components":    func(context.Context, *http.Request) (any, error) { return h.Loaded(), nil },
		"incidents":     func(ctx context.Context, _ *http.Request) (any, error) { return h.Incidents(ctx) },
		"unbound":       func(context.Context, *http.Request) (any, error) { return h.Unbound(), nil },
		"config":        func(context.Context, *http.Request) (any, error) { return h.Overview(), nil },
		"subscriptions": func(context.Context, *http.Request) (any, error) { return h.broker.Subscriptions(), nil },

		"flows": h.listFlows,
		"flows/{model}/{id}": func(ctx context.Context, r *http.Request) (any, error) {
			return h.FlowsOf(ctx, r.PathValue("model"), r.PathValue("id"))
		},
		"flows/{model}/{id}/{flow}": func(ctx context.Context, r *http.Request) (any, error) {
			return h.FlowOf(ctx, r.PathValue("model"), r.PathValue("id"), r.PathValue("flow"))
		},
		"POST flows/{model}/{id}/{flow}/retry":   laying(h.RetryFlow),
		"POST flows/{model}/{id}/{flow}/undo":    laying(h.UndoFlow),
		"POST flows/{model}/{id}/{flow}/abandon": laying(h.AbandonFlow),
		"POST flows/{model}/{id}/retry": func(ctx context.Context, r *http.Request) (any, error) {
			by, err := operatorOf(ctx, r)
			if err != nil {
				return nil, err
			}
			return nil, h.RetryDocument(ctx, r.PathValue("model"), r.PathValue("id"), by)
		},

		"deadletters":                 h.listDeadLetters,
		"POST deadletters/{id}/retry": sorting(h.RetryDeadLetter),
		"DELETE deadletters/{id}":     sorting(h.DropDeadLetter),
	}
}

func (h *Host) listFlows(ctx context.Context, r *http.Request) (any, error) {
	var q FlowQuery
	err := terms(r.URL.RawQuery, map[string]func(string) error{
		"model":  func(s string) error { q.Model = s; return nil },
		"state":  func(s string) error { q.State = FlowState(s); return nil },
		"older":  func(s string) (err error) { q.Older, err = time.ParseDuration(s); return err },
		"newer":  func(s string) (err error) { q.Newer, err = time.ParseDuration(s); return err },
		"limit":  func(s string) (err error) { q.Limit, err = pageLimit(s); return err },
		"cursor": func(s string) error { q.Cursor = s; return nil },
	})
	if err != nil {
		return nil, err
	}
	return h.ListFlows(ctx, q)
}

func (h *Host) listDeadLetters(ctx context.Context, r *http.Request) (any, error) {
	limit, cursor := 0, ""
	err := terms(r.URL.RawQuery, map[string]func(string) error{
		"limit":  func(s string) (err error) { limit, err = pageLimit(s); return err },
		"cursor": func(s string) error { cursor = s; return nil },
	})
	if err != nil {
		return nil, err
	}
	return h.DeadLetters(ctx, limit, cursor)
}

func pageLimit(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err == nil && n < 1 {
		err = strconv.ErrRange
	}
	return n, err
}

// terms reads a query. Everything in it means something, or is refused.
func terms(raw string, known map[string]func(string) error) error {
	bad := func(name, detail string) error {
		return &modelspec.Error{Code: modelspec.ErrInvalid, Message: "the query cannot be answered", Fields: []modelspec.FieldError{{Pointer: "/" + name, Rule: "query", Detail: detail}}}
	}
	q, err := url.ParseQuery(raw)
	if err != nil {
		return bad("", "is malformed: terms are name=value, joined by & and percent-encoded")
	}
	for name, values := range q {
		set := known[name]
		switch {
		case set == nil:
			return bad(name[:min(len(name), 40)], "is none of "+list(slices.Sorted(maps.Keys(known))))
		case len(values) != 1 || values[0] == "":
			return bad(name, "is given once, and not empty")
		}
		if err := set(values[0]); err != nil {
			return bad(name, "is a number of 1 and more, or a duration such as 90s, 10m or 24h: "+strings.ToValidUTF8(err.Error(), ""))
		}
	}
	return nil
}

// laying answers for what an operator does to a flow with the flow as it then
// stands.
func laying(do func(ctx context.Context, model, id, flow string, by Operator) (Flow, error)) func(context.Context, *http.Request) (any, error) {
	return func(ctx context.Context, r *http.Request) (any, error) {
		by, err := operatorOf(ctx, r)
		if err != nil {
			return nil, err
		}
		return do(ctx, r.PathValue("model"), r.PathValue("id"), r.PathValue("flow"), by)
	}
}

func sorting(do func(ctx context.Context, id string, by Operator) error) func(context.Context, *http.Request) (any, error) {
	return func(ctx context.Context, r *http.Request) (any, error) {
		by, err := operatorOf(ctx, r)
		if err != nil {
			return nil, err
		}
		return nil, do(ctx, r.PathValue("id"), by)
	}
}

// operatorOf reads who asks, and, from a body that may be missing, why.
func operatorOf(ctx context.Context, r *http.Request) (Operator, error) {
	by := Operator{Caller: httpapi.CallerOf(ctx)}
	b, err := io.ReadAll(r.Body)
	if err != nil || len(b) == 0 {
		return by, err
	}
	var body struct {
		Reason string `json:"reason"`
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&body); err != nil {
		return by, &modelspec.Error{Code: modelspec.ErrInvalid, Message: `the body is empty, or {"reason": "text"}`}
	}
	by.Reason = body.Reason
	return by, nil
}
