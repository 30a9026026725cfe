package main

import (
	"fmt"
	"io"
	"strings"
)

const columns = "%-50s %12s %12s %9s  %-22s %s\n"

func printHead(w io.Writer) {
	_, _ = fmt.Fprintf(w, columns, "", "ours", "baseline", "ratio", "goal", "")
	_, _ = fmt.Fprintln(w, strings.Repeat("-", 116))
}

func printRow(w io.Writer, r row) {
	_, _ = fmt.Fprintf(w, columns, r.name, r.ours, r.baseline, r.ratio, r.goal, r.verdict)
}

// atMost is the row of what may cost up to limit times the baseline.
func atMost(name string, r result, limit float64) row {
	return row{name, duration(r.ours), duration(r.baseline), fmt.Sprintf("%.2fx", r.ratio),
		fmt.Sprintf("at most %gx", limit), judge(r.ratio <= limit)}
}

// faster is the row of what must be limit times as fast as the baseline.
func faster(name string, r result, limit float64) row {
	return row{name, duration(r.ours), duration(r.baseline), fmt.Sprintf("%.1fx", 1/r.ratio),
		fmt.Sprintf("%gx as fast", limit), judge(1/r.ratio >= limit)}
}

// throughput is the row of what must reach share of the baseline's throughput.
func throughput(name string, r result, share float64) row {
	return row{name, rate(r.ours), rate(r.baseline), fmt.Sprintf("%.0f %%", 100/r.ratio),
		fmt.Sprintf("at least %.0f %%", 100*share), judge(1/r.ratio >= share)}
}

// count is the row of a number that has a limit.
func count(name string, n, limit float64) row {
	return row{name: "  " + name, ours: fmt.Sprintf("%.4g", n), baseline: unlisted, ratio: unlisted,
		goal: fmt.Sprintf("at most %g", limit), verdict: judge(n <= limit)}
}

// duration writes nanoseconds with three digits.
func duration(ns float64) string {
	switch {
	case ns < 1e3:
		return fmt.Sprintf("%.3g ns", ns)
	case ns < 999.5e3:
		return fmt.Sprintf("%.3g µs", ns/1e3)
	}
	return fmt.Sprintf("%.3g ms", ns/1e6)
}

// rate writes the throughput of operations that take ns.
func rate(ns float64) string { return fmt.Sprintf("%.0f/s", 1e9/ns) }
