package orchestration

import (
	"slices"
	"time"

	"github.com/org/aegis/modelspec"
)

// readPolicy reads changes of a policy: what is not named stays as it is.
func readPolicy(v value) (edits []func(*modelspec.Policy)) {
	type policy = modelspec.Policy
	edit := func(f func(*policy)) { edits = append(edits, f) }
	length := func(to func(*policy) *time.Duration) func(value) {
		return span(func(f func(*time.Duration)) { edit(func(p *policy) { f(to(p)) }) })
	}
	count := func(set func(*policy, int)) func(value) {
		return func(v value) {
			if n, ok := v.count(); ok {
				edit(func(p *policy) { set(p, n) })
			}
		}
	}
	v.fields(map[string]func(value){
		"timeout": length(func(p *policy) *time.Duration { return &p.Timeout }),
		"retries": count(func(p *policy, n int) { p.Retries = n }),
		"backoff": length(func(p *policy) *time.Duration { return &p.Backoff }),
		"breaker": func(v value) {
			v.fields(map[string]func(value){
				"failures": count(func(p *policy, n int) { p.Breaker.Failures = uint32(n) }),
				"open":     length(func(p *policy) *time.Duration { return &p.Breaker.Open }),
				"rate":     count(func(p *policy, n int) { p.Breaker.Rate = uint32(n) }),
				"volume":   count(func(p *policy, n int) { p.Breaker.Volume = uint32(n) }),
				"window":   length(func(p *policy) *time.Duration { return &p.Breaker.Window }),
				"codes": func(v value) {
					codes := readThresholds(v)
					edit(func(p *policy) { p.Breaker.Codes = slices.Clone(codes) })
				},
			})
		},
	})
	return edits
}

func readThresholds(v value) (out []modelspec.Threshold) {
	v.each("a list of code and failures", func(e value) {
		var t modelspec.Threshold
		ok := e.fields(map[string]func(value){
			"code": func(v value) {
				w, _ := v.word()
				t.Code = modelspec.Code(w)
			},
			"failures": func(v value) {
				n, _ := v.count()
				t.Failures = uint32(n)
			},
		})
		for _, need := range []string{"code", "failures"} {
			if ok && e.get(need) == nil {
				e.wrong("", "%s is missing", need)
			}
		}
		out = append(out, t)
	})
	return out
}
