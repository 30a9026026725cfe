package modelspec_test

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/org/aegis/modelspec"
)

// amount is a decimal as libraries write them: unexported fields, methods for
// JSON, and an Equal that knows more than its text.
type amount struct {
	cents int64
	note  *string
}

func (a amount) MarshalText() ([]byte, error) { return json.Marshal(a.cents) }
func (a *amount) UnmarshalText(b []byte) error {
	return json.Unmarshal(b, &a.cents)
}
func (a amount) Equal(b amount) bool { return a.cents == b.cents }

// uid is an array with a text, as UUID types are.
type uid [2]byte

func (u uid) MarshalText() ([]byte, error) { return []byte{'a' + u[0]%26, 'a' + u[1]%26}, nil }
func (u *uid) UnmarshalText(b []byte) error {
	if len(b) != 2 {
		return errors.New("uid: two letters")
	}
	u[0], u[1] = b[0]-'a', b[1]-'a'
	return nil
}

type base struct {
	Shared string `json:"shared" aegis:"maxlen=2"`
	Hidden string `json:"-"`
}

type leaf struct {
	Name string   `json:"name" aegis:"required,maxlen=3"`
	N    *int32   `json:"n,omitempty" aegis:"min=1"`
	Tags []string `json:"tags,omitempty" aegis:"maxlen=1"`
	priv int
}

type Lasting struct {
	Kind string            `json:"kind" aegis:"immutable"`
	Set  string            `json:"set,omitempty" aegis:"readonly"`
	Map  map[string]string `json:"map" aegis:"minlen=1"`
}

type everything struct {
	base
	*Lasting
	ID     string             `json:"id"`
	Text   string             `json:"text" aegis:"required,immutable,oneof=a|b|cc"`
	Opt    string             `json:"opt" aegis:"oneof=x|y,index"`
	Mail   string             `json:"mail,omitempty" aegis:"format=email,unique"`
	When   time.Time          `json:"when" aegis:"immutable,index"`
	Zero   time.Time          `json:"zero,omitzero" aegis:"required"`
	Num    int                `json:"num" aegis:"min=-1,max=2,index"`
	Need   int                `json:"need,omitempty" aegis:"required"`
	Big    uint64             `json:"big" aegis:"unique"`
	F      float64            `json:"f" aegis:"oneof=0.5|1,index"`
	F32    float32            `json:"f32" aegis:"max=0.5,index"`
	Flag   bool               `json:"flag" aegis:"immutable,index"`
	Ptr    *string            `json:"ptr" aegis:"required,minlen=1"`
	Leaf   leaf               `json:"leaf" aegis:"immutable"`
	Leaves []leaf             `json:"leaves" aegis:"required,maxlen=2"`
	ByName map[string]leaf    `json:"byName" aegis:"maxlen=2"`
	Kinds  map[string]Lasting `json:"kinds,omitempty"`
	Raw    []byte             `json:"raw" aegis:"maxlen=2,immutable"`
	Any    any                `json:"any" aegis:"required,immutable"`
	Amount amount             `json:"amount" aegis:"immutable,index"`
	UID    uid                `json:"uid" aegis:"immutable"`
	Quoted int                `json:"quoted,string" aegis:"immutable"`
	Arr    [2]int             `json:"arr" aegis:"readonly"`
	Nested *everything        `json:"nested,omitempty"`
	Rest   json.RawMessage    `json:"rest,omitempty" aegis:"readonly"`
	Fixed  map[string][]leaf  `json:"fixed" aegis:"immutable"`
	Free   map[string]any     `json:"free,omitempty" aegis:"immutable"`
	ByInt  map[int32]leaf     `json:"byInt"`
	Bools  bool               `json:"bools,string" aegis:"readonly"`
	Strs   string             `json:"strs,string" aegis:"readonly"`
	Trees  [2]leaf            `json:"trees"`
	Map    map[int]string     `json:"map2"`
}

