//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package file

import (
	"errors"
	"io/fs"
	"os"
)

// lock takes the directory for this Store by a file that must not be there
// yet. A process that was killed leaves it behind: this system has nothing
// better that the standard library knows of.
func lock(root *os.Root) (*os.File, error) {
	f, err := root.OpenFile(lockName, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		holder, _ := root.ReadFile(lockName)
		return nil, held(string(holder[:min(len(holder), 64)]) + ", if that process still runs; if not, remove the file " + lockName)
	}
	if err != nil {
		return nil, err
	}
	return f, note(f)
}

func unlock(f *os.File) error { return errors.Join(f.Close(), os.Remove(f.Name())) }
