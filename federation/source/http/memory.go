package httpsource

import (
	"slices"
	"strings"

	"github.com/org/aegis/federation"
)

// maxRemembered is how many modules are kept at most.
const maxRemembered = 64

// memory keeps what was fetched, least recently used first.
type memory struct {
	most int64 // bytes
	have int64
	list []remembered
}

type remembered struct {
	ref, etag string
	a         federation.Artifact
}

func (m *memory) find(ref string) int {
	return slices.IndexFunc(m.list, func(r remembered) bool { return r.ref == ref })
}

// get returns what is remembered of ref and makes it the latest.
func (m *memory) get(ref string) (remembered, bool) {
	i := m.find(ref)
	if i < 0 {
		return remembered{}, false
	}
	r := m.list[i]
	m.list = append(slices.Delete(m.list, i, i+1), r)
	return r, true
}

// put replaces what is remembered of ref. A weak ETag does not promise the same
// bytes, and code must be the same bytes.
func (m *memory) put(ref, etag string, a federation.Artifact) {
	if i := m.find(ref); i >= 0 {
		m.drop(i)
	}
	if etag == "" || strings.HasPrefix(etag, "W/") {
		return
	}
	m.list = append(m.list, remembered{ref, etag, a})
	m.have += int64(len(a.Body))
	for m.have > m.most || len(m.list) > maxRemembered {
		m.drop(0)
	}
}

func (m *memory) drop(i int) {
	m.have -= int64(len(m.list[i].a.Body))
	m.list = slices.Delete(m.list, i, i+1)
}
