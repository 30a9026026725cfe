package flow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/modelspec"
)

// relatedAtMost is how many documents one relation reads.
const relatedAtMost = 1000

// relate reads a relation for a handler. The key is that of the document which
// the host holds, whatever the handler says.
func (f *frame) relate(ctx context.Context, e modelspec.Effect) (*modelspec.Value, error) {
	r := f.spec.Relation(e.Target)
	if r == nil || f.port.Stateless {
		return nil, denied(e)
	}
	one := r.Cardinality == modelspec.ManyToOne || r.Cardinality == modelspec.OneToOne
	if one != (e.Verb == modelspec.VerbGet) {
		return nil, denied(e)
	}
	docs, err := f.e.related(ctx, r, f.k.id, f.index, f.data)
	if err != nil {
		return nil, err
	}
	if one && len(docs) == 0 {
		return nil, &modelspec.Error{Code: modelspec.ErrNotFound, Message: "relation " + r.Name + " leads to no " + r.Model}
	}
	vs := make([]*modelspec.Value, len(docs))
	for i := range docs {
		vs[i] = docs[i].Data
		if !f.spec.Native() {
			if vs[i], err = project(docs[i].Data, r.Fields); err != nil {
				return nil, err
			}
		}
	}
	if one {
		return vs[0], nil
	}
	return modelspec.Of(vs), nil
}

// related reads the documents that a relation of the document leads to.
func (e *Engine) related(ctx context.Context, r *modelspec.RelationDescriptor, id string, index []datasource.Entry, data *modelspec.Value) ([]datasource.Document, error) {
	c, err := e.coll(r.Model)
	if err != nil {
		return nil, err
	}
	switch r.Cardinality {
	case modelspec.ManyToOne, modelspec.Contains:
		ids, err := keysAt(data, index, r)
		if err != nil {
			return nil, err
		}
		return byID(ctx, c, ids)
	}
	key, ok := modelspec.IndexKey(id)
	if !ok {
		return nil, nil
	}
	var docs []datasource.Document
	for d, err := range c.List(ctx, datasource.Query{Index: r.Key, Key: &key}) {
		if err != nil {
			return nil, err
		}
		if len(docs) == relatedAtMost {
			return nil, &modelspec.Error{Code: modelspec.ErrExhausted, Message: fmt.Sprintf("relation %s leads to more than %d documents: list %s by %s instead", r.Name, relatedAtMost, r.Model, r.Key)}
		}
		docs = append(docs, d)
		if r.Cardinality == modelspec.OneToOne {
			break
		}
	}
	return docs, nil
}

func byID(ctx context.Context, c datasource.Collection, ids []string) ([]datasource.Document, error) {
	var docs []datasource.Document
	seen := map[string]bool{}
	for _, id := range ids {
		if id == "" || seen[id] {
			continue
		}
		seen[id] = true
		d, err := c.Get(ctx, id)
		if errors.Is(err, modelspec.ErrNotFound) || err == nil && d.Gone {
			continue
		}
		if err != nil {
			return nil, err
		}
		docs = append(docs, d)
	}
	return docs, nil
}

// keysAt reads the ids that the document holds for the relation: from its
// index, which needs no JSON, or else from itself.
func keysAt(data *modelspec.Value, index []datasource.Entry, r *modelspec.RelationDescriptor) ([]string, error) {
	if r.Cardinality == modelspec.ManyToOne {
		for _, x := range index {
			if x.Name == r.Key {
				if id, ok := modelspec.ParseIndexKey(x.Key); ok {
					if id, ok := id.(string); ok {
						return []string{id}, nil
					}
				}
			}
		}
	}
	raw, err := data.JSON()
	if err != nil {
		return nil, err
	}
	var doc any
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, &modelspec.Error{Code: modelspec.ErrDataLoss, Message: err.Error()}
	}
	return walk(doc, strings.Split(strings.TrimPrefix(r.Key, "/"), "/"), nil), nil
}

func walk(v any, path []string, ids []string) []string {
	switch v := v.(type) {
	case string:
		if len(path) == 0 {
			ids = append(ids, v)
		}
	case []any:
		if len(path) > 0 && path[0] == "*" {
			for _, x := range v {
				ids = walk(x, path[1:], ids)
			}
		}
	case map[string]any:
		if len(path) > 0 {
			ids = walk(v[path[0]], path[1:], ids)
		}
	}
	return ids
}

// project keeps the members that the relation declares.
func project(v *modelspec.Value, fields []string) (*modelspec.Value, error) {
	raw, err := v.JSON()
	if err != nil {
		return nil, err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, &modelspec.Error{Code: modelspec.ErrDataLoss, Message: err.Error()}
	}
	some := make(map[string]json.RawMessage, len(fields))
	for _, f := range fields {
		if x, ok := all[f]; ok {
			some[f] = x
		}
	}
	b, err := json.Marshal(some)
	if err != nil {
		return nil, err
	}
	return modelspec.FromJSON(b), nil
}

// Relate reads the documents that a relation of a document leads to.
func (e *Engine) Relate(ctx context.Context, model, id, relation string) ([]Entry, error) {
	spec, g, err := e.pin(model, id)
	if err != nil {
		return nil, err
	}
	defer g.Unpin()
	r := spec.Relation(relation)
	if r == nil {
		return nil, &modelspec.Error{Code: modelspec.ErrNotFound, Message: "model " + model + " has no relation " + relation}
	}
	c, err := e.coll(model)
	if err != nil {
		return nil, err
	}
	doc, _, err := e.read(ctx, c, docKey{model, id})
	if err != nil {
		return nil, err
	}
	docs, err := e.related(ctx, r, id, doc.Index, doc.Data)
	if err != nil {
		return nil, err
	}
	out := make([]Entry, len(docs))
	for i := range docs {
		out[i] = e.entry(r.Model, &docs[i], g)
	}
	return out, nil
}
