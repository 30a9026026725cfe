package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"runtime/pprof"
)

func main() {
	if os.Getenv(childDir) != "" {
		os.Exit(childMain(os.Stdout, os.Stderr))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the command: it returns the exit code.
func run(ctx context.Context, args []string, out, errs io.Writer) int {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(errs)
	short := flags.Bool("short", false, "measure for less time, and less exactly")
	only := flags.String("only", "", "run the lines whose names match this `expression`")
	profile := flags.String("cpuprofile", "", "write a CPU profile of all of it to this `file`")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	match, err := regexp.Compile(*only)
	if err != nil {
		_, _ = fmt.Fprintln(errs, "bench: -only:", err)
		return 2
	}
	p := patient
	if *short {
		p = hasty
	}
	if *profile != "" {
		end, err := record(*profile)
		if err != nil {
			_, _ = fmt.Fprintln(errs, "bench: -cpuprofile:", err)
			return 2
		}
		defer end()
	}
	return show(ctx, lines(), match, p, out, errs)
}

// show runs the lines that match, one after the other, and prints each when it
// is done.
func show(ctx context.Context, all []line, match *regexp.Regexp, p plan, out, errs io.Writer) int {
	code := 0
	printHead(out)
	for _, l := range all {
		if !match.MatchString(l.name) {
			continue
		}
		if ctx.Err() != nil {
			return 2
		}
		rows, err := l.run(ctx, p)
		if err != nil {
			_, _ = fmt.Fprintf(errs, "bench: %s: %v\n", l.name, err)
			code = 2
			continue
		}
		for _, r := range rows {
			printRow(out, r)
			if r.verdict == missed && code == 0 {
				code = 1
			}
		}
	}
	return code
}

func record(file string) (end func(), err error) {
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, err
	}
	return func() {
		pprof.StopCPUProfile()
		_ = f.Close()
	}, nil
}
