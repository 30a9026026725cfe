package orchestration

import (
	_ "embed" // of the schema
	"slices"
)

//go:embed schema.json
var schema []byte

// Schema returns the JSON Schema (draft 2020-12) of documents, for editors and
// for other tools. It knows the shape of a document; what [Parse] refuses of
// YAML itself, and whether names mean anything, it does not.
func Schema() []byte { return slices.Clone(schema) }
