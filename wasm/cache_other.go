//go:build !unix

package wasm

import "io/fs"

// exposed cannot tell who may write where modes do not say it: the directory
// is as private as its parent.
func exposed(fs.FileInfo) string { return "" }
