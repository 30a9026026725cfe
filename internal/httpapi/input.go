package httpapi

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/org/aegis/modelspec"
)

// hostMembers are what the host adds to a document, beside its id.
var hostMembers = [...]string{"createTime", "updateTime", "modelName"}

// checkText refuses what is not strict JSON.
func checkText(b []byte) error {
	if err := modelspec.CheckJSON(b); err != nil {
		return &failure{status: http.StatusBadRequest, err: err}
	}
	return nil
}

// checkSyntax refuses what is not one strict JSON object.
func checkSyntax(body []byte) error {
	if err := checkText(body); err != nil {
		return err
	}
	if !isObject(body) {
		return invalid(modelspec.FieldError{Rule: "type", Detail: "must be a JSON object"})
	}
	return nil
}

// checkArgument checks the argument of a port.
func checkArgument(s *modelspec.Schema, body []byte) error {
	if err := checkText(body); err != nil {
		return err
	}
	if s == nil {
		return nil
	}
	return s.CheckBody(body, modelspec.ModeArgument)
}

// checkCreate checks the body of a creation and takes the id out of it, which
// is empty where the host chooses.
func (m *resource) checkCreate(body []byte) (rest []byte, id string, err error) {
	if err := checkSyntax(body); err != nil {
		return nil, "", err
	}
	body, host, err := m.split(body)
	if err != nil {
		return nil, "", err
	}
	bad := refuseHost(host)
	if raw, ok := host["id"]; ok {
		id, bad = m.chosenID(raw, bad)
	}
	return body, id, m.checkRest(body, modelspec.ModeCreate, bad)
}

func (m *resource) chosenID(raw json.RawMessage, bad []modelspec.FieldError) (string, []modelspec.FieldError) {
	if !m.spec.Descriptor().API.ID {
		return "", append(bad, modelspec.FieldError{Pointer: "/id", Rule: "readonly", Detail: "the host chooses it, unless Model.API.ID lets clients"})
	}
	var id string
	if json.Unmarshal(raw, &id) != nil || !validID(id) {
		return "", append(bad, modelspec.FieldError{Pointer: "/id", Rule: "invalid", Detail: idRule})
	}
	return id, bad
}

// checkChange checks the body of a patch or a replacement of the document id.
// What the host adds to every document may come back in a replacement, so that
// a client can send what it read; it is ignored.
func (m *resource) checkChange(body []byte, mode modelspec.Mode, id string) (rest []byte, err error) {
	if err := checkSyntax(body); err != nil {
		return nil, err
	}
	body, host, err := m.split(body)
	if err != nil {
		return nil, err
	}
	var bad []modelspec.FieldError
	if mode == modelspec.ModePatch {
		bad = refuseHost(host)
	} else if raw, ok := host["modelName"]; ok && !spells(raw, m.name) {
		bad = append(bad, modelspec.FieldError{Pointer: "/modelName", Rule: "readonly", Detail: "this is a " + m.name})
	}
	if raw, ok := host["id"]; ok && !spells(raw, id) {
		bad = append(bad, modelspec.FieldError{Pointer: "/id", Rule: "readonly", Detail: "must be absent or the one of the path"})
	}
	return body, m.checkRest(body, mode, bad)
}

// split takes id and the host's members out of a body.
func (m *resource) split(body []byte) (rest []byte, host map[string]json.RawMessage, err error) {
	out := newObject(len(body))
	s := scan(body)
	for s.next() {
		if !m.shape.hosts(s.name) {
			out.add(s.key, s.value)
			continue
		}
		if host == nil {
			host = map[string]json.RawMessage{}
		}
		host[string(s.name)] = s.value
	}
	if s.err != nil {
		return nil, nil, badRequest(s.err.Error())
	}
	if host == nil {
		return body, nil, nil
	}
	return out.end(), host, nil
}

func refuseHost(host map[string]json.RawMessage) (bad []modelspec.FieldError) {
	for _, name := range hostMembers {
		if _, ok := host[name]; ok {
			bad = append(bad, modelspec.FieldError{Pointer: "/" + name, Rule: "readonly", Detail: "the host writes it"})
		}
	}
	return bad
}

func spells(raw json.RawMessage, want string) bool {
	var s string
	return json.Unmarshal(raw, &s) == nil && s == want
}

// checkRest checks a body without id against the schema, and joins what is
// wrong with what is known to be.
func (m *resource) checkRest(body []byte, mode modelspec.Mode, bad []modelspec.FieldError) error {
	if m.schema != nil {
		err := m.schema.CheckBody(body, mode)
		e, ok := errors.AsType[*modelspec.Error](err)
		if err != nil && (!ok || len(e.Fields) == 0) {
			return err
		}
		if ok {
			bad = append(bad, e.Fields...)
		}
	}
	if len(bad) == 0 {
		return nil
	}
	return invalid(bad...)
}

func invalid(fields ...modelspec.FieldError) error {
	return &modelspec.Error{Code: modelspec.ErrInvalid, Message: "the body breaks rules", Fields: fields}
}
