package aegis_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/org/aegis"
	"github.com/org/aegis/adapter"
	"github.com/org/aegis/federation"
	"github.com/org/aegis/internal/shop"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
	"github.com/org/aegis/wasm"
	"github.com/org/aegis/wasm/wasmtest"
)

// pricing is a guest that answers the port order.price with a total.
func pricing(version string, total int) []byte {
	return wasmtest.Answer(pricingManifest(version), fmt.Sprintf(`{"result":{"Total":%d}}`, total))
}

func pricingManifest(version string) string {
	return `{"abi":1,"name":"pricing","version":"` + version + `","adapters":[{"model":"order","port":"price"}]}`
}

var mayPrice = federation.Grant{Ports: []string{"order.price"}}

// modules serves modules by path.
func modules(t *testing.T, files map[string][]byte) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, ok := files[strings.TrimPrefix(r.URL.Path, "/")]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", wasm.MediaType)
		w.Write(b)
	}))
	t.Cleanup(srv.Close)
	return srv.URL + "/"
}

// asking is a model whose port asks for the price and says who answered.
func asking() (modelspec.Model[shop.Order], port.Inbound[shop.Order, port.None, int64]) {
	m := shop.Orders()
	ask := port.Inbound[shop.Order, port.None, int64]{Name: "ask", Handle: func(o *shop.Order, ctx context.Context, _ port.None) (int64, error) {
		p, err := shop.Price.Call(ctx, o)
		return p.Total, err
	}}
	m.Ports, m.Publishes = []modelspec.Port[shop.Order]{ask, shop.Price, shop.Touch()}, nil
	return m, ask
}

func deployHost(t *testing.T, cfg aegis.Config) (*aegis.Host, port.Inbound[shop.Order, port.None, int64]) {
	t.Helper()
	m, ask := asking()
	cfg.Models = aegis.Models{m, shop.Customers}
	cfg.Runtimes = aegis.Runtimes{wasm.New(wasm.Config{Logger: quiet})}
	cfg.Logger = quiet
	h, r := boot(t, cfg)
	create(t, r, "o1")
	return h, ask
}

// A component comes, is replaced and goes back; each answer is of the version
// that serves at that moment.
func TestDeployAndRollback(t *testing.T) {
	url := modules(t, map[string][]byte{"v1": pricing("1.0.0", 1), "v2": pricing("2.0.0", 2)})
	h, ask := deployHost(t, aegis.Config{Remotes: aegis.Remotes{{Ref: url + "v1", Grant: mayPrice}}})
	says := func(want int64) {
		t.Helper()
		if got, err := ask.Invoke(t.Context(), h, "o1", none); err != nil || got != want {
			t.Errorf("answered %d (%v), want %d", got, err, want)
		}
	}
	if _, err := ask.Invoke(t.Context(), h, "o1", none); !errors.Is(err, modelspec.ErrUnavailable) {
		t.Errorf("before Start: %v", err)
	}
	if got := h.Unbound(); len(got) != 1 || got[0] != "order.price" {
		t.Errorf("unbound %v", got)
	}
	if err := h.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	says(1)
	if _, err := h.Deploy(t.Context(), federation.Remote{Name: "pricing", Version: "2.0.0", Ref: url + "v2", Grant: mayPrice}); err != nil {
		t.Fatal(err)
	}
	says(2)
	info, err := h.Rollback(t.Context(), "pricing")
	if err != nil || info.Version != "1.0.0" {
		t.Fatal(info, err)
	}
	says(1)
	if _, err := h.Rollback(t.Context(), "pricing"); !errors.Is(err, modelspec.ErrRefused) {
		t.Errorf("back before the first: %v", err)
	}
	if err := h.Remove(t.Context(), "pricing"); err != nil {
		t.Fatal(err)
	}
	if _, err := ask.Invoke(t.Context(), h, "o1", none); !errors.Is(err, modelspec.ErrUnavailable) {
		t.Errorf("after Remove: %v", err)
	}
	if err := h.Bind(t.Context(), adapter.Bind(shop.Price, func(context.Context, shop.PriceAsked) (shop.PriceTold, error) { return shop.PriceTold{Total: 3}, nil })); err != nil {
		t.Fatal(err)
	}
	says(3)
}

