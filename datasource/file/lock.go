package file

import (
	"fmt"
	"os"
	"strings"

	"github.com/org/aegis/modelspec"
)

// Names in Config.Dir that begin with a dot are no collection's.
const (
	lockName   = ".lock"
	layoutName = ".layout"
	layout     = "1\n"
)

// note writes into the lock who holds it, for the message that others get.
func note(f *os.File) error {
	err := f.Truncate(0)
	if err == nil {
		_, err = fmt.Fprintf(f, "process %d\n", os.Getpid())
	}
	if err != nil {
		f.Close()
	}
	return err
}

func held(by string) error {
	if by = strings.TrimSpace(by); by != "" {
		by = " (" + by + ")"
	}
	return &modelspec.Error{Code: modelspec.ErrUnavailable, NotSent: true,
		Message: "another process, or another Store of this one, has it open" + by + ": close that one or use another directory"}
}
