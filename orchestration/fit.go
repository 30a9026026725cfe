package orchestration

import (
	"slices"
	"strings"

	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
)

// fit makes the models as they would be, and checks them one by one and
// together. What concerns a model that cannot be made so is left out.
func (c *compiler) fit() {
	var was, is []*modelspec.Spec
	for _, name := range c.models() {
		s := c.specs[name]
		was = append(was, s)
		if c.drafts[name] == nil {
			is = append(is, s)
			continue
		}
		next, err := c.with(s, nil)
		if err != nil { // the ports that it is not about may have mistakes too
			next, err = c.with(s, c.refused(name, err))
		}
		if err != nil {
			c.failed[name] = true
			next = s
		}
		is = append(is, next)
	}
	known := map[string]bool{}
	for _, m := range federation.Misfits(was) {
		known[m.Error()] = true
	}
	for _, m := range federation.Misfits(is) {
		if m.Circle != nil {
			c.circle(&m, known[m.Error()])
		} else if !c.doubtful(&m) {
			c.misfit(&m, known[m.Error()])
		}
	}
}

// with changes a model, but for some of its ports.
func (c *compiler) with(s *modelspec.Spec, without []string) (*modelspec.Spec, error) {
	return s.With(func(m *modelspec.Descriptor) error {
		c.d.apply(m, &collector{}) // its mistakes are told already
		for _, name := range without {
			if p := s.Port(name); p != nil {
				*find(m, name) = *p
			}
			c.spoilt[m.Name+"."+name] = true
		}
		return nil
	})
}

// doubtful reports whether a mistake may come of another one, which is told.
func (c *compiler) doubtful(m *federation.Misfit) bool {
	if c.failed[m.Model] || c.spoilt[m.Model+"."+m.Port] {
		return true
	}
	d := c.drafts[m.Source]
	return d != nil && m.Member == "event" && slices.Contains(federation.Events(d), m.Event)
}

// refused tells what a model says of its changes, each at its place, where
// that has no mistake yet, and returns the ports that it is about.
func (c *compiler) refused(model string, err error) (ports []string) {
	told := slices.Clone(c.list)
	for line := range strings.SplitSeq(err.Error(), "\n") {
		at, what := c.place(model), strings.TrimPrefix(line, "model "+model+": ")
		if rest, ok := strings.CutPrefix(what, "port "); ok {
			if port, text, ok := strings.Cut(rest, ": "); ok {
				at, what = c.part(model, port, text)
				ports = append(ports, port)
			}
		}
		if !slices.ContainsFunc(told, func(e *Error) bool { return at.path != "" && strings.HasPrefix(e.Path, at.path) }) {
			at.wrong("", "%s", what)
		}
	}
	return ports
}

// part finds the place of which a model says something, which begins with the
// members that it is about, and leaves these out where a colon follows.
func (c *compiler) part(model, port, what string) (value, string) {
	at := c.place(model)
	own := c.d.port(model, port)
	if own != nil {
		at = value{own.key, own.path, &c.collector}
	}
	_, s := c.d.step(model, port)
	if s != nil {
		at = s.in(&c.collector)
	}
	if rest, ok := strings.CutPrefix(what, "undo: policy: "); ok {
		what = "undoPolicy: " + rest
	}
	word := member(what)
	if word == "from" {
		word = "on"
	}
	switch {
	case own.has(word):
		at = value{own.get(word), under(own.path, word), &c.collector}
	case s != nil && s.get(word) != nil:
		at = value{s.get(word), under(s.path, word), &c.collector}
	default:
		return at, what
	}
	for {
		rest := strings.TrimPrefix(what, word)
		if !strings.HasPrefix(rest, ": ") && !strings.HasPrefix(rest, ".") {
			return at, what
		}
		what = strings.TrimPrefix(strings.TrimPrefix(rest, ":"), ".")
		what = strings.TrimPrefix(what, " ")
		if word = member(what); at.get(word) == nil {
			return at, what
		}
		at = value{at.get(word), under(at.path, word), &c.collector}
	}
}

// member is the word that a message begins with.
func member(what string) string {
	i := strings.IndexAny(what, " :.")
	if i < 0 {
		return what
	}
	return what[:i]
}

func (p *port) has(key string) bool { return p != nil && p.get(key) != nil }

// misfit tells a mistake between models, where the document made it.
func (c *compiler) misfit(m *federation.Misfit, known bool) {
	text := "event " + m.Event + ": " + m.Message
	if m.Member == "event" && c.specs[m.Source] == nil {
		text = "no model " + m.Source + " is loaded that could publish " + m.Event + ": write source, if it comes from outside"
	}
	if p := c.d.port(m.Model, m.Port); p != nil {
		for i := range p.triggers {
			if t := &p.triggers[i]; t.Event == m.Event && (t.own() && m.Source == m.Model || t.Origin() == m.Source) {
				t.at(m.Member).in(&c.collector).wrong(m.Suggestion, "%s", text)
				return
			}
		}
	}
	if f, s := c.d.step(m.Model, m.Port); s != nil {
		at := s.value
		if m.Member != "" && f.start.Event == m.Event {
			at = f.start.at(m.Member)
		}
		at.in(&c.collector).wrong(m.Suggestion, "%s", text)
		return
	}
	if !known {
		c.cause(m.Source, m.Event).wrong(m.Suggestion, "%s", m.Error())
	}
}

// circle tells ports that run one another, at one that the document speaks of.
func (c *compiler) circle(m *federation.Misfit, known bool) {
	for _, name := range slices.Compact(slices.Clone(m.Circle)) {
		model, port, _ := strings.Cut(name, ".")
		if _, s := c.d.step(model, port); s != nil {
			s.in(&c.collector).wrong("", "%s", m.Message)
			return
		}
		if p := c.d.port(model, port); p != nil {
			at := value{p.key, p.path, &c.collector}
			for _, k := range [...]string{"on", "produces"} {
				if n := p.get(k); n != nil {
					at = value{n, under(p.path, k), &c.collector}
					break
				}
			}
			at.wrong("", "%s", m.Message)
			return
		}
	}
	if !known {
		c.place(m.Model).wrong("", "%s", m.Message)
	}
}
