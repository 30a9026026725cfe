package broker

import "context"

// tellOne gives the event to one member of a DropOldest group.
func (d *delivery) tellOne(e *Event, p *pool) {
	for p != nil {
		open := true
		for _, h := range p.ranked(e, d.broker.table.Load().seed, make([]*Handle, 0, 8)) {
			if !h.plain && !d.admits(e, h) {
				continue
			}
			if open = h.tell(e); open {
				return
			}
			break // it was closed: ask those who are there now
		}
		if open {
			return // it is for nobody
		}
		p = d.now(e, p)
	}
}

// giveOne gives the event to one member of a Required or Block group.
func (d *delivery) giveOne(ctx context.Context, e *Event, p *pool) {
	if !d.concerns(p.group.name) {
		return
	}
	for now := p; now != nil; now = d.now(e, now) {
		switch in, h, err := d.tryOne(ctx, e, now); {
		case err != nil:
			if _, late := LaterOf(err); !late && p.group.required { // what waits in a queue must stay in order
				now.group.failed.add(idOf(e, d.broker.table.Load().seed))
			}
			d.fail(p.group.name, err)
			return
		case in == passed:
			d.pass(p.members[0])
			return
		case in != gone:
			return
		case d.broker.table.Load().closed:
			d.shut(e, p.group.name, h)
			return
		}
	}
}

// tryOne gives the event to the first member that it is for.
func (d *delivery) tryOne(ctx context.Context, e *Event, p *pool) (entry, *Handle, error) {
	for _, h := range p.ranked(e, d.broker.table.Load().seed, make([]*Handle, 0, 8)) {
		if in, err := d.try(ctx, e, h); in != passed {
			return in, h, err
		}
	}
	return passed, nil, nil
}

// now is the group of p after one of its members was closed: nil if no member
// matches any more, or none ever will.
func (d *delivery) now(e *Event, p *pool) *pool {
	t := d.broker.table.Load()
	if t.closed {
		return nil
	}
	return t.lookup(e.Source, e.Type).find(p.group.name)
}

// handOver gives an event that waited for h, which was closed, to another
// member of its group that has room. It does not wait: Close waits for it.
func (h *Handle) handOver(e *Event) bool {
	t := h.broker.table.Load()
	if t.closed {
		return false
	}
	p := t.lookup(e.Source, e.Type).find(h.sub.Group)
	if p == nil {
		return false
	}
	d := delivery{broker: h.broker}
	for _, other := range p.ranked(e, t.seed, make([]*Handle, 0, 8)) {
		if (other.plain || d.admits(e, other)) && other.queue.offer(e) == entered {
			return true
		}
	}
	return false
}
