package flow_test

// refEnd is how a step ends, if its flow lets it.
type refEnd struct {
	at    int
	end   refOutcome
	mark  string
	vague bool
}

type refOutcome int

const (
	refDone    refOutcome = iota
	refRefused            // had no effect
	refLate               // may have had one: the flow is taken back
	refStuck              // a person must look
)

// when says when the service acts, and when it answers, if asked from at on.
func (a graphAct) when(at int) (acts, answers int) {
	switch {
	case a.Kind == actOK || at >= a.Until:
		return at, at
	case a.Kind == actMute:
		return at, a.Until
	}
	return a.Until, a.Until
}

// come says what becomes of the step, and notes its effects.
func (s *refStep) come() refEnd {
	switch p := s.port; {
	case p.In:
		return s.handler()
	case p.Await != nil:
		return s.awaits()
	case p.Else != nil || p.Default:
		return s.instead()
	default:
		return s.asks(p.Name, p.Does, s.asked)
	}
}

// does notes an effect.
func (s *refStep) does(what string, at int, away bool) *refEffect {
	x := &refEffect{what: what, at: at, undo: s.port.Undo || s.port.In, away: away}
	s.acts = append(s.acts, x)
	return x
}

// asks is the plain case.
func (s *refStep) asks(what string, a graphAct, at int) refEnd {
	if a.Kind == actRefuse {
		return refEnd{at: at, end: refRefused}
	}
	acts, answers := a.when(at)
	s.does(what, acts, a.Kind == actAway)
	switch {
	case answers < graphForever:
		return refEnd{at: answers, mark: what}
	case a.Kind == actAway:
		return refEnd{at: answers, end: refStuck}
	}
	return refEnd{at: answers, end: refLate}
}

// instead is a port with a fallback, or a default answer.
func (s *refStep) instead() refEnd {
	p, at := s.port, s.asked
	away := p.Does.Kind == actAway && at < p.Does.Until
	if p.Does.Kind != actRefuse && !away {
		return s.asks(p.Name, p.Does, at)
	}
	if p.Default {
		return refEnd{at: at, mark: p.Name + "d"}
	}
	if away && p.Else.Kind == actAway && p.Does.Until <= p.Else.Until {
		return s.asks(p.Name, p.Does, at)
	}
	return s.asks(p.Name+"f", *p.Else, at)
}

// handler is an inbound port: it makes its call, if it has one, and then does
// as it does.
func (s *refStep) handler() refEnd {
	p, at, unknown := s.port, s.asked, false
	if p.Calls != nil {
		e := s.asks(p.Name+"c", *p.Calls, at)
		if e.end != refDone {
			return e
		}
		unknown = p.Calls.Kind != actAway && e.at > at
		s.acts[0].away = false // it is written down before it is made
		at = e.at
	}
	if p.Does.Kind == actRefuse {
		return refEnd{at: at, end: refRefused}
	}
	_, answers := p.Does.when(at)
	switch {
	case answers < graphForever:
		return refEnd{at: answers, mark: p.Name + "h"}
	case p.Does.Kind == actAway && !unknown:
		return refEnd{at: answers, end: refStuck}
	}
	return refEnd{at: answers, end: refLate}
}

// awaits is a port that is answered later.
func (s *refStep) awaits() refEnd {
	p := s.port
	if p.Does.Kind == actRefuse {
		return refEnd{at: s.asked, end: refRefused}
	}
	acts, parks := p.Does.when(s.asked)
	s.does(p.Name, acts, p.Does.Kind == actAway).gone = p.Await.Refuse && p.Await.After >= 0
	answer, limit := graphForever, graphForever
	if p.Await.After >= 0 && acts < graphForever {
		answer = acts + p.Await.After
	}
	if p.Await.For > 0 && parks < graphForever {
		limit = parks + p.Await.For
	}
	switch {
	case answer < limit && p.Await.Refuse:
		return refEnd{at: answer, end: refRefused}
	case answer < limit:
		return refEnd{at: answer, mark: p.Name}
	case parks == graphForever && p.Does.Kind == actAway:
		return refEnd{at: parks, end: refStuck}
	}
	return refEnd{at: limit, end: refLate, vague: answer == limit && limit < graphForever}
}
