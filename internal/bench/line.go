package main

import (
	"context"
	"time"
)

// line is one comparison. It may fill several rows of the table.
type line struct {
	name string
	run  func(ctx context.Context, p plan) ([]row, error)
}

// row is one row of the table, as text.
type row struct {
	name, ours, baseline, ratio, goal string
	verdict                           verdict
}

type verdict string

const (
	met    verdict = "met"
	missed verdict = "MISSED"
	noted  verdict = "" // there is no goal
)

// unlisted stands where a row has nothing to say.
const unlisted = "-"

func judge(ok bool) verdict {
	if ok {
		return met
	}
	return missed
}

// plan says how long to measure.
type plan struct {
	rounds   int           // of ours and the baseline in turns; odd, for a median
	slice    time.Duration // of one side in one round
	switches int           // in one phase of the replacement, of which there are phases and one to warm up
	phases   int
	requests int           // at least, while all the switches happen
	parked   int           // flows that wait for replies
	due      int           // documents that a killed process leaves behind
	load     time.Duration // of one phase in which flows begin
}

// The plans of the command.
var (
	patient = plan{rounds: 21, slice: 120 * time.Millisecond, switches: 20, phases: 10, requests: 120_000, parked: 10_000, due: 100_000, load: time.Second}
	hasty   = plan{rounds: 7, slice: 40 * time.Millisecond, switches: 20, phases: 10, requests: 120_000, parked: 10_000, due: 20_000, load: 400 * time.Millisecond}
)

// lines are all comparisons, in the order of the table.
func lines() []line {
	return []line{
		{"native inbound port", inboundLine},
		{"native inbound port that calls an outbound one", askingLine},
		{"native outbound port", outboundLine},
		{"generation seam", seamLine},
		{"broker", brokerLine},
		{"GET by id over http", getLine},
		{"POST create over http on badger", createLine},
		{"guest echo of 1 KiB", guestLine},
		{"hot replacement", replaceLine},
		{"durable step", durableLine},
		{"flows parked on replies", parkedLine},
		{"resume after kill -9", resumeLine},
		{"1 of 10 providers hangs", hangingLine},
		{"wildcard publish", wildcardLine},
	}
}
