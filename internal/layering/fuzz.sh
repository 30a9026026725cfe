#!/bin/sh
# Runs every fuzz target for a while: FUZZTIME each, 20s unless told.
set -e
grep -rl --include='*_test.go' '^func Fuzz' . | while read -r file; do
	dir=$(dirname "$file")
	sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' "$file" | while read -r name; do
		echo "== $dir $name"
		go test "$dir" -run '^$' -fuzz "^$name\$" -fuzztime "${FUZZTIME:-20s}" -fuzzminimizetime 1x
	done
done
