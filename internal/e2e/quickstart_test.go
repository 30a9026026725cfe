//go:build e2e

package e2e_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// quickstart is the first program of the README.
const quickstart = `package main

import (
	"context"
	"log"
	"os"
	"os/signal"

	"github.com/org/aegis"
	"github.com/org/aegis/modelspec"
)

type Todo struct {
	ID    string ` + "`json:\"id\"`" + `
	Title string ` + "`json:\"title\" aegis:\"required\"`" + `
	Done  bool   ` + "`json:\"done\"`" + `
}

var Todos = modelspec.Model[Todo]{Name: "todo"}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	host, err := aegis.New(aegis.Config{Models: aegis.Models{Todos}})
	if err != nil {
		log.Fatal(err)
	}
	if err := host.Run(ctx, "127.0.0.1:8080"); err != nil {
		log.Fatal(err)
	}
}
`

// mostModules bounds what an embedder's module list grows by: the library's
// own requirements, drivers and engines included, since they are one module.
const mostModules = 28

func TestQuickstart(t *testing.T) {
	m := newModule(t)
	addr := freeAddr(t)
	m.write("main.go", strings.Replace(quickstart, "127.0.0.1:8080", addr, 1))
	m.run("go", "mod", "tidy")
	m.run("go", "build", "-o", "todo", ".")

	modules := strings.Fields(m.run("go", "list", "-m", "-f", "{{.Path}}", "all"))
	t.Logf("%d modules: %s", len(modules), strings.Join(modules, " "))
	if len(modules) > mostModules {
		t.Errorf("%d modules, want at most %d", len(modules), mostModules)
	}
	linked := m.run("go", "version", "-m", "todo")
	if !strings.Contains(linked, "github.com/org/aegis") {
		t.Fatalf("the binary does not say what is linked:\n%s", linked)
	}
	for _, heavy := range []string{"wazero", "badger", "ristretto", "opentelemetry", "protobuf"} {
		if strings.Contains(linked, heavy) {
			t.Errorf("%s is linked:\n%s", heavy, linked)
		}
	}
	if info, err := os.Stat(filepath.Join(m.dir, "todo")); err == nil {
		t.Logf("binary of %d bytes; linked:\n%s", info.Size(), linked)
	}

	p := m.start("./todo")
	p.await("http://" + addr + "/aegis/api/models/todos")
	useTodos(t, "http://"+addr+"/aegis/api/models/todos")
	p.interrupt()
}

// useTodos makes, reads, changes and removes one.
func useTodos(t *testing.T, url string) {
	t.Helper()
	made := ask(t, http.MethodPost, url, `{"title":"write a test"}`, http.StatusCreated)
	id, _ := made["id"].(string)
	if id == "" || made["title"] != "write a test" || made["done"] != false {
		t.Fatalf("made %v", made)
	}
	if p := ask(t, http.MethodPost, url, `{"done":true}`, http.StatusUnprocessableEntity); p["code"] != "invalid_argument" {
		t.Errorf("without a title: %v", p)
	}
	if got := ask(t, http.MethodGet, url+"/"+id, "", http.StatusOK); got["title"] != "write a test" {
		t.Errorf("got %v", got)
	}
	if got := ask(t, http.MethodPatch, url+"/"+id, `{"done":true}`, http.StatusOK); got["done"] != true || got["title"] != "write a test" {
		t.Errorf("changed %v", got)
	}
	if got := ask(t, http.MethodGet, url, "", http.StatusOK); !strings.Contains(text(t, got), id) {
		t.Errorf("listed %v", got)
	}
	ask(t, http.MethodDelete, url+"/"+id, "", http.StatusNoContent)
	ask(t, http.MethodGet, url+"/"+id, "", http.StatusNotFound)
}

// ask makes one request and returns the object of its answer; a list stands
// under "list".
func ask(t *testing.T, method, url, body string, status int) map[string]any {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case method == http.MethodPatch:
		req.Header.Set("Content-Type", "application/merge-patch+json")
	case body != "":
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != status {
		t.Fatalf("%s %s: %d, want %d: %s", method, url, res.StatusCode, status, raw)
	}
	out := map[string]any{}
	if len(raw) == 0 {
		return out
	}
	if raw = bytes.TrimSpace(raw); raw[0] == '[' {
		raw = append(append([]byte(`{"list":`), raw...), '}')
	}
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatalf("%s %s: %v: %s", method, url, err, raw)
	}
	return out
}

func text(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// freeAddr is an address of loopback that nobody listened on a moment ago.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
