package query_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/query"
)

// FuzzQuery reads queries from URLs and from JSON. What is accepted keeps the
// limits, means the same when it is written and read again, and has the answer
// of the plain evaluation; what is refused is refused with a term.
func FuzzQuery(f *testing.F) {
	for _, raw := range []string{
		"price__gt=10&name=x", "__where=price>10+and+(status+in+('a',%22b%22)+or+not+exists(note))&__sort=-price,name", "__fields=name,items.sku&__limit=5&__skip=3",
		"__aggregate=count,sum:price&__group=status", "since__lte=2024-01-01T00:00:00%2B02:00", "any.x=5&any.`y=1", "name__in=a,b%5C,c&tags__contains=%F0%9F%98%80",
		`{"where":{"and":[{"path":"price","op":"gt","value":1e2},{"not":{"path":"any.a-b","op":"in","values":["a",null,-0.0]}}]},"sort":["-price"],"limit":3}`,
		`{"group":{"by":["home.city"],"aggregate":["avg:items.cost"]}}`, `{"where":{"or":[{"path":"id","op":"starts","value":"a"},{"path":"open","op":"eq","value":true}]},"count":true}`,
	} {
		f.Add(raw, sample)
	}
	f.Fuzz(func(t *testing.T, raw, doc string) {
		var q *query.Query
		var err error
		if strings.HasPrefix(raw, "{") {
			q, err = query.ParseJSON([]byte(raw), schema(t))
		} else {
			terms, bad := url.ParseQuery(raw)
			if bad != nil {
				return
			}
			q, err = query.ParseURL(terms, schema(t))
		}
		if err != nil {
			if e := modelspec.AsError(err); e.Code != modelspec.ErrInvalid || len(e.Fields) == 0 || len(e.Fields) > 32 {
				t.Fatalf("%q: %v", raw, err)
			}
			return
		}
		c, err := query.Compile(q, schema(t))
		if err != nil {
			if q.Cursor != "" {
				return
			}
			t.Fatalf("%q: parsed, and not compiled: %v", raw, err)
		}
		written := toJSON(t, q)
		again, err := query.ParseJSON([]byte(written), schema(t))
		if err != nil || toJSON(t, again) != written {
			t.Fatalf("%s: does not read back: %v", written, err)
		}
		if q.Where != nil {
			text := q.Where.String()
			e, err := query.ParseWhere(text)
			if err != nil {
				t.Fatalf("%s: does not read back: %v", text, err)
			}
			if c, err := query.Compile(&query.Query{Where: e}, schema(t)); err != nil || c.Query().Where.String() != text {
				t.Fatalf("%s: reads back as another: %v", text, err)
			}
		}
		c.Plan(spec(t)).Explain()
		answer(t, c, doc)
	})
}

// answer compares the answer on a document with the plain one.
func answer(t *testing.T, c *query.Compiled, doc string) {
	d := document("o1", doc)
	got, err := c.Match(d)
	if err != nil || modelspec.CheckJSON([]byte(doc)) != nil || farNumber(doc) || farNumber(c.Query().Where) {
		return // of what is no document the answer may be anything
	}
	times := map[string]bool{"since": true, "createTime": true, "updateTime": true, "parent.since": true}
	if w := c.Query().Where; w != nil && !strings.Contains(w.String(), "parent.parent") && !strings.Contains(w.String(), "updateTime") {
		if want := (naive{"o1", time.Time{}, treeOf(doc), times}).holds(w); got != want {
			t.Fatalf("%s of %s: %v, not %v", w, doc, got, want)
		}
	}
	if _, err := c.Key(d); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Select([]byte(doc)); err != nil && strings.HasPrefix(strings.TrimSpace(doc), "{") {
		t.Fatal(err)
	}
	if g := c.Groups(); g.Add(d) == nil {
		toJSON(t, g.Rows())
	}
}

// farNumber reports numbers whose exponent makes fractions too long for a test.
func farNumber(v any) bool {
	text, _ := v.(string)
	if e, ok := v.(query.Expr); ok && e != nil {
		text = e.String()
	}
	for i := range len(text) {
		if text[i]|0x20 == 'e' && i > 0 && text[i-1]-'0' <= 9 {
			digits := strings.TrimLeft(strings.TrimLeft(text[i+1:], "+-"), "0")
			n := 0
			for n < len(digits) && digits[n]-'0' <= 9 {
				n++
			}
			if n > 3 {
				return true
			}
		}
	}
	return false
}

// FuzzCursor reads cursors, and writes again what it took.
func FuzzCursor(f *testing.F) {
	c, err := query.Compile(&query.Query{Sort: []query.Order{query.Asc("price")}}, schema(f))
	if err != nil {
		f.Fatal(err)
	}
	key, _ := c.Key(document("o1", sample))
	f.Add(c.Cursor(key))
	f.Add("AQ")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := query.Compile(&query.Query{Sort: []query.Order{query.Asc("price")}, Cursor: text}, schema(t))
		if err != nil {
			return
		}
		if key, ok := c.After(); text != "" && (!ok || c.Cursor(key) != text && len(key.Sort) != 1) {
			t.Fatalf("%q is read as %v", text, key)
		}
	})
}
