package orchestration_test

import (
	"os"
	"testing"

	"github.com/org/aegis/orchestration"
)

func BenchmarkParseAndCompile(b *testing.B) {
	text, err := os.ReadFile("testdata/good/ports.yaml")
	if err != nil {
		b.Fatal(err)
	}
	specs := shop(b)
	b.ReportAllocs()
	for b.Loop() {
		d, err := orchestration.Parse(text, "ports.yaml")
		if err != nil {
			b.Fatal(err)
		}
		if _, err := d.Compile(specs, services()); err != nil {
			b.Fatal(err)
		}
	}
}
