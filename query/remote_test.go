package query_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/org/aegis/modelspec"
)

// remote is a model whose code is elsewhere, with the schema.
func remote(t testing.TB, schema string) *modelspec.Spec {
	t.Helper()
	var s modelspec.Schema
	if err := json.Unmarshal([]byte(schema), &s); err != nil {
		t.Fatal(err)
	}
	spec, err := modelspec.New(modelspec.Descriptor{Name: "far", Schema: &s}, nobody{})
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

type nobody struct{}

func (nobody) Handle(context.Context, modelspec.Call) (modelspec.Reply, error) {
	return modelspec.Reply{}, nil
}
