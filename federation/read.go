package federation

import (
	"encoding/json"
	"time"

	"github.com/org/aegis/modelspec"
)

// The readers accept one strict JSON object: no member twice, none that
// differs from another in letter case only, valid UTF-8, at most 64 deep,
// nothing behind it. Members they do not know are passed over, so that a newer
// peer can send more. What they return refers to the frame.

func readCall(b []byte) (c modelspec.Call, err error) {
	m, err := strict(b)
	for err == nil {
		var name, v []byte
		if name, v, err = m.next(); name == nil || err != nil {
			break
		}
		switch string(name) {
		case "op":
			var s string
			s, err = text(v)
			c.Op = modelspec.Op(s)
		case "model":
			c.Model, err = text(v)
		case "port":
			c.Port, err = text(v)
		case "id":
			c.ID, err = text(v)
		case "key":
			c.Key, err = text(v)
		case "undoes":
			c.Undoes, err = text(v)
		case "now":
			c.Now, err = readTime(v)
		case "deadline":
			c.Deadline, err = readTime(v)
		case "caller":
			c.Caller, err = readCaller(v)
		case "trace":
			c.Trace, err = text(v)
		case "cause":
			c.Cause, err = text(v)
		case "doc":
			c.Doc = value(v)
		case "prev":
			c.Prev = value(v)
		case "answer":
			c.Answer = value(v)
		case "arg":
			c.Arg = value(v)
		default:
			err = stray(name, "op", "model", "port", "id", "key", "undoes", "now", "deadline", "caller", "trace", "cause", "doc", "prev", "answer", "arg")
		}
	}
	return c, err
}

// readReply reads a reply. A doc that is null is kept as a Value, so that it
// is told from none: none means unchanged, and null is refused.
func readReply(b []byte) (r modelspec.Reply, err error) {
	m, err := strict(b)
	for err == nil {
		var name, v []byte
		if name, v, err = m.next(); name == nil || err != nil {
			break
		}
		switch string(name) {
		case "doc":
			r.Doc = modelspec.FromJSON(v)
		case "result":
			r.Result = value(v)
		case "error":
			r.Error, err = readError(v)
		default:
			err = stray(name, "doc", "result", "error")
		}
	}
	return r, err
}

// readEffect reads an effect. Its Arg does not refer to the frame: the host
// keeps events longer than an engine its buffers.
func readEffect(b []byte) (e modelspec.Effect, err error) {
	m, err := strict(b)
	for err == nil {
		var name, v []byte
		if name, v, err = m.next(); name == nil || err != nil {
			break
		}
		var s string
		switch string(name) {
		case "verb":
			s, err = text(v)
			e.Verb = modelspec.Verb(s)
		case "target":
			e.Target, err = text(v)
		case "key":
			e.Key, err = text(v)
		case "arg":
			if e.Arg = nil; !isNull(v) {
				e.Arg = modelspec.FromJSON(append([]byte(nil), v...))
			}
		default:
			err = stray(name, "verb", "target", "key", "arg")
		}
	}
	return e, err
}

func strict(b []byte) (members, error) {
	if err := modelspec.CheckJSON(b); err != nil {
		return members{}, err
	}
	return open(b)
}

func readError(b []byte) (*modelspec.Error, error) {
	if isNull(b) {
		return nil, nil
	}
	e := &modelspec.Error{}
	m, err := open(b)
	for err == nil {
		var name, v []byte
		if name, v, err = m.next(); name == nil || err != nil {
			break
		}
		var s string
		switch string(name) {
		case "code":
			s, err = text(v)
			e.Code = modelspec.Code(s)
		case "message":
			e.Message, err = text(v)
		case "fields":
			e.Fields, err = readFields(v)
		case "notSent":
			switch string(v) {
			case "true":
				e.NotSent = true
			case "false", "null":
				e.NotSent = false
			default:
				err = errShape
			}
		default:
			err = stray(name, "code", "message", "fields", "notSent")
		}
	}
	return e, err
}

// readFields is for the rare error that has any.
func readFields(b []byte) (fs []modelspec.FieldError, err error) {
	if err := json.Unmarshal(b, &fs); err != nil {
		return nil, errShape
	}
	return fs, nil
}

func readTime(b []byte) (t time.Time, err error) {
	if err := t.UnmarshalJSON(b); err != nil {
		return t, invalid("not a time: %s", clip(string(b), 64))
	}
	return t, nil
}

func readCaller(b []byte) (*modelspec.Caller, error) {
	if isNull(b) {
		return nil, nil
	}
	c := &modelspec.Caller{}
	m, err := open(b)
	for err == nil {
		var name, v []byte
		if name, v, err = m.next(); name == nil || err != nil {
			break
		}
		switch string(name) {
		case "subject":
			c.Subject, err = text(v)
		case "tenant":
			c.Tenant, err = text(v)
		case "claims":
			c.Claims = nil
			if json.Unmarshal(v, &c.Claims) != nil {
				err = errShape
			}
		default:
			err = stray(name, "subject", "tenant", "claims")
		}
	}
	return c, err
}
