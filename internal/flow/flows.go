package flow

import (
	"context"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/modelspec"
)

// FlowQuery says which flows to list. Its zero value asks for all that are open
// and all that need attention.
type FlowQuery struct {
	Model  string        // empty: of all models
	State  State         // empty: running, undoing and attention
	Older  time.Duration // begun at least so long ago; zero: whenever
	Newer  time.Duration // begun at most so long ago; zero: whenever
	Limit  int           // at most; zero: 50, and 500 are the most
	Cursor string        // FlowPage.Next of the page before, of the same query
}

// FlowEntry is a flow and the document that it is of.
type FlowEntry struct {
	Model string `json:"model"`
	ID    string `json:"id"`
	Held  string `json:"held,omitempty"` // why nothing of the document goes on before somebody retries it
	Flow  Flow   `json:"flow"`
}

// FlowPage is one page of a list of flows.
type FlowPage struct {
	Flows []FlowEntry `json:"flows"`
	Next  string      `json:"next,omitempty"` // cursor of the next page, which may be empty; empty: this was the last
}

// flowPageBytes ends a page early: what flows keep of their calls adds up.
const flowPageBytes = 4 << 20

// ListFlows reads one page of flows, model by model in the order of their
// names. Of a model first come the flows of documents that are due, soonest
// first; then those of documents that nothing is due of, because a person must
// look; then, where q asks for an outcome, the history, in the order in which
// it will be purged.
//
// It looks at 10,000 documents at most, then the page ends early, and Next says
// where to go on. A flow that stands still while pages are read is listed once;
// one that goes on meanwhile may be missed, or listed again. An unknown State,
// a Limit that is none, and a Cursor of another query are ErrInvalid; a Model
// that is not there is ErrNotFound.
func (e *Engine) ListFlows(ctx context.Context, q FlowQuery) (FlowPage, error) {
	models, err := e.modelsOf(q.Model)
	if err != nil {
		return FlowPage{}, err
	}
	w, err := newFlowWalk(e, q)
	if err != nil {
		return FlowPage{}, err
	}
	for _, m := range models {
		if m < w.at.Model {
			continue
		}
		if m > w.at.Model {
			w.at = place{Query: w.at.Query, Model: m}
		}
		full, err := w.model(ctx)
		if err != nil {
			return FlowPage{}, err
		}
		if full {
			w.page.Next = w.at.text()
			break
		}
	}
	return w.page, nil
}

// modelsOf lists the model, or all of them, in the order of their names.
func (e *Engine) modelsOf(model string) ([]string, error) {
	var names []string
	for _, s := range e.Table.Snapshot().Models() {
		names = append(names, s.Descriptor().Name)
	}
	switch {
	case model == "":
		return names, nil
	case slices.Contains(names, model):
		return []string{model}, nil
	}
	return nil, &modelspec.Error{Code: modelspec.ErrNotFound, Message: noModel + model + ": there are " + strings.Join(names, ", ")}
}

// flowWalk is one page on its way.
type flowWalk struct {
	e      *Engine
	q      FlowQuery
	now    time.Time
	at     place
	looked int // documents
	size   int // bytes, about
	page   FlowPage
}

func newFlowWalk(e *Engine, q FlowQuery) (*flowWalk, error) {
	switch {
	case q.State != "" && !q.State.known():
		return nil, badFlows("state", strconv.Quote(clip(string(q.State)))+" is none of running, undoing, completed, undone, attention, abandoned")
	case q.Older < 0, q.Newer < 0:
		return nil, badFlows("older", "and newer are how long ago: not negative")
	case q.Newer > 0 && q.Newer < q.Older:
		return nil, badFlows("newer", "is less than older: nothing is both")
	}
	var err error
	if q.Limit, err = limited(q.Limit); err != nil {
		return nil, err
	}
	at, err := q.resume()
	return &flowWalk{e: e, q: q, now: time.Now(), at: at, page: FlowPage{Flows: []FlowEntry{}}}, err
}

// parts are the places where the flows of the query may be, in their order.
func (q *FlowQuery) parts() []part {
	switch {
	case q.State == Attention:
		return []part{heldPart}
	case q.State.over():
		return []part{duePart, heldPart, pastPart}
	}
	return []part{duePart, heldPart}
}

// model lists the model that the walk is at, and reports whether the page is
// full.
func (w *flowWalk) model(ctx context.Context) (full bool, err error) {
	for _, p := range w.q.parts() {
		if p < w.at.Part {
			continue
		}
		if p > w.at.Part {
			w.at = place{Query: w.at.Query, Model: w.at.Model, Part: p}
		}
		switch p {
		case duePart:
			full, err = w.due(ctx, w.at.Model, w.document)
		case heldPart:
			full, err = w.held(ctx)
		default:
			full, err = w.due(ctx, historyOf(w.at.Model), func(d *datasource.Document) bool { return w.past(ctx, d) })
		}
		if full || err != nil {
			return full, err
		}
	}
	return false, nil
}

