package federation

import (
	"fmt"

	"github.com/org/aegis/modelspec"
)

// guard calls what others wrote. A panic becomes ErrInternal.
func guard(doing string, fn func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked(doing, p)
		}
	}()
	return fn()
}

func panicked(doing string, p any) error {
	return &modelspec.Error{Code: modelspec.ErrInternal, Message: clip(fmt.Sprintf("panic in %s: %v", doing, p), maxText)}
}

func closeModule(name string, m Module) error {
	if err := guard("close", m.Close); err != nil {
		return fmt.Errorf("federation: close %s: %w", name, err)
	}
	return nil
}

func invalid(format string, args ...any) error {
	return &modelspec.Error{Code: modelspec.ErrInvalid, Message: fmt.Sprintf(format, args...)}
}

// maxText bounds the text of an error that comes from a module, in bytes.
const maxText = 4 << 10

// clip cuts s to about n bytes, between two runes.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n] + "..."
}
