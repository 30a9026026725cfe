package flow

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/org/aegis/datasource"
)

// Incident is a document that needs a person.
type Incident struct {
	Model  string `json:"model"`
	ID     string `json:"id"`
	Reason string `json:"reason"` // flow, quarantined, unreadable or newer
	Error  string `json:"error,omitempty"`
}

// Incidents lists the documents that need a person, at most 1,000.
func (e *Engine) Incidents(ctx context.Context) ([]Incident, error) {
	out := e.newer.list()
	for _, s := range e.Table.Snapshot().Models() {
		c, err := e.coll(s.Descriptor().Name)
		if err != nil {
			return nil, err
		}
		for d, err := range c.List(ctx, datasource.Query{Index: attentionIndex}) {
			if err != nil {
				return nil, err
			}
			if len(out) == relatedAtMost {
				return out, nil
			}
			out = append(out, incidentOf(s.Descriptor().Name, &d))
		}
	}
	return out, nil
}

func incidentOf(model string, d *datasource.Document) Incident {
	a := Incident{Model: model, ID: d.ID}
	for _, x := range d.Index {
		if x.Name == attentionIndex {
			a.Reason = x.Key
		}
	}
	m, err := metaOf(d)
	if err != nil {
		a.Error = err.Error()
		return a
	}
	for i := range m.Flows {
		if m.Flows[i].State == Attention && m.Flows[i].Error != nil {
			a.Error = m.Flows[i].Error.Error()
		}
	}
	if m.Fail != nil && m.Fail.Error != "" {
		a.Error = m.Fail.Error
	}
	return a
}

// Flows lists the flows of a document that have not moved to the history.
func (e *Engine) Flows(ctx context.Context, model, id string) ([]Flow, error) {
	c, err := e.coll(model)
	if err != nil {
		return nil, err
	}
	d, err := c.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	m, err := metaOf(&d)
	if err != nil {
		return nil, err
	}
	return m.Flows, nil
}

// newer are the documents that a newer host wrote: they are left as they are,
// so that only this process knows of them.
type newer struct {
	mu sync.Mutex
	m  map[docKey]string
}

func (n *newer) note(k docKey, why error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.m == nil {
		n.m = map[docKey]string{}
	}
	if len(n.m) < relatedAtMost {
		n.m[k] = why.Error()
	}
}

func (n *newer) list() (out []Incident) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for k, why := range n.m {
		out = append(out, Incident{Model: k.model, ID: k.id, Reason: "newer", Error: why})
	}
	slices.SortFunc(out, func(a, b Incident) int { return strings.Compare(a.Model+a.ID, b.Model+b.ID) })
	return out
}