// farOff is when everything is due that ever will be.
var farOff = time.Unix(0, math.MaxInt64)

// due walks what is due in a collection, however late. visit reports whether
// the page was full before the document was done with.
func (w *flowWalk) due(ctx context.Context, coll string, visit func(*datasource.Document) bool) (full bool, err error) {
	c, err := w.e.coll(coll)
	if err != nil {
		return false, err
	}
	for {
		marks, err := c.Due(ctx, farOff, datasource.Mark{At: w.at.At, ID: w.at.ID}, pageOfDue)
		if err != nil {
			return false, err
		}
		for _, m := range marks {
			if w.looked++; w.looked > scanAtMost {
				return true, nil
			}
			d, err := c.Get(ctx, m.ID)
			if err != nil && !errors.Is(err, modelspec.ErrNotFound) {
				return false, err
			}
			if err == nil && visit(&d) {
				return true, nil
			}
			w.at.At, w.at.ID = m.At, m.ID
		}
		if len(marks) < pageOfDue {
			return false, nil
		}
	}
}

// held walks the documents that need a person. Those that are due are listed
// as such already.
func (w *flowWalk) held(ctx context.Context) (full bool, err error) {
	c, err := w.e.coll(w.at.Model)
	if err != nil {
		return false, err
	}
	for d, err := range c.List(ctx, datasource.Query{Index: attentionIndex, After: datasource.Position{Key: string(w.at.Key), ID: w.at.ID}}) {
		if err != nil {
			return false, err
		}
		if w.looked++; w.looked > scanAtMost {
			return true, nil
		}
		if (w.q.State == Attention || d.Due.IsZero()) && w.document(&d) {
			return true, nil
		}
		w.at.Key, w.at.ID = []byte(attentionOf(&d)), d.ID
	}
	return false, nil
}

func attentionOf(d *datasource.Document) string {
	for _, x := range d.Index {
		if x.Name == attentionIndex {
			return x.Key
		}
	}
	return ""
}

// document lists the flows in an envelope. One that cannot be read is an
// incident, and no flow.
func (w *flowWalk) document(d *datasource.Document) (full bool) {
	m, err := metaOf(d)
	if err != nil {
		return false
	}
	held := ""
	if m.Fail != nil && m.Fail.Quarantined {
		held = m.Fail.Error
	}
	fs := slices.Clone(m.Flows)
	slices.SortFunc(fs, func(a, b Flow) int { return strings.Compare(a.ID, b.ID) })
	for i := range fs {
		if w.add(d.ID, FlowEntry{Model: w.at.Model, ID: d.ID, Held: held, Flow: fs[i]}) {
			return true
		}
	}
	return false
}

// past lists one flow of the history, unless it is still, or again, in its
// envelope: what stands there is the truth.
func (w *flowWalk) past(ctx context.Context, d *datasource.Document) (full bool) {
	f, err := modelspec.As[Flow](d.Data)
	if d.Gone || err != nil || !w.keeps(f) {
		return false
	}
	id := documentOf(d)
	if m, err := w.e.metaAt(ctx, docKey{w.at.Model, id}); err == nil && find(m, f.ID) != nil {
		return false
	}
	return w.add(d.ID, FlowEntry{Model: w.at.Model, ID: id, Flow: *f})
}

// add takes a flow, found in the stored document where, into the page, and
// reports whether there was no room for it.
func (w *flowWalk) add(where string, en FlowEntry) (full bool) {
	if w.at.Doc == where && en.Flow.ID <= w.at.Flow || !w.keeps(&en.Flow) {
		return false
	}
	n := en.Flow.size()
	if len(w.page.Flows) == w.q.Limit || w.size > 0 && w.size+n > flowPageBytes {
		return true
	}
	w.page.Flows, w.size = append(w.page.Flows, en), w.size+n
	w.at.Doc, w.at.Flow = where, en.Flow.ID
	return false
}

func (w *flowWalk) keeps(f *Flow) bool {
	age := w.now.Sub(f.Started)
	switch {
	case w.q.State != "" && f.State != w.q.State, w.q.State == "" && f.State.over():
		return false
	case age < w.q.Older, w.q.Newer > 0 && age > w.q.Newer:
		return false
	}
	return true
}

// size is about how many bytes the flow takes.
func (f *Flow) size() int {
	n := 300 + 150*len(f.Hands)
	for i := range f.Steps {
		s := &f.Steps[i]
		n += 200
		if s.Arg != nil {
			n += s.Arg.Size()
		}
		if s.Result != nil {
			n += s.Result.Size()
		}
	}
	return n
}
