package aegistest_test

import (
	"math/big"
	"testing"
	"time"

	"github.com/org/aegis/aegistest"
	"github.com/org/aegis/modelspec"
)

type leaf struct {
	N     int
	cache *int
}

type tree struct {
	Leaf  *leaf
	List  []leaf
	Map   map[string][]int
	At    time.Time
	Big   *big.Int
	Any   any
	Fixed [2]float64
}

func grown() *tree {
	return &tree{Leaf: &leaf{N: 1}, List: []leaf{{N: 2}, {N: 3}}, Map: map[string][]int{"a": {1}, "b": {2}},
		At: time.Unix(100, 0), Big: big.NewInt(1 << 62), Any: map[string]any{"x": true}, Fixed: [2]float64{1, 2}}
}

// Every change that JSON would show is seen, at any depth, and no other.
func TestDigest(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*tree)
		seen   bool
	}{
		{"nothing", func(*tree) {}, false},
		{"a cache", func(x *tree) { x.Leaf.cache = new(int) }, false},
		{"pointed to", func(x *tree) { x.Leaf.N++ }, true},
		{"pointer gone", func(x *tree) { x.Leaf = nil }, true},
		{"element", func(x *tree) { x.List[1].N = 4 }, true},
		{"order", func(x *tree) { x.List[0], x.List[1] = x.List[1], x.List[0] }, true},
		{"length", func(x *tree) { x.List = x.List[:1] }, true},
		{"map's value", func(x *tree) { x.Map["a"][0] = 9 }, true},
		{"map's key", func(x *tree) { x.Map["c"] = x.Map["a"]; delete(x.Map, "a") }, true},
		{"map's values swapped", func(x *tree) { x.Map["a"], x.Map["b"] = x.Map["b"], x.Map["a"] }, true},
		{"map written over", func(x *tree) { x.Map = map[string][]int{"b": {2}, "a": {1}} }, false},
		{"time", func(x *tree) { x.At = x.At.Add(1) }, true},
		{"big", func(x *tree) { x.Big.SetBit(x.Big, 3, 1) }, true},
		{"interface", func(x *tree) { x.Any.(map[string]any)["x"] = false }, true},
		{"array", func(x *tree) { x.Fixed[1] = 3 }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := grown()
			v := modelspec.Of(x)
			before := aegistest.Digest(v)
			c.change(x)
			if seen := aegistest.Digest(v) != before; seen != c.seen || before == 0 {
				t.Errorf("seen: %t, of %d", seen, before)
			}
			if !v.Native() {
				t.Error("the value has met JSON")
			}
		})
	}
	if n := aegistest.Digest(modelspec.FromJSON([]byte(`{}`))) + aegistest.Digest(nil); n != 0 {
		t.Errorf("JSON has a digest: %d", n)
	}
	cyclic := &tree{}
	cyclic.Any = cyclic
	if aegistest.Digest(modelspec.Of(cyclic)) == 0 {
		t.Error("a circle has no digest")
	}
}
