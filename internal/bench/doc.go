// Command bench prints what aegis costs beside what it would cost without it,
// one line for each promise about speed:
//
//	go run .              the whole table, in less than four minutes
//	go run . -short       the same with less patience, for CI
//	go run . -only http   the lines whose names match
//
// Ours and the baseline of a line run in the same process and in turns, so
// that whatever disturbs the machine disturbs both; a ratio is the median over
// the rounds. Beside it stands the goal, and whether it is met. The exit code
// is 1 where a goal is missed, and 2 where a line could not run.
//
// It is a module of its own, so that what it compares with is no requirement
// of aegis.
package main
