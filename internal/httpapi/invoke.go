package httpapi

import (
	"context"
	"net/http"
	"strings"

	"github.com/org/aegis/internal/flow"
	"github.com/org/aegis/modelspec"
)

// invoke answers the methods of a port that carry a body.
func (m *resource) invoke(ctx context.Context, x *exchange) error {
	r, err := x.request()
	if err != nil {
		return err
	}
	body, err := x.argument()
	if err != nil {
		return err
	}
	p := m.ports[x.name]
	if err := checkArgument(argumentOf(p.PortDescriptor), body); err != nil {
		return err
	}
	if err := x.noDocument(p); err != nil {
		return err
	}
	if err := x.ifMatch(ctx, &r); err != nil {
		return err
	}
	return m.call(ctx, x, p, r, body)
}

// ask answers GET of a port: the argument is in the query, and asking again
// needs no key.
func (m *resource) ask(ctx context.Context, x *exchange) error {
	if hasBody(x.r) {
		return badRequest("GET takes no body: write the request as a query")
	}
	p := m.ports[x.name]
	if err := x.noDocument(p); err != nil {
		return err
	}
	body, err := parseArgument(p.Request, x.r.URL.RawQuery)
	if err != nil {
		return err
	}
	if err := checkArgument(p.Request, body); err != nil {
		return err
	}
	return m.call(ctx, x, p, flow.Request{Model: m.name, Port: x.name, Caller: x.caller, Trace: x.traceparent(), Safe: true}, body)
}

func (m *resource) call(ctx context.Context, x *exchange, p *command, r flow.Request, body []byte) error {
	res, err := x.h.cfg.Backend.Invoke(ctx, r, modelspec.FromJSON(body))
	if err != nil {
		return err
	}
	answer, err := res.Value.JSON()
	if err != nil {
		return err
	}
	x.replayed(res.Replayed)
	text := strings.TrimSpace(string(answer[:min(len(answer), 8)]))
	switch {
	case text == "null" && p.Await != nil:
		x.accepted(res.Generation)
	case text == "null" || text == "{}" && hasNoMembers(p.Response):
		x.nothing(res.Generation)
	default:
		x.json(http.StatusOK, answer, res.Generation)
	}
	return nil
}

// argumentOf is the schema of what a caller sends. Of an outbound port that is
// nothing: the model makes the request.
func argumentOf(p *modelspec.PortDescriptor) *modelspec.Schema {
	if p.Direction == modelspec.Out {
		return &modelspec.Schema{Type: modelspec.Types{"object"}, AdditionalProperties: &modelspec.Schema{Never: true}}
	}
	return p.Request
}

// noDocument refuses what only makes sense about a document.
func (x *exchange) noDocument(p *command) error {
	if p.Stateless && x.r.Header["If-Match"] != nil {
		return badRequest("If-Match is for a document: port " + x.name + " needs none")
	}
	return nil
}

// hasNoMembers reports the schema of port.None.
func hasNoMembers(s *modelspec.Schema) bool {
	return s != nil && len(s.Properties) == 0 && s.Ref == "" && (s.AdditionalProperties == nil || s.AdditionalProperties.Never)
}
