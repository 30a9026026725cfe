package modelspec

// input finds what a caller has set or changed though it is readOnly: the JSON
// half of Spec.CheckInput.
func (c *checker) input(has marked, s *Schema, was, is []byte) {
	if !has[s] || len(c.fails) >= maxFields {
		return
	}
	s = s.inner(c.root)
	if len(is) == 0 || is[0] != '{' {
		is = nil
	}
	if len(was) == 0 || was[0] != '{' {
		was = nil
	}
	old, now := membersOf(was), membersOf(is)
	one := func(name, w, v []byte) {
		p := s.Properties[string(name)]
		if p == nil {
			p = s.AdditionalProperties
		}
		if p == nil {
			return
		}
		c.path = append(c.path, token{name: name})
		if !p.ReadOnly {
			if v != nil { // an object or entry may be taken out as a whole
				c.input(has, p, w, v)
			}
		} else if empty := func(v []byte) bool { return v == nil || c.empty(p, v) }; !(empty(w) && empty(v)) &&
			(w == nil || v == nil || !c.same(p, w, v)) {
			c.fail(hostOnly())
		}
		c.path = c.path[:len(c.path)-1]
	}
	for cur := open(is); ; {
		name, v, ok := cur.member()
		if !ok {
			break
		}
		one(name, old.get(name), v)
	}
	for cur := open(was); ; {
		name, w, ok := cur.member()
		if !ok {
			break
		}
		if now.get(name) == nil {
			one(name, w, nil)
		}
	}
}
