package file_test

import (
	"testing"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/datasource/datasourcetest"
	"github.com/org/aegis/datasource/file"
)

func BenchmarkDurable(b *testing.B) { bench(b, file.Config{}) }
func BenchmarkNoSync(b *testing.B)  { bench(b, file.Config{NoSync: true}) }
func BenchmarkNoCache(b *testing.B) { bench(b, file.Config{NoSync: true, CacheBytes: -1}) }

func bench(b *testing.B, cfg file.Config) {
	datasourcetest.Bench(b, func(t testing.TB) datasource.Store {
		cfg.Dir = t.TempDir()
		return file.New(cfg)
	})
}
