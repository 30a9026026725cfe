package wasm

import (
	"fmt"
	"os"

	"github.com/org/aegis/modelspec"
	"github.com/tetratelabs/wazero"
)

// openCache opens a directory of compiled code. What is in it becomes machine
// code of this process, so nobody else may write there.
func openCache(dir string) (wazero.CompilationCache, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("wasm: create cache directory: %w", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fmt.Errorf("wasm: open cache directory: %w", err)
	}
	if why := exposed(info); why != "" {
		return nil, &modelspec.Error{Code: modelspec.ErrDenied,
			Message: fmt.Sprintf("wasm: cache directory %s %s: compiled code in it would be run: give Config.CacheDir a directory of mode 0700 of its own", dir, why)}
	}
	cache, err := wazero.NewCompilationCacheWithDir(dir)
	if err != nil {
		return nil, fmt.Errorf("wasm: open cache directory: %w", err)
	}
	return cache, nil
}
