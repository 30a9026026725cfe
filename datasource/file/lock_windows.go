package file

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

const sharingViolation = syscall.Errno(32)

// lock takes the directory for this Store: nobody else can open a file that
// was opened to be shared with nobody. The system closes it when the process
// ends, however it does.
func lock(root *os.Root) (*os.File, error) {
	path := filepath.Join(root.Name(), lockName)
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, err
	}
	h, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, 0, nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if errors.Is(err, sharingViolation) {
		return nil, held("")
	}
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	f := os.NewFile(uintptr(h), path)
	return f, note(f)
}

func unlock(f *os.File) error { return f.Close() }