// Whatever is wrong with a module, its deployment fails with a code and a
// reason, and what served before serves on.
func TestBadModules(t *testing.T) {
	wide := wasmtest.Answer(`{"abi":1,"name":"pricing","version":"9","adapters":[{"model":"order","port":"price"},{"model":"order","port":"ship"}]}`, `{}`)
	files := map[string][]byte{
		"good": pricing("1.0.0", 1), "text": []byte("(module)"), "empty": {}, "cut": pricing("1.0.0", 1)[:60],
		"noabi": wasmtest.New().Bytes(), "wide": wide, "other": wasmtest.Answer(strings.Replace(pricingManifest("1"), "pricing", "weather", 1), `{}`),
		"abi9":  wasmtest.Answer(strings.Replace(pricingManifest("1"), `"abi":1`, `"abi":9`, 1), `{}`),
		"lies":  wasmtest.Answer(pricingManifest("1"), `{"error":{"code":"not_found"}}`),
		"undo":  wasmtest.Answer(strings.Replace(pricingManifest("1"), `"port":"price"`, `"port":"price","undo":true`, 1), `{}`),
		"model": wasmtest.Answer(`{"abi":1,"name":"pricing","version":"1","models":[{"name":"order"}]}`, `{}`),
		"traps": wasmtest.NewGuest().Handle("", wasmtest.Unreachable).Bytes(),
		"loops": wasmtest.NewGuest().Handle("", wasmtest.Spin()).Bytes(),
	}
	url := modules(t, files)
	h, ask := deployHost(t, aegis.Config{})
	if _, err := h.Deploy(t.Context(), federation.Remote{Ref: url + "good", Grant: mayPrice}); err != nil {
		t.Fatal(err)
	}
	all := federation.Grant{Models: []string{"*"}, Ports: []string{"*"}}
	for name, c := range map[string]struct {
		remote federation.Remote
		code   modelspec.Code
		says   string
	}{
		"missing":       {federation.Remote{Ref: url + "nothing", Grant: mayPrice}, modelspec.ErrNotFound, "404"},
		"scheme":        {federation.Remote{Ref: "ftp://127.0.0.1/x"}, modelspec.ErrInvalid, "Sources"},
		"wrong digest":  {federation.Remote{Ref: url + "good", Digest: "sha256:" + strings.Repeat("0", 64), Grant: mayPrice}, modelspec.ErrInvalid, "digest"},
		"not wasm":      {federation.Remote{Ref: url + "text", Grant: mayPrice}, modelspec.ErrInvalid, ""},
		"empty":         {federation.Remote{Ref: url + "empty", Grant: mayPrice}, "", ""},
		"cut":           {federation.Remote{Ref: url + "cut", Grant: mayPrice}, modelspec.ErrInvalid, ""},
		"no abi":        {federation.Remote{Ref: url + "noabi", Grant: mayPrice}, modelspec.ErrInvalid, "aegis_handle"},
		"other abi":     {federation.Remote{Ref: url + "abi9", Grant: mayPrice}, "", "9"},
		"no grant":      {federation.Remote{Ref: url + "good"}, modelspec.ErrDenied, "order.price"},
		"beyond grant":  {federation.Remote{Ref: url + "wide", Grant: mayPrice}, modelspec.ErrDenied, "order.ship"},
		"other name":    {federation.Remote{Name: "pricing", Ref: url + "other", Grant: mayPrice}, modelspec.ErrInvalid, "weather"},
		"other version": {federation.Remote{Ref: url + "good", Version: "2.0.0", Grant: mayPrice}, modelspec.ErrInvalid, "2.0.0"},
		"lies":          {federation.Remote{Ref: url + "lies", Grant: mayPrice}, "", ""},
		"undo":          {federation.Remote{Ref: url + "undo", Grant: mayPrice}, modelspec.ErrRefused, "Undo"},
		"taken model":   {federation.Remote{Ref: url + "model", Grant: all}, "", "order"},
		"traps":         {federation.Remote{Ref: url + "traps", Grant: mayPrice}, modelspec.ErrUnavailable, ""},
		"loops":         {federation.Remote{Ref: url + "loops", Grant: mayPrice}, modelspec.ErrDeadline, ""},
	} {
		before := fmt.Sprint(h.Loaded())
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		_, err := h.Deploy(ctx, c.remote)
		cancel()
		if err == nil || c.code != "" && !errors.Is(err, c.code) && modelspec.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v (%s), want %s, saying %q", name, err, modelspec.CodeOf(err), c.code, c.says)
		}
		if got, err := ask.Invoke(t.Context(), h, "o1", none); err != nil || got != 1 {
			t.Errorf("%s: what served before answers %d, %v", name, got, err)
		}
		if after := fmt.Sprint(h.Loaded()); after != before {
			t.Errorf("%s: the components are %s, were %s", name, after, before)
		}
	}
	// a batch is one switch: with one bad module none of it is shown
	if _, err := h.Deploy(t.Context(), federation.Remote{Ref: url + "good", Grant: mayPrice}, federation.Remote{Ref: url + "text"}); err == nil {
		t.Error("a batch with a bad module was deployed")
	}
	if n := len(h.Loaded()); n != 2 {
		t.Errorf("%d components", n)
	}
}

