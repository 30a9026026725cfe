//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package file

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lock takes the directory for this Store. The system takes the lock back when
// the process ends, however it does.
func lock(root *os.Root) (*os.File, error) {
	f, err := root.OpenFile(lockName, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err == nil {
		return f, note(f)
	}
	holder := make([]byte, 64)
	n, _ := f.ReadAt(holder, 0)
	f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, held(string(holder[:n]))
	}
	return nil, fmt.Errorf("lock %s: %w", lockName, err)
}

func unlock(f *os.File) error { return f.Close() }
