package memory_test

import (
	"testing"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/datasource/datasourcetest"
	"github.com/org/aegis/datasource/memory"
)

func BenchmarkMemory(b *testing.B) {
	datasourcetest.Bench(b, func(testing.TB) datasource.Store { return memory.New() })
}
