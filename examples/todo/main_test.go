package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestService(t *testing.T) {
	handler, host, err := service()
	if err != nil {
		t.Fatal(err)
	}
	if err := host.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := host.Close(); err != nil {
			t.Error(err)
		}
	})
	id := ""
	for _, c := range []struct {
		name, method, path, token, body string
		status                          int
		contains                        string
	}{
		{"the service is still there", "GET", "/", "", "", 200, "before"},
		{"no token", "GET", "/aegis/api/models/todos", "", "", 401, "who are you"},
		{"wrong token", "GET", "/aegis/api/models/todos", "guess", "", 401, "who are you"},
		{"no token, unknown path", "GET", "/aegis/api/nothing", "", "", 401, "who are you"},
		{"create", "POST", "/aegis/api/models/todos", "bob-secret", `{"title":"buy tea"}`, 201, `"createdBy":"bob"`},
		{"find", "GET", "/aegis/api/models/todos/ID", "ann-secret", "", 200, `"title":"buy tea"`},
		{"list", "GET", "/aegis/api/models/todos", "ann-secret", "", 200, `"createdBy":"bob"`},
		{"change", "PATCH", "/aegis/api/models/todos/ID", "ann-secret", `{"done":true}`, 200, `"done":true`},
		{"the creator stays", "GET", "/aegis/api/models/todos/ID", "ann-secret", "", 200, `"createdBy":"bob"`},
		{"no title", "POST", "/aegis/api/models/todos", "bob-secret", `{}`, 422, `"/title"`},
		{"empty title", "POST", "/aegis/api/models/todos", "bob-secret", `{"title":""}`, 422, `"/title"`},
		{"long title", "POST", "/aegis/api/models/todos", "bob-secret", `{"title":"` + strings.Repeat("x", 101) + `"}`, 422, "maxlen"},
		{"forged creator", "POST", "/aegis/api/models/todos", "bob-secret", `{"title":"x","createdBy":"ann"}`, 422, "readonly"},
		{"forged creator, later", "PATCH", "/aegis/api/models/todos/ID", "bob-secret", `{"createdBy":"ann"}`, 422, "readonly"},
		{"forged moment", "POST", "/aegis/api/models/todos", "bob-secret", `{"title":"x","moment":{}}`, 422, "unknown"},
		{"not JSON", "POST", "/aegis/api/models/todos", "bob-secret", `{`, 400, "invalid_argument"},
		{"not bob's to delete", "DELETE", "/aegis/api/models/todos/ID", "bob-secret", "", 403, "permission_denied"},
		{"delete", "DELETE", "/aegis/api/models/todos/ID", "ann-secret", "", 204, ""},
		{"gone", "GET", "/aegis/api/models/todos/ID", "ann-secret", "", 404, "not_found"},
	} {
		r := httptest.NewRequest(c.method, strings.Replace(c.path, "ID", id, 1), io.Reader(strings.NewReader(c.body)))
		if c.body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		if c.token != "" {
			r.Header.Set("Authorization", "Bearer "+c.token)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.contains) {
			t.Errorf("%s: %d %s, want %d with %s", c.name, w.Code, w.Body, c.status, c.contains)
		}
		var made struct{ ID string }
		if w.Code == http.StatusCreated && json.Unmarshal(w.Body.Bytes(), &made) == nil {
			id = made.ID
		}
	}
}
