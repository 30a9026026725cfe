package httpapi

import (
	"hash/maphash"
	"net/http"
	"strconv"
	"sync/atomic"

	"github.com/org/aegis/internal/flow"
	"github.com/org/aegis/modelspec"
)

// page is a document ready to be sent. It never changes.
type page struct {
	body   []byte
	etag   string
	length string

	m        *resource
	data     *modelspec.Value // whose text it is, by identity
	id, inc  string
	revision int64
}

// is reports whether p shows e.
func (p *page) is(m *resource, e *flow.Entry) bool {
	return p.data == e.Data && p.m == m && p.revision == e.Revision && p.id == e.ID && p.inc == e.Inc
}

// memo remembers the pages that were last sent, one for each slot, so that a
// hot document is rendered once for each of its revisions. It holds at most
// memoSlots pages of memoBytes each, and lives as long as its table.
type memo struct {
	seed  maphash.Seed
	slots *[memoSlots]atomic.Pointer[page]
}

const (
	memoSlots = 1024
	memoBytes = 16 << 10
)

func newMemo() memo {
	return memo{seed: maphash.MakeSeed(), slots: new([memoSlots]atomic.Pointer[page])}
}

// page returns e rendered, from memory where it can.
func (t *table) page(m *resource, e flow.Entry) (*page, error) {
	slot := &t.memo.slots[maphash.Comparable(t.memo.seed, e.Data)%memoSlots]
	if p := slot.Load(); p != nil && p.is(m, &e) {
		return p, nil
	}
	body, err := m.shape.render(make([]byte, 0, e.Data.Size()+192), m.spec, e)
	if err != nil {
		return nil, err
	}
	p := &page{body: body, etag: e.ETag(), length: strconv.Itoa(len(body)), m: m, data: e.Data, id: e.ID, inc: e.Inc, revision: e.Revision}
	if e.Data != nil && cap(body) <= memoBytes {
		slot.Store(p)
	}
	return p, nil
}

// generation remembers how the generation that answered last is written.
type generation struct {
	of   flow.Generation
	text string
}

// generationText is <name>@<version>#<id>, or "" where none is known.
func (m *resource) generationText(g flow.Generation) string {
	if g == (flow.Generation{}) {
		return ""
	}
	if last := m.last.Load(); last != nil && last.of == g {
		return last.text
	}
	text := g.Name + "@" + g.Version + "#" + strconv.FormatUint(g.ID, 10)
	m.last.Store(&generation{of: g, text: text})
	return text
}

// headers are those of an answer. Their values share one allocation.
type headers struct {
	to     http.Header
	values []string
}

// headers begins with what every answer about documents has.
func (x *exchange) headers(g flow.Generation) headers {
	h := headers{x.w.Header(), make([]string, 0, 5)}
	h.set("Cache-Control", "private, no-cache")
	if x.m != nil {
		if text := x.m.generationText(g); text != "" {
			h.set("Aegis-Generation", text)
		}
	}
	return h
}

// set sets a header by its canonical name.
func (h *headers) set(name, value string) {
	n := len(h.values)
	h.values = append(h.values, value)
	h.to[name] = h.values[n : n+1 : n+1]
}

// document sends a page.
func (x *exchange) document(status int, p *page, g flow.Generation) {
	h := x.headers(g)
	h.set("Etag", p.etag)
	h.set("Content-Type", typeJSON)
	h.set("Content-Length", p.length)
	x.send(status, p.body)
}

// unchanged answers 304.
func (x *exchange) unchanged(p *page, g flow.Generation) {
	h := x.headers(g)
	h.set("Etag", p.etag)
	x.send(http.StatusNotModified, nil)
}

// json sends JSON that is no document.
func (x *exchange) json(status int, body []byte, g flow.Generation) {
	h := x.headers(g)
	h.set("Content-Type", typeJSON)
	h.set("Content-Length", strconv.Itoa(len(body)))
	x.send(status, body)
}

// nothing answers 204.
func (x *exchange) nothing(g flow.Generation) {
	x.headers(g)
	x.send(http.StatusNoContent, nil)
}

// accepted answers 202: it is kept, and what comes of it comes later.
func (x *exchange) accepted(g flow.Generation) {
	h := x.headers(g)
	h.set("Content-Length", "0")
	x.send(http.StatusAccepted, nil)
}

func (x *exchange) send(status int, body []byte) {
	x.wrote = true
	x.w.WriteHeader(status)
	if len(body) > 0 && x.r.Method != http.MethodHead {
		_, _ = x.w.Write(body)
	}
}
