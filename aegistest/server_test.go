package aegistest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/org/aegis"
	"github.com/org/aegis/aegistest"
	"github.com/org/aegis/federation"
	httpsource "github.com/org/aegis/federation/source/http"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/wasm"
	"github.com/org/aegis/wasm/wasmtest"
)

func module(version string) []byte {
	return wasmtest.Answer(wasmtest.Manifest("echo", version), `{"result":"`+version+`"}`)
}

func TestModuleServer(t *testing.T) {
	srv := aegistest.ModuleServer(t)
	body := module("1.0.0")
	url := srv.Put("ec/ho", "1.0.0+a b", body)
	src := httpsource.New(httpsource.Config{})
	for _, c := range []struct {
		fault aegistest.Fault
		code  modelspec.Code
	}{
		{aegistest.Truncated, modelspec.ErrUnavailable}, {aegistest.Missing, modelspec.ErrNotFound}, {aegistest.Down, modelspec.ErrUnavailable},
	} {
		srv.Break(url, c.fault)
		if _, err := src.Fetch(t.Context(), url); modelspec.CodeOf(err) != c.code {
			t.Errorf("fault %d: %v", c.fault, err)
		}
	}
	srv.Break(url, aegistest.Wrong)
	if a, err := src.Fetch(t.Context(), url); err != nil || len(a.Body) != len(body) || string(a.Body) == string(body) {
		t.Errorf("wrong: %d bytes of %d, %v", len(a.Body), len(body), err)
	}
	srv.Break(url, aegistest.None)
	for range 2 {
		if a, err := src.Fetch(t.Context(), url); err != nil || string(a.Body) != string(body) || a.MediaType != wasm.MediaType {
			t.Errorf("%s, %d bytes, %v", a.MediaType, len(a.Body), err)
		}
	}
	if f, d := srv.Fetches(url), srv.Downloads(url); f != 6 || d != 2 {
		t.Errorf("%d fetches, %d downloads", f, d)
	}
}

// Half of a module arrives, and then nothing: only the client's patience ends it.
func TestModuleServerStalls(t *testing.T) {
	srv := aegistest.ModuleServer(t)
	body := module("1.0.0")
	url := srv.Put("echo", "1.0.0", body)
	srv.Break(url, aegistest.Stalled)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.ReadFull(res.Body, make([]byte, len(body)/2)); err != nil {
		t.Errorf("the first half: %v", err)
	}
	cancel()
	if n, err := io.ReadAll(res.Body); len(n) > 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("then %d bytes, %v", len(n), err)
	}
}

// What arrives broken replaces nothing.
func TestModuleServerDeploys(t *testing.T) {
	srv := aegistest.ModuleServer(t)
	host := aegistest.New(t, aegistest.Config{Host: aegis.Config{Runtimes: aegis.Runtimes{wasm.New(wasm.Config{})}}})
	remote := func(version string) federation.Remote {
		return federation.Remote{Name: "echo", Ref: srv.Put("echo", version, module(version)), Grant: federation.FullGrant()}
	}
	first, second := remote("1.0.0"), remote("2.0.0")
	if _, err := host.Deploy(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	for _, f := range []aegistest.Fault{aegistest.Truncated, aegistest.Wrong, aegistest.Missing} {
		srv.Break(second.Ref, f)
		if _, err := host.Deploy(t.Context(), second); err == nil {
			t.Errorf("fault %d was deployed", f)
		}
	}
	version := func() string {
		for _, c := range host.Loaded() {
			if c.Name == "echo" {
				return c.Version
			}
		}
		return "none"
	}
	if v := version(); v != "1.0.0" {
		t.Errorf("version %s after failures", v)
	}
	srv.Break(second.Ref, aegistest.None)
	if _, err := host.Deploy(t.Context(), second); err != nil || version() != "2.0.0" {
		t.Errorf("version %s, %v", version(), err)
	}
}

func TestModuleServerUnknown(t *testing.T) {
	srv := aegistest.ModuleServer(t)
	res, err := http.Get(srv.Put("a", "1", nil) + "x")
	if err != nil || res.StatusCode != http.StatusNotFound {
		t.Errorf("%v, %v", res, err)
	}
	defer func() {
		if recover() == nil {
			t.Error("a module that was not put was broken")
		}
	}()
	srv.Break("http://127.0.0.1/b/1", aegistest.Down)
}
