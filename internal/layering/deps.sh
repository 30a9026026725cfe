#!/bin/sh
# Lists, for each public package, the modules that it links beside this one.
set -e
export GOWORK=off # what a user of this module alone links
for p in . ./modelspec ./federation ./orchestration ./broker ./datasource/memory ./datasource/badger ./wasm ./wasm/guest ./aegistest; do
	echo "$p"
	case $p in ./wasm/guest) export GOOS=wasip1 GOARCH=wasm ;; *) unset GOOS GOARCH ;; esac
	go list -deps -f '{{with .Module}}{{if not .Main}}	{{.Path}} {{.Version}}{{end}}{{end}}' "$p" | sort -u
done
