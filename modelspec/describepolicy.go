package modelspec

import (
	"slices"
	"time"
)

func (c *describer) policy(where string, p *Policy) {
	b := &p.Breaker
	for _, t := range []struct {
		name string
		d    time.Duration
	}{{"timeout", p.Timeout}, {"backoff", p.Backoff}, {"breaker.open", b.Open}, {"breaker.window", b.Window}} {
		if t.d < 0 || t.d > maxTimeout {
			c.wrong(where, "policy: %s %v: write 0 to 24h", t.name, t.d)
		}
	}
	if p.Retries < 0 || p.Retries > maxRetries {
		c.wrong(where, "policy: retries %d: write 0 to %d", p.Retries, maxRetries)
	}
	if b.Failures > maxFailures || b.Volume > maxFailures {
		c.wrong(where, "policy: breaker: failures %d, volume %d: write 0 to %d", b.Failures, b.Volume, maxFailures)
	}
	if b.Rate > 100 {
		c.wrong(where, "policy: breaker.rate %d: write 0 to 100 percent", b.Rate)
	}
	for i, t := range b.Codes {
		if !IsCode(t.Code) || t.Failures == 0 || t.Failures > maxFailures {
			c.wrong(where, "policy: breaker.codes: %q after %d: write an error code and 1 to %d failures", t.Code, t.Failures, maxFailures)
		}
		if slices.ContainsFunc(b.Codes[:i], func(o Threshold) bool { return o.Code == t.Code }) {
			c.wrong(where, "policy: breaker.codes: %s: twice: take one out", t.Code)
		}
	}
	if b.None() && b.Open != 0 {
		c.wrong(where, "policy: breaker.open without breaker.failures is no breaker: write after how many failures it opens")
	}
	if b.Rate == 0 && (b.Volume != 0 || b.Window != 0) {
		c.wrong(where, "policy: breaker.volume and breaker.window belong to breaker.rate: write it, or take them out")
	}
}