// some fills what v points to with values of which every rule breaks some.
func some(r *rand.Rand, v reflect.Value, depth int) {
	switch x := v.Addr().Interface().(type) {
	case *time.Time:
		*x = []time.Time{{}, time.Unix(1, 0).UTC(), time.Unix(1, 0).In(time.FixedZone("x", 3600)), time.Unix(2, 5)}[r.IntN(4)]
		return
	case *amount:
		x.cents = int64(r.IntN(3))
		return
	case *json.RawMessage:
		*x = []json.RawMessage{nil, json.RawMessage(`{"a":1}`), json.RawMessage(`[]`)}[r.IntN(3)]
		return
	case *any:
		*x = []any{nil, "", "s", 0.0, 1.5, false, []any{}, map[string]any{"k": []any{"v", nil}}}[r.IntN(8)]
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString([]string{"", "a", "b", "cc", "x", "a@b", "éé", "eé<&\u2028/~"}[r.IntN(8)])
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	case reflect.Int, reflect.Int32:
		v.SetInt(int64(r.IntN(5) - 2))
	case reflect.Uint8, reflect.Uint64:
		v.SetUint([]uint64{0, 1, 1 << 7, 1<<64 - 1}[r.IntN(4)] & (1<<v.Type().Bits() - 1))
	case reflect.Float32, reflect.Float64:
		v.SetFloat([]float64{0, 0.5, 1, 0.1}[r.IntN(4)])
	case reflect.Pointer:
		if r.IntN(2) == 0 && depth < 3 {
			v.Set(reflect.New(v.Type().Elem()))
			some(r, v.Elem(), depth+1)
		}
	case reflect.Slice:
		if n := r.IntN(5); n < 4 {
			v.Set(reflect.MakeSlice(v.Type(), n, n+1))
			for i := range n {
				some(r, v.Index(i), depth+1)
			}
		}
	case reflect.Array:
		for i := range v.Len() {
			some(r, v.Index(i), depth+1)
		}
	case reflect.Map:
		if n := r.IntN(5); n < 4 {
			v.Set(reflect.MakeMap(v.Type()))
			for range n {
				k, e := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
				some(r, k, depth+1)
				some(r, e, depth+1)
				v.SetMapIndex(k, e)
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); f.CanSet() && (r.IntN(8) > 0 || depth == 0) {
				some(r, f, depth+1)
			} else if v.Type().Field(i).Anonymous && f.Kind() == reflect.Struct {
				some(r, f.FieldByName("Shared"), depth+1)
			}
		}
	}
}

func good() *everything {
	p := "p"
	return &everything{
		Text: "a", Zero: time.Unix(1, 0), Need: 1, Ptr: &p, Leaf: leaf{Name: "l"}, Leaves: []leaf{{Name: "m"}}, Any: []any{"x"},
		Amount: amount{cents: 3}, Trees: [2]leaf{{Name: "t"}, {Name: "u"}},
	}
}

// mutate changes one in n fields, so that what is immutable mostly stays.
func mutate(r *rand.Rand, v reflect.Value, n int) {
	for i := range v.NumField() {
		if f := v.Field(i); f.CanSet() && r.IntN(n) == 0 {
			some(r, f, 1)
		}
	}
}

type echo struct{}

func (echo) Handle(_ context.Context, c modelspec.Call) (modelspec.Reply, error) {
	return modelspec.Reply{Doc: c.Doc}, nil
}

func faults(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	e, ok := errors.AsType[*modelspec.Error](err)
	if !ok || e.Code != modelspec.ErrInvalid || len(e.Fields) == 0 {
		t.Fatalf("not a verdict: %v", err)
	}
	var out []string
	for _, f := range e.Fields {
		out = append(out, f.Pointer+" "+f.Rule+" "+f.Detail)
	}
	slices.Sort(out)
	return out
}

