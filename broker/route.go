package broker

// route is who matches one (source, type), as far as that does not depend on
// the event.
type route struct {
	source, typ  string
	needs, tells bool
	tell         []*Handle // DropOldest
	required     []*Handle
	block        []*Handle
	pools        []*pool // the groups, of all three kinds
}

func newRoute(source, typ string, found []*Handle) *route {
	r := &route{source: source, typ: typ}
	var tell, required, block int
	for _, h := range found {
		switch {
		case h.group != nil:
		case h.sub.Required:
			required++
		case h.sub.Overflow == Block:
			block++
		default:
			tell++
		}
	}
	all := make([]*Handle, tell+required+block)
	r.tell, all = all[:0:tell], all[tell:]
	r.required, all = all[:0:required], all[required:]
	r.block = all[:0:block]
	for _, h := range found {
		r.add(h)
	}
	return r
}

func (r *route) add(h *Handle) {
	needs := h.sub.Required || h.sub.Overflow == Block
	r.needs, r.tells = r.needs || needs, r.tells || !needs
	switch {
	case h.group != nil:
		r.pool(h.group).add(h)
	case h.sub.Required:
		r.required = append(r.required, h)
	case h.sub.Overflow == Block:
		r.block = append(r.block, h)
	default:
		r.tell = append(r.tell, h)
	}
}

// pool is that of g: a new one if there is none.
func (r *route) pool(g *group) *pool {
	if p := r.find(g.name); p != nil {
		return p
	}
	p := &pool{group: g}
	r.pools = append(r.pools, p)
	return p
}

// find returns the pool of the group, or nil.
func (r *route) find(name string) *pool {
	for _, p := range r.pools {
		if p.group.name == name {
			return p
		}
	}
	return nil
}
