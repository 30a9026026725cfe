package modelspec_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/org/aegis/modelspec"
)

type node struct {
	Name     string           `json:"name"`
	Left     *node            `json:"left,omitempty"`
	Children []node           `json:"children,omitempty"`
	ByName   map[string]*node `json:"byName,omitempty"`
	secret   []int
}

type shelf struct {
	Bytes  []byte
	Names  []status
	Times  []time.Time
	Grid   [2][]int
	Flat   map[string]string
	Deep   map[int][]string
	Any    any
	Raw    json.RawMessage
	Big    big.Int
	BigPtr *big.Int
	Addr   netip.Addr
	Node   *node
	Skip   []string `json:"-"`
	hidden map[string]int
}

func TestOwnSharesNothing(t *testing.T) {
	build := func() shelf {
		return shelf{
			Bytes: []byte("ab"), Names: []status{"x"}, Times: []time.Time{time.Unix(1, 0)}, Grid: [2][]int{{1}, nil},
			Flat: map[string]string{"k": "v"}, Deep: map[int][]string{1: {"a"}}, Any: map[string]any{"l": []any{"x"}},
			Raw: json.RawMessage(`[1]`), Big: *big.NewInt(7), BigPtr: big.NewInt(9), Addr: netip.MustParseAddr("10.0.0.1"),
			Node: &node{Name: "n", Left: &node{Name: "l"}, Children: []node{{Name: "c"}}, ByName: map[string]*node{"m": {Name: "m"}}},
		}
	}
	in := build()
	in.Skip, in.hidden, in.Node.secret = []string{"s"}, map[string]int{"h": 1}, []int{1}
	v := modelspec.Of(in)
	c, held, err := modelspec.Own[shelf](v)
	if err != nil {
		t.Fatal(err)
	}
	if c.Skip != nil || c.hidden != nil || c.Node.secret != nil {
		t.Error("what JSON does not carry was copied")
	}
	plain := build()
	want, _ := json.Marshal(&plain)
	if got, _ := held.JSON(); string(got) != string(want) {
		t.Errorf("copy: %s\nwant  %s", got, want)
	}
	c.Bytes[0], c.Names[0], c.Times[0], c.Grid[0][0], c.Flat["k"], c.Deep[1][0] = 'X', "Y", time.Time{}, 9, "w", "b"
	c.Any.(map[string]any)["l"].([]any)[0] = "y"
	c.Raw[1] = '2'
	c.Big.Add(&c.Big, big.NewInt(1))
	c.BigPtr.SetInt64(1)
	c.Node.Left.Name, c.Node.Children[0].Name, c.Node.ByName["m"].Name = "L", "C", "M"
	if got, _ := v.JSON(); string(got) != string(want) {
		t.Errorf("original: %s\nwant      %s", got, want)
	}
}

func TestOwnDoesNotShareRoom(t *testing.T) {
	type list struct{ L, E []item }
	v := modelspec.Of(list{L: make([]item, 1, 9), E: make([]item, 0, 9)})
	for range 2 {
		c, _, _ := modelspec.Own[list](v)
		if c.E == nil {
			t.Error("an empty list became nil")
		}
		c.L, c.E = append(c.L, item{SKU: "a"}), append(c.E, item{SKU: "a"})
	}
	l, _ := modelspec.As[list](v)
	if l.L[:2][1].SKU != "" || l.E[:1][0].SKU != "" {
		t.Error("an append to the copy wrote into the original")
	}
}

func TestOwnIsAsJSON(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		var e everything
		some(r, reflect.ValueOf(&e).Elem(), 0)
		want, _ := json.Marshal(e)
		var read everything
		if err := json.Unmarshal(want, &read); err != nil {
			t.Fatal(err)
		}
		c, held, err := modelspec.Own[everything](modelspec.Of(e))
		if err != nil {
			t.Fatal(err)
		}
		got, _ := held.JSON()
		again, _ := json.Marshal(read)
		if string(got) != string(want) || string(again) != string(want) || c.Hidden != "" {
			t.Fatalf("%s\n%s\n%s", got, want, again)
		}
	}
}

