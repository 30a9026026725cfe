package httpapi

import (
	"hash/maphash"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/org/aegis/modelspec"
)

// limiter is a token bucket per caller in a table of fixed size. A cell holds
// the time at which its bucket is full again (the generic cell rate algorithm,
// ITU-T I.371), so that it refills by itself and needs no sweeping. Every
// caller has a cell in each of two rows, and is refused where both are empty:
// to starve somebody, others must empty both of his cells and only those.
//
// Safe for concurrent use, without locks.
type limiter struct {
	start    time.Time
	interval int64 // ns that one request costs
	burst    int64 // ns that may be owed
	loopback bool  // limit nameless callers on loopback, too
	seed     maphash.Seed
	rows     [2][limiterCells]atomic.Int64
}

const limiterCells = 8192 // a power of two

// newLimiter returns nil where r is no limit.
func newLimiter(r Rate) *limiter {
	if r.PerSecond < 0 {
		return nil
	}
	l := &limiter{start: time.Now(), seed: maphash.MakeSeed(), loopback: r.PerSecond > 0}
	if r.PerSecond == 0 {
		r.PerSecond = defaultRate
	}
	if r.Burst <= 0 {
		r.Burst = max(1, int(min(2*r.PerSecond, 1e9)))
	}
	l.interval = max(1, int64(float64(time.Second)/max(r.PerSecond, 1e-6)))
	l.burst = l.interval * int64(min(r.Burst, int(int64(1)<<62/l.interval)))
	return l
}

// take asks for one request. A refusal says after what time to ask again.
func (l *limiter) take(key uint64) (wait time.Duration, ok bool) {
	now := int64(time.Since(l.start))
	first := l.charge(&l.rows[0][key%limiterCells], now)
	second := l.charge(&l.rows[1][key>>32%limiterCells], now)
	wait = time.Duration(min(first, second))
	return wait, wait <= 0
}

// charge takes one request from a cell, unless the cell is empty; then it
// returns the ns until it no longer is.
func (l *limiter) charge(cell *atomic.Int64, now int64) int64 {
	for {
		was := cell.Load()
		is := max(was, now) + l.interval
		if wait := is - now - l.burst; wait > 0 {
			return wait
		}
		if cell.CompareAndSwap(was, is) {
			return 0
		}
	}
}

// callerKey is whom a request is counted for. ok is false where it is not
// counted at all.
func (l *limiter) callerKey(c *modelspec.Caller, remote string) (key uint64, ok bool) {
	var h maphash.Hash
	h.SetSeed(l.seed)
	if c != nil && (c.Subject != "" || c.Tenant != "") {
		h.WriteByte('c')
		h.WriteString(c.Tenant)
		h.WriteByte(0)
		h.WriteString(c.Subject)
		return h.Sum64(), true
	}
	h.WriteByte('a')
	ap, err := netip.ParseAddrPort(remote)
	if err != nil {
		h.WriteString(remote) // a unix socket, or a test: one caller
		return h.Sum64(), true
	}
	a := ap.Addr().Unmap()
	if a.IsLoopback() && !l.loopback {
		return 0, false
	}
	if a.Is6() {
		p, _ := a.WithZone("").Prefix(64)
		a = p.Addr()
	}
	b := a.As16()
	h.Write(b[:])
	return h.Sum64(), true
}
