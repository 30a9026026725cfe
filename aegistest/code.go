package aegistest

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// codeDir is where the machine code of guests is kept across processes, as the
// go command keeps what it builds. A test binary does not know which engine it
// is linked with, and code of another one must not be run: the go command is
// asked. Where that cannot be told, or there is no place, the result is empty
// and guests are compiled each time.
var codeDir = sync.OnceValue(func() string {
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	engine, err := goCommand("", nil, "list", "-m", "-f", "{{.Version}}{{if .Replace}} {{.Replace.Path}} {{.Replace.Version}}{{end}}", "github.com/tetratelabs/wazero")
	parts := strings.Fields(engine)
	if err != nil || len(parts) != 1 && len(parts) != 3 { // replaced by a folder: its content may change
		return ""
	}
	dir := filepath.Join(cache, "aegistest", "wazero-"+strings.NewReplacer("/", "_", "\\", "_").Replace(strings.Join(parts, "_")))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return ""
	}
	trim(dir)
	return dir
})

// keptCode is how long compiled code is kept: each change of a guest leaves the
// code of the one before behind.
const keptCode = 5 * 24 * time.Hour

// trim removes what is old below dir. What another process removes first, or
// still reads, does no harm.
func trim(dir string) {
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil
		}
		if info, err := d.Info(); err == nil && time.Since(info.ModTime()) > keptCode {
			_ = os.Remove(path)
		}
		return nil
	})
}
