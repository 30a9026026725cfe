package port

import (
	"encoding/json"

	"github.com/org/aegis/modelspec"
)

// pick copies the members of an answer that are named in keys into the model.
// A member that the answer does not have stays as it is.
func pick[M any](m *M, answer *modelspec.Value, keys []string) error {
	if len(keys) == 0 || answer == nil {
		return nil
	}
	raw, err := answer.JSON()
	if err != nil {
		return err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil {
		return modelspec.Coded(err, modelspec.ErrInvalid)
	}
	some := make(map[string]json.RawMessage, len(keys))
	for _, k := range keys {
		if v, ok := all[k]; ok {
			some[k] = v
		}
	}
	b, err := json.Marshal(some)
	if err != nil {
		return err
	}
	return modelspec.Coded(json.Unmarshal(b, m), modelspec.ErrInvalid)
}
