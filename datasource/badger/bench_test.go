package badger_test

import (
	"testing"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/datasource/badger"
	"github.com/org/aegis/datasource/datasourcetest"
)

func BenchmarkDurable(b *testing.B) { bench(b, badger.Config{}) }
func BenchmarkNoSync(b *testing.B)  { bench(b, badger.Config{NoSync: true}) }
func BenchmarkNoCache(b *testing.B) { bench(b, badger.Config{NoSync: true, CacheBytes: -1}) }

func bench(b *testing.B, cfg badger.Config) {
	datasourcetest.Bench(b, func(t testing.TB) datasource.Store {
		cfg.Dir = t.TempDir()
		return badger.New(cfg)
	})
}
