package modules_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"

	"github.com/org/aegis/examples/orders/modules"
	"github.com/org/aegis/federation"
	httpsource "github.com/org/aegis/federation/source/http"
	"github.com/org/aegis/modelspec"
)

func TestServe(t *testing.T) {
	body := []byte("\x00asm\x01\x00\x00\x00")
	srv, err := modules.Serve("127.0.0.1:0", []modules.Module{{Name: "tea", Version: "1.0.0", Digest: "sha256:d", Body: body}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := srv.Remote("tea", "1.0.0", federation.Grant{Models: []string{"pot"}})
	if err != nil || r.Name != "tea" || r.Version != "1.0.0" || r.Digest != "sha256:d" || len(r.Grant.Models) != 1 {
		t.Fatalf("%+v %v", r, err)
	}
	source := httpsource.New(httpsource.Config{})
	a, err := source.Fetch(t.Context(), r.Ref)
	if err != nil || string(a.Body) != string(body) || a.MediaType != "application/wasm" {
		t.Errorf("%+v %v", a, err)
	}
	if _, err := source.Fetch(t.Context(), r.Ref+"x"); !errors.Is(err, modelspec.ErrNotFound) {
		t.Errorf("what is not there: %v", err)
	}
	if res, err := http.Post(r.Ref, "application/wasm", nil); err != nil || res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %v %v", res, err)
	}
	if _, err := srv.Remote("tea", "2.0.0", federation.Grant{}); err == nil {
		t.Error("a version that is not there")
	}
	if err := srv.Close(); err != nil {
		t.Error(err)
	}
	if _, err := source.Fetch(t.Context(), r.Ref); !errors.Is(err, modelspec.ErrUnavailable) {
		t.Errorf("closed: %v", err)
	}
}

func TestServeWhereItIsTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := modules.Serve(l.Addr().String(), nil); err == nil {
		t.Error("served on an address that is taken")
	}
}

func TestBuildEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := modules.Build(ctx, t.TempDir(), modules.All(), func(string) {}); err == nil {
		t.Error("built after the end")
	}
	t.Setenv("PATH", "")
	if _, err := modules.Build(t.Context(), t.TempDir(), modules.All(), func(string) {}); err == nil {
		t.Error("built without the go command")
	}
}
