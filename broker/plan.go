package broker

import (
	"fmt"
	"time"

	"github.com/org/aegis/modelspec"
)

// What a Subscription may ask for.
const (
	defaultQueue = 256
	maxQueue     = 1 << 20
	maxIgnore    = 64
	maxGroup     = 256 // bytes
	maxDelay     = 366 * 24 * time.Hour
)

// plan is the compiled part of a Subscription.
type plan struct {
	pattern pattern
	ignore  []pattern
	sieve   *sieve
}

// check completes s and compiles it, or says what is wrong with it.
func (s *Subscription) check() (*plan, error) {
	p, err := parsePattern("/Pattern", s.Pattern)
	if err != nil {
		return nil, err
	}
	if s.Name == "" {
		s.Name = s.Pattern
	}
	if err := s.checkFields(); err != nil {
		return nil, err
	}
	if s.Queue == 0 {
		s.Queue = defaultQueue
	}
	ignore, err := s.parseIgnore(p)
	if err != nil {
		return nil, err
	}
	sieve, err := s.Filter.compile()
	if err != nil {
		return nil, fmt.Errorf("broker: subscribe %s to %q: %w", s.Name, s.Pattern, err)
	}
	return &plan{p, ignore, sieve}, nil
}

func (s *Subscription) checkFields() error {
	switch {
	case s.Handler == nil:
		return s.invalid("/Handler", "it is nil: set the function that takes the events")
	case s.Required && (s.Queue != 0 || s.Overflow != DropOldest):
		return s.invalid("/Queue", "a Required subscription is called by the publisher: leave Queue and Overflow zero, or Required false")
	case s.Queue < 0 || s.Queue > maxQueue:
		return s.invalid("/Queue", fmt.Sprintf("%d: use 1 to %d, or zero for %d", s.Queue, maxQueue, defaultQueue))
	case s.Overflow != DropOldest && s.Overflow != Block:
		return s.invalid("/Overflow", fmt.Sprintf("%d: use DropOldest or Block", int(s.Overflow)))
	case len(s.Group) > maxGroup:
		return s.invalid("/Group", fmt.Sprintf("it is %d bytes long: use at most %d", len(s.Group), maxGroup))
	case s.Delay < 0 || s.Delay > maxDelay:
		return s.invalid("/Delay", fmt.Sprintf("%v: use up to %v, or zero for none", s.Delay, maxDelay))
	case len(s.Ignore) > maxIgnore:
		return s.invalid("/Ignore", fmt.Sprintf("it has %d patterns: use at most %d", len(s.Ignore), maxIgnore))
	}
	return nil
}

func (s *Subscription) parseIgnore(of pattern) ([]pattern, error) {
	var out []pattern
	for i, text := range s.Ignore {
		p, err := parsePattern(fmt.Sprintf("/Ignore/%d", i), text)
		if err != nil {
			return nil, err
		}
		if of.exact() && p.match(s.Pattern) {
			return nil, s.invalid(fmt.Sprintf("/Ignore/%d", i), fmt.Sprintf("%q leaves nothing of the pattern", text))
		}
		out = append(out, p)
	}
	return out, nil
}

func (s *Subscription) invalid(field, why string) error {
	return fmt.Errorf("broker: subscribe %s to %q: %w", s.Name, s.Pattern, modelspec.Invalid(field, why))
}