// Native rules read Go values, those of guests read JSON. Both must say the
// same about the same document.
func TestNativeAndJSONAgree(t *testing.T) {
	native, err := modelspec.Model[everything]{Name: "thing"}.Spec()
	if err != nil {
		t.Fatal(err)
	}
	remote := overTheWire(t, native)
	r := rand.New(rand.NewPCG(1, 2))
	rules, accepted := map[string]int{}, 0
	for n := range 3000 {
		was, often := new(everything), 4
		some(r, reflect.ValueOf(was).Elem(), 0)
		if was.Lasting = nil; n%2 == 0 { // near a document that keeps all rules
			was, often = good(), 20
		}
		if r.IntN(2) == 0 {
			was.Lasting = &Lasting{Kind: []string{"", "k"}[r.IntN(2)]}
		}
		is := clone(t, was)
		mutate(r, reflect.ValueOf(is).Elem(), often)
		if is.Lasting != nil && r.IntN(2) == 0 {
			is.Lasting.Kind, is.Lasting.Set = "other", "set"
		}
		for _, prev := range []*everything{nil, was} {
			n, raw := compareOnce(t, native, remote, prev, is)
			for _, f := range n {
				rules[strings.Fields(f)[1]]++
			}
			if n == nil {
				accepted++
			}
			if t.Failed() {
				t.Fatalf("prev %+v\nis %s", prev, raw)
			}
		}
	}
	for _, rule := range []string{"required", "immutable", "readonly", "min", "max", "minlen", "maxlen", "oneof", "format"} {
		if rules[rule] == 0 {
			t.Errorf("no document broke %s", rule)
		}
	}
	if accepted < 100 {
		t.Errorf("only %d documents kept all rules", accepted)
	}
}

func compareOnce(t *testing.T, native, remote *modelspec.Spec, was, is *everything) ([]string, []byte) {
	t.Helper()
	raw, err := json.Marshal(is)
	if err != nil {
		t.Fatal(err)
	}
	call := modelspec.Call{Op: modelspec.OpNew, ID: is.ID, Doc: modelspec.Of(*is)}
	wire := modelspec.Call{Op: modelspec.OpNew, ID: is.ID, Doc: modelspec.FromJSON(raw)}
	if was != nil {
		old, _ := json.Marshal(was)
		call.Op, call.Prev = modelspec.OpUpdate, modelspec.Of(*was)
		wire.Op, wire.Prev = modelspec.OpUpdate, modelspec.FromJSON(old)
	}
	got, err := native.Handle(t.Context(), call)
	n := faults(t, err)
	_, err = remote.Handle(t.Context(), wire)
	if j := faults(t, err); !slices.Equal(n, j) && len(n) < 32 && len(j) < 32 {
		t.Errorf("rules:\nnative %q\njson   %q", n, j)
	}
	x, y := faults(t, native.CheckInput(call.Prev, call.Doc)), faults(t, remote.CheckInput(wire.Prev, wire.Doc))
	if !slices.Equal(x, y) && len(x) < 32 {
		t.Errorf("input:\nnative %q\njson   %q", x, y)
	}
	a, err1 := native.Index(call.Doc)
	b, err2 := remote.Index(wire.Doc)
	if err1 != nil || err2 != nil || !slices.Equal(a, b) {
		t.Errorf("index:\nnative %v %v\njson   %v %v", a, err1, b, err2)
	}
	if got.Doc != nil {
		if out, _ := got.Doc.JSON(); string(out) != string(raw) {
			t.Errorf("copy: %s\nis    %s", out, raw)
		}
	}
	return append(n, x...), raw
}

// overTheWire makes a Spec of a native one as a host gets it from a guest.
func overTheWire(t *testing.T, s *modelspec.Spec) *modelspec.Spec {
	t.Helper()
	b, err := json.Marshal(s.Descriptor())
	if err != nil {
		t.Fatal(err)
	}
	var d modelspec.Descriptor
	if err := json.Unmarshal(b, &d); err != nil {
		t.Fatal(err)
	}
	remote, err := modelspec.New(d, echo{})
	if err != nil {
		t.Fatal(err)
	}
	return remote
}

func clone(t *testing.T, e *everything) *everything {
	t.Helper()
	c, _, err := modelspec.Own[everything](modelspec.Of(*e))
	if err != nil {
		t.Fatal(err)
	}
	return c
}