func TestOwnMakesTreesOfAny(t *testing.T) {
	type bag struct{ Any any }
	for _, c := range []struct{ in, want any }{
		{7, 7.0}, {int64(7), 7.0}, {uint8(7), 7.0}, {"s", "s"}, {nil, nil}, {item{SKU: "a"}, map[string]any{"sku": "a", "price": 0.0, "qty": 0.0}},
		{[]string{"a"}, []any{"a"}}, {map[string]any{"n": 1}, map[string]any{"n": 1.0}}, {time.Unix(0, 0).UTC(), "1970-01-01T00:00:00Z"},
	} {
		got, _, err := modelspec.Own[bag](modelspec.Of(bag{c.in}))
		if err != nil || !reflect.DeepEqual(got.Any, c.want) {
			t.Errorf("%#v became %#v, %v; want %#v", c.in, got, err, c.want)
		}
	}
	if _, _, err := modelspec.Own[bag](modelspec.Of(bag{make(chan int)})); modelspec.CodeOf(err) != modelspec.ErrInvalid {
		t.Errorf("a channel in an any: %v", err)
	}
}

func TestOwnRefusesKnots(t *testing.T) {
	n := &node{}
	n.Left = n
	if _, _, err := modelspec.Own[node](modelspec.Of(*n)); modelspec.CodeOf(err) != modelspec.ErrInvalid || !strings.Contains(err.Error(), "contains itself") {
		t.Errorf("%v", err)
	}
	m := map[string]any{}
	m["m"] = m
	if _, _, err := modelspec.Own[any](modelspec.Of[any](m)); modelspec.CodeOf(err) != modelspec.ErrInvalid {
		t.Errorf("%v", err)
	}
	if n := modelspec.Of(*n).Size(); n < 1<<20 {
		t.Errorf("size of what has none: %d", n)
	}
	if _, err := modelspec.Of(*n).JSON(); modelspec.CodeOf(err) != modelspec.ErrInternal {
		t.Errorf("%v", err)
	}
}

func TestSizeIsNear(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 200 {
		var e everything
		some(r, reflect.ValueOf(&e).Elem(), 0)
		raw, _ := json.Marshal(e)
		if n := modelspec.Of(e).Size(); n < len(raw)/3 || n > len(raw)*3 {
			t.Errorf("size %d, JSON has %d: %s", n, len(raw), raw)
		}
	}
	if n := modelspec.FromJSON([]byte(`[1]`)).Size(); n != 3 {
		t.Errorf("size of JSON: %d", n)
	}
}

func TestRefusedTypes(t *testing.T) {
	type unexported struct{ A int }
	for _, c := range []struct {
		spec interface {
			Spec() (*modelspec.Spec, error)
		}
		want string
	}{
		{modelspec.Model[struct{ C chan int }]{Name: "m"}, "field C: chan int: a chan cannot be written as JSON: take it out, or tag it `json:\"-\"`"},
		{modelspec.Model[struct{ F []func() }]{Name: "m"}, "field F: func(): a func cannot"},
		{modelspec.Model[struct{ C map[string]complex128 }]{Name: "m"}, "a complex128 cannot"},
		{modelspec.Model[struct{ M map[float64]int }]{Name: "m"}, "JSON has strings as keys"},
		{modelspec.Model[struct{ E error }]{Name: "m"}, "an interface with methods cannot be read from JSON"},
		{modelspec.Model[struct{ *unexported }]{Name: "m"}, "embed the struct itself"},
		{modelspec.Model[struct{ time.Time }]{Name: "m"}, "give the embedded field a name"},
		{modelspec.Model[[]string]{Name: "m"}, "is no struct"},
		{modelspec.Model[struct {
			A string `aegis:"requierd"`
		}]{Name: "m"}, "field A: aegis tag: requierd is not known: did you mean required?"},
	} {
		_, err := c.spec.Spec()
		if modelspec.CodeOf(err) != modelspec.ErrInvalid || !strings.Contains(fmt.Sprint(err), c.want) || !strings.HasPrefix(err.Error(), "model m: ") {
			t.Errorf("%v\nwant %s", err, c.want)
		}
	}
}
