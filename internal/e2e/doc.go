// Package e2e holds the tests that need child processes or a module outside
// the repository. They have the build tag e2e:
//
//	go test -tags e2e ./internal/e2e/...
//
// A module of its own that requires the library is written, built and run, so
// the go command must be in PATH and able to find the library's dependencies.
package e2e