// A guest that fails in a call fails that call.
func TestGuestFailsInCall(t *testing.T) {
	url := modules(t, map[string][]byte{
		"trap": wasmtest.Do(pricingManifest("1"), "", func(*wasmtest.Guest) []byte {
			probe := wasmtest.I32Const(wasmtest.FrameAt)
			return append(append(append(probe, wasmtest.Load8(uint32(len(`{"op":"`)))...), append(wasmtest.I32Const('a'), wasmtest.Eq...)...), append(append(append([]byte{}, wasmtest.If...), wasmtest.Unreachable...), wasmtest.End...)...)
		}),
	})
	h, ask := deployHost(t, aegis.Config{})
	if _, err := h.Deploy(t.Context(), federation.Remote{Ref: url + "trap", Grant: mayPrice}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := ask.Invoke(t.Context(), h, "o1", none); !errors.Is(err, modelspec.ErrUnavailable) {
			t.Errorf("a trap: %v", err)
		}
	}
	if _, err := shop.Touch().Invoke(t.Context(), h, "o1", none); err != nil {
		t.Errorf("the host goes on: %v", err)
	}
}

// A replaced component never costs a request: native and wasm, under load.
func TestSwapUnderLoad(t *testing.T) {
	url := modules(t, map[string][]byte{"v1": pricing("1.0.0", 1), "v2": pricing("2.0.0", 2), "bad": []byte("no module")})
	h, ask := deployHost(t, aegis.Config{})
	native := func(n int64) federation.Component {
		return federation.Component{Name: "shipping", Version: fmt.Sprint("1.0.", n), Adapters: []adapter.Adapter{adapter.Bind(port.Outbound[shop.Order, port.None, int64]{Name: "tell", Request: func(*shop.Order) port.None { return none }}, func(context.Context, port.None) (int64, error) { return n, nil })}}
	}
	deploy := func(name string) error {
		_, err := h.Deploy(t.Context(), federation.Remote{Ref: url + name, Grant: mayPrice})
		return err
	}
	if err := deploy("v1"); err != nil {
		t.Fatal(err)
	}
	r := aegis.NewRepository(h, shop.Orders())
	create(t, r, "a", "b", "c", "d")
	var calls, failed, one, two atomic.Int64
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for _, id := range []string{"a", "b", "c", "d"} {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				got, err := ask.Invoke(t.Context(), h, id, none)
				calls.Add(1)
				switch {
				case err != nil:
					failed.Add(1)
					t.Error(err)
					return
				case got == 1:
					one.Add(1)
				case got == 2:
					two.Add(1)
				}
			}
		})
	}
	for i := range 60 {
		if err := deploy([]string{"v2", "v1"}[i%2]); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Replace(t.Context(), native(int64(i))); err == nil { // the model has no such port: refused
			t.Fatal("an adapter of a port that is not there was shown")
		}
		if i%7 == 0 && deploy("bad") == nil {
			t.Fatal("a bad module was deployed")
		}
		if i%10 == 0 {
			if _, err := h.Rollback(t.Context(), "pricing"); err != nil {
				t.Fatal(err)
			}
		}
	}
	close(stop)
	wg.Wait()
	if failed.Load() != 0 || one.Load() == 0 || two.Load() == 0 {
		t.Errorf("%d calls, %d failed; v1 answered %d, v2 %d", calls.Load(), failed.Load(), one.Load(), two.Load())
	}
	t.Logf("%d calls during 60 switches: %d failed; v1 answered %d, v2 %d", calls.Load(), failed.Load(), one.Load(), two.Load())
}
