// Package policy calls a port as patiently as its Policy says:
// timeout(retry(breaker(call))).
//
// A [Guard] belongs to the host and to one port of one model, not to a version
// of a component: a reload does not forget that a service is down. Breakers
// are per arm, so that a bad canary does not shut the port for the rest.
//
// # Time
//
// The context that is given to Do ends at Guard.Timeout, and with it every
// attempt and every wait: cancellation reaches the adapter, since the context
// is the adapter's own. [Context] is such a context without a timer. Do returns
// when the adapter does: what an adapter answers after its time is still the
// answer, and one that minds no context keeps its caller, and only that.
//
// # Retries
//
// The callee says whether asking again may help: modelspec.Transient. A wait
// is between half and one and a half of Policy.Backoff, which doubles each
// time up to a minute (or stays, if it is longer). All waits of one Do together
// are not longer than Timeout. No retry is waited for that would begin at the
// context's deadline or later: the error is returned at once instead. An open
// breaker is not asked again.
//
// All calls of a guard share a budget, so that a service that is down is not
// asked several times by everybody. It holds 100 retries at most, and that is
// what it begins with; each Do earns a fifth of one, and each second brings 10.
// So N calls in S seconds retry at most 100 + N/5 + 10*S times.
//
// # Breakers
//
// A result of a call through a closed breaker is one of three things:
//
//   - a failure: an error of a code that is in Codes, or a transient one;
//   - nothing: the caller went away, or an error that says that nothing was
//     asked of the service and that asking again would not help;
//   - an answer: everything else, a refusal too.
//
// A failure counts in the row of its code if that is in Codes, else in the one
// row of all other codes, which Failures limits. An answer ends all rows; a
// failure of another code does not: a service that fails now this way, now that
// way, does not look like one that works. Rate looks at both, in tenths of
// Window, each time that a call fails. If Failures and Rate are zero, a failure
// of a code that is not in Codes is an answer.
//
// An open breaker lets nothing through for Breaker.Open, and then one call, the
// probe. An answer closes it, a failure leaves it open for as long again, and
// nothing lets the next call be the probe. So does a probe that has not
// returned when its context ends, or after Guard.Timeout; what it returns later
// counts for nothing, as do calls that began before the breaker opened.
//
// A call that is answered through a closed breaker takes no lock and reads no
// clock, unless the breaker has a Rate (a short lock and one reading) or the
// call before it failed (a short lock).
//
// # Events
//
// Guard.Notify is told, in the goroutine of the call and under no lock, what
// [Event] says. One goroutine's events come in their order; those of different
// goroutines may overtake each other, and Guard.Breakers tells what is.
package policy
