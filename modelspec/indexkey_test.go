package modelspec_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/org/aegis/modelspec"
)

func TestIndexKeysKeepTheOrder(t *testing.T) {
	type kind string
	for _, values := range [][]any{
		{nil, false, true, math.MinInt64, "", time.Time{}},
		{int64(math.MinInt64), -2, int8(-1), 0, uint8(1), 2, math.MaxInt64, uint64(math.MaxInt64) + 1, uint64(math.MaxUint64)},
		{math.Inf(-1), -1e300, -1.5, -1e-300, 0.0, 1e-300, float32(0.5), 1.5, 1e300, math.Inf(1)},
		{"", "A", "a", "a\x00", "aa", kind("b"), "é", "𝄞"},
		{time.Time{}, time.Unix(-1, 999), time.Unix(0, 0), time.Unix(0, 1), time.Unix(1, 0).In(time.FixedZone("x", -7200)), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		last := ""
		for _, v := range values {
			key, ok := modelspec.IndexKey(v)
			if !ok || key <= last || !utf8.ValidString(key) {
				t.Errorf("%v: %q after %q", v, key, last)
			}
			last = key
		}
	}
	if a, _ := modelspec.IndexKey(0.0); a != key(math.Copysign(0, -1)) {
		t.Error("two zeros")
	}
	for _, v := range []any{math.NaN(), []int{}, struct{}{}, func() {}} {
		if _, ok := modelspec.IndexKey(v); ok {
			t.Errorf("%v has a key", v)
		}
	}
}

func key(v any) string { k, _ := modelspec.IndexKey(v); return k }

func TestIndexKeysReadBack(t *testing.T) {
	for _, v := range []any{nil, true, false, int64(-7), int64(math.MaxInt64), uint64(math.MaxUint64), -1.5, 0.0, math.Inf(1), "", "né", strings.Repeat("x", 512), time.Unix(-5, 7).UTC()} {
		if got, ok := modelspec.ParseIndexKey(key(v)); !ok || got != v {
			t.Errorf("%v came back as %v %v", v, got, ok)
		}
	}
	for _, k := range []string{"", "x", "b2", "b", "i1", "i-123456789012345678", "n12", "t1", "!x", "tffffffffffffffffffffffff", "i2" + strings.Repeat("0", 16)} {
		if v, ok := modelspec.ParseIndexKey(k); ok {
			t.Errorf("%q is %v", k, v)
		}
	}
}

func TestLongStringsAreCut(t *testing.T) {
	long := strings.Repeat("é", 300)
	a, b := key(long+"a"), key(long+"b")
	if a == b || len(a) > 560 || a[:510] != b[:510] || !utf8.ValidString(a) || a != key(long+"a") {
		t.Errorf("%q\n%q", a, b)
	}
	if _, ok := modelspec.ParseIndexKey(a); ok {
		t.Error("a cut key came back")
	}
}

func FuzzParseIndexKey(f *testing.F) {
	for _, v := range []any{nil, true, 1, uint64(math.MaxUint64), 1.5, "s", time.Unix(0, 0)} {
		f.Add(key(v))
	}
	f.Fuzz(func(t *testing.T, k string) {
		v, ok := modelspec.ParseIndexKey(k)
		if ok && v != nil && utf8.ValidString(k) {
			if again := key(v); !strings.EqualFold(again, k) && v != 0.0 && v == v {
				t.Fatalf("%q is %v, whose key is %q", k, v, again)
			}
		}
	})
}

type place struct {
	City string  `json:"city" aegis:"index"`
	Zip  *string `json:"zip" aegis:"unique"`
}

type member struct {
	ID     string    `json:"id"`
	Mail   string    `json:"mail" aegis:"unique"`
	Age    uint16    `json:"age,omitempty" aegis:"index"`
	Score  float64   `json:"score" aegis:"index"`
	Active bool      `json:"active" aegis:"index"`
	Since  time.Time `json:"since" aegis:"index"`
	Code   uid       `json:"code" aegis:"index"`
	Text   string    `json:"text" aegis:"format=date-time,index"`
	Home   place     `json:"home"`
	Work   *place    `json:"work"`
	TeamID string    `json:"teamId"`
}

func TestIndexOfDocuments(t *testing.T) {
	m := modelspec.Model[member]{Name: "member", Relations: []modelspec.Relation[member]{modelspec.BelongsTo[member, customer]{"team", "team", "teamId"}}}
	native := specOf(t, m)
	remote := overTheWire(t, native)
	zip := "00100"
	full := member{"m", "a@b", 30, 1.5, true, time.Unix(9, 0), uid{1, 2}, "1970-01-01T00:00:09Z", place{"Rome", &zip}, &place{City: "Bari"}, "t1"}
	nine := key(time.Unix(9, 0))
	for _, c := range []struct {
		doc  member
		want []string
	}{
		{full, []string{"active=b1", "age=" + key(30), "code=sbc", "home.city=sRome", "home.zip!s00100", "mail!sa@b", "score=" + key(1.5), "since=" + nine, "teamId=st1", "text=" + nine, "work.city=sBari"}},
		{member{}, []string{"active=b0", "age=!", "code=saa", "home.city=s", "score=" + key(0.0), "since=" + key(time.Time{}), "teamId=s", "text=s", "work.city=!"}},
	} {
		raw, _ := modelspec.Of(c.doc).JSON()
		for _, got := range [][]modelspec.IndexEntry{entries(t, native, modelspec.Of(c.doc)), entries(t, remote, modelspec.FromJSON(raw))} {
			var have []string
			for _, e := range got {
				sign := "="
				if e.Unique {
					sign = "!"
				}
				have = append(have, e.Name+sign+e.Key)
			}
			if !slices.Equal(have, c.want) {
				t.Errorf("got  %q\nwant %q", have, c.want)
			}
		}
	}
	for _, c := range []struct{ field, text, want string }{
		{"age", "30", key(30)}, {"mail", "a@b", "sa@b"}, {"active", "true", "b1"}, {"score", "1.5", key(1.5)}, {"since", "1970-01-01T01:00:09+01:00", nine},
		{"code", "bc", "sbc"}, {"home.city", "Rome", "sRome"}, {"teamId", "t1", "st1"},
		{"age", "x", ""}, {"active", "yes", ""}, {"score", "Inf", ""}, {"since", "today", ""}, {"id", "m", ""}, {"hoem.city", "x", ""},
	} {
		for _, s := range []*modelspec.Spec{native, remote} {
			got, err := s.KeyFor(c.field, c.text)
			if got != c.want || (err == nil) != (c.want != "") || err != nil && modelspec.CodeOf(err) != modelspec.ErrInvalid {
				t.Errorf("%s=%s: %q %v", c.field, c.text, got, err)
			}
		}
	}
	if _, err := native.KeyFor("hoem.city", ""); !strings.Contains(err.Error(), "did you mean home.city?: there are indexes on active, age") {
		t.Error(err)
	}
	if !native.HasIndex("teamId") || native.HasIndex("id") {
		t.Error("HasIndex")
	}
}

func entries(t *testing.T, s *modelspec.Spec, v *modelspec.Value) []modelspec.IndexEntry {
	t.Helper()
	e, err := s.Index(v)
	if err != nil {
		t.Fatal(err)
	}
	return e
}
