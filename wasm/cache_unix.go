//go:build unix

package wasm

import (
	"io/fs"
	"os"
	"syscall"
)

// exposed says how somebody else could write to a directory, or "".
func exposed(info fs.FileInfo) string {
	if info.Mode().Perm()&0o022 != 0 {
		return "can be written by others (mode " + info.Mode().Perm().String() + ")"
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok && int(st.Uid) != os.Geteuid() {
		return "belongs to another user"
	}
	return ""
}
