package flow

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/modelspec"
)

// Get reads a document.
func (e *Engine) Get(ctx context.Context, model, id string) (Entry, error) {
	_, g, err := e.pin(model, id)
	if err != nil {
		return Entry{}, err
	}
	defer g.Unpin()
	c, err := e.coll(model)
	if err != nil {
		return Entry{}, err
	}
	doc, err := c.Get(ctx, id)
	if err == nil && doc.Gone {
		err = modelspec.ErrNotFound
	}
	if errors.Is(err, modelspec.ErrNotFound) {
		return Entry{}, &modelspec.Error{Code: modelspec.ErrNotFound, Message: model + " " + id + " does not exist"}
	}
	if err != nil {
		return Entry{}, err
	}
	return e.entry(model, &doc, g), nil
}

// List reads one page. It filters and sorts by indexed fields. One of them is
// walked and the others are compared document by document, of which it looks at
// 10,000 at most: then the page ends early, and Next says where to go on.
func (e *Engine) List(ctx context.Context, r ListRequest) (Page, error) {
	spec, g, err := e.pin(r.Model, "")
	if err != nil {
		return Page{}, err
	}
	defer g.Unpin()
	c, err := e.coll(r.Model)
	if err != nil {
		return Page{}, err
	}
	p, err := plan(spec, r)
	if err != nil {
		return Page{}, err
	}
	page := Page{Generation: e.generation(g)}
	looked := 0
	for doc, err := range c.List(ctx, p.query) {
		if err != nil {
			return Page{}, err
		}
		if len(page.Entries) == p.limit || looked == scanAtMost {
			page.Next = p.cursor()
			break
		}
		looked++
		p.last = p.position(&doc)
		if p.keeps(&doc) {
			page.Entries = append(page.Entries, e.entry(r.Model, &doc, g))
		}
	}
	return page, nil
}

// All walks every document of a list, page by page.
func (e *Engine) All(ctx context.Context, r ListRequest) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for {
			page, err := e.List(ctx, r)
			if err != nil {
				yield(Entry{}, err)
				return
			}
			for _, en := range page.Entries {
				if !yield(en, nil) {
					return
				}
			}
			if page.Next == "" {
				return
			}
			r.Cursor = page.Next
		}
	}
}

// listing is how a list is answered.
type listing struct {
	query datasource.Query
	limit int
	sort  string
	equal map[string]string // field: index key, of the fields that the query does not answer
	last  datasource.Position
}

func plan(spec *modelspec.Spec, r ListRequest) (*listing, error) {
	p := &listing{limit: r.Limit, sort: r.Sort, equal: map[string]string{}}
	switch {
	case p.limit == 0:
		p.limit = defaultPage
	case p.limit < 0 || p.limit > largestPage:
		return nil, badQuery("__limit", fmt.Sprintf("is 1 to %d", largestPage))
	}
	field, desc := strings.CutPrefix(r.Sort, "-")
	p.query.Desc = desc
	if field != "" && field != "id" {
		if !spec.HasIndex(field) {
			return nil, badQuery("__sort", fmt.Sprintf("%q is not indexed: tag the field aegis:\"index\"", field))
		}
		p.query.Index = field
	}
	names := make([]string, 0, len(r.Equal))
	for f := range r.Equal {
		names = append(names, f)
	}
	slices.Sort(names)
	for _, f := range names {
		key, err := spec.KeyFor(f, r.Equal[f])
		if err != nil {
			return nil, err
		}
		if p.query.Key == nil && (p.query.Index == f || p.query.Index == "" && field == "") {
			p.query.Index, p.query.Key = f, &key
			continue
		}
		p.equal[f] = key
	}
	return p, p.resume(r.Cursor)
}

func badQuery(term, detail string) error {
	return &modelspec.Error{Code: modelspec.ErrInvalid, Message: "the query cannot be answered", Fields: []modelspec.FieldError{{Pointer: "/" + term, Rule: "query", Detail: detail}}}
}

// cursor is where to go on, and for which order it holds.
type cursor struct {
	Index string `json:"x,omitempty"`
	Desc  bool   `json:"d,omitempty"`
	Key   []byte `json:"k,omitempty"` // keys are not text
	ID    string `json:"i"`
}

func (p *listing) cursor() string {
	b, _ := json.Marshal(cursor{p.query.Index, p.query.Desc, []byte(p.last.Key), p.last.ID})
	return base64.RawURLEncoding.EncodeToString(b)
}

func (p *listing) resume(text string) error {
	if text == "" {
		return nil
	}
	var c cursor
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(b, &c)
	}
	if err != nil || c.ID == "" || c.Index != p.query.Index || c.Desc != p.query.Desc {
		return badQuery("__cursor", "is not of this list: begin again without it")
	}
	p.query.After = datasource.Position{Key: string(c.Key), ID: c.ID}
	p.last = p.query.After
	return nil
}

func (p *listing) position(d *datasource.Document) datasource.Position {
	pos := datasource.Position{ID: d.ID}
	for _, x := range d.Index {
		if x.Name == p.query.Index {
			pos.Key = x.Key
		}
	}
	return pos
}

// keeps compares what the query did not: other indexed fields.
func (p *listing) keeps(d *datasource.Document) bool {
	for f, key := range p.equal {
		if !slices.ContainsFunc(d.Index, func(x datasource.Entry) bool { return x.Name == f && x.Key == key }) {
			return false
		}
	}
	return true
}
