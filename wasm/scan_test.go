package wasm_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/wasm"
	"github.com/org/aegis/wasm/wasmtest"
)

func uleb(v uint32) []byte {
	var b []byte
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

func cat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// module is a header and the sections.
func module(sections ...[]byte) []byte { return cat(wasmtest.Header(), cat(sections...)) }

// shaped is a guest changed by fn before it is written.
func shaped(fn func(m *wasmtest.Module)) []byte {
	m := wasmtest.New()
	fn(m)
	m.Memory(1, 0)
	m.Export("memory", wasmtest.KindMemory, 0)
	m.Export("aegis_handle", wasmtest.KindFunc, m.Func(wasmtest.I32, "", ""))
	return m.Bytes()
}

func TestScanRefuses(t *testing.T) {
	many := uleb(1 << 24)
	most := uleb(1<<32 - 1)
	sec := wasmtest.Section
	void := sec(1, []byte{1, 0x60, 0, 0}) // one type, () -> ()
	cases := []struct {
		name   string
		module []byte
		want   string
	}{
		{"empty", nil, "the body is empty"},
		{"text", []byte("(module)"), "text format: convert it with wat2wasm"},
		{"gzip", []byte("\x1f\x8b\x08\x00\x00\x00\x00\x00"), "this is gzip"},
		{"native", []byte("\x7fELF\x02\x01\x01\x00"), "native program"},
		{"html", []byte("<!doctype html>"), "check the URL"},
		{"other", []byte("hello, world"), "it begins with 68 65 6c 6c"},
		{"component", []byte("\x00asm\x0d\x00\x01\x00"), "component model"},
		{"version", []byte("\x00asm\x02\x00\x00\x00"), "version 2 of the binary format"},
		{"nothing in it", module(), "no export aegis_handle"},
		{"cut section", append(wasmtest.Header(), 1, 10, 1), "section type says 10 bytes, but 1 are left"},
		{"cut size", append(wasmtest.Header(), 1), "size of a section is cut off"},
		{"long size", append(wasmtest.Header(), 1, 0x80, 0x80, 0x80, 0x80, 0x10), "is no 32-bit number"},
		{"unknown section", append(wasmtest.Header(), 14, 0), "section 14 is not part"},
		{"tag section", append(wasmtest.Header(), 13, 0), "section 13 is not part"},
		{"order", module(sec(3, []byte{0}), sec(1, []byte{0})), "section type is out of order"},
		{"twice", module(sec(1, []byte{0}), sec(1, []byte{0})), "section type is out of order or repeated"},
		{"data count after code", module(sec(10, []byte{0}), sec(12, []byte{0})), "out of order"},
		{"trailing", module(sec(1, []byte{0, 0})), "section type: 1 bytes too many"},

		{"types announced", module(sec(1, many)), "16777216 types announced, but 0 bytes are left"},
		{"types at most", module(sec(1, most)), "4294967295 types announced"},
		{"functions announced", module(sec(3, many)), "functions announced"},
		{"tables announced", module(sec(4, many)), "tables announced"},
		{"memories announced", module(sec(5, many)), "memories announced"},
		{"globals announced", module(sec(6, many)), "globals announced"},
		{"exports announced", module(sec(7, many)), "exports announced"},
		{"elements announced", module(sec(9, many)), "element segments announced"},
		{"bodies announced", module(sec(10, many)), "function bodies announced"},
		{"data announced", module(sec(11, many)), "data segments announced"},
		{"imports announced", module(sec(2, many)), "imports announced"},
		{"parameters announced", module(sec(1, cat([]byte{1, 0x60}, most))), "parameters announced"},
		{"results announced", module(sec(1, cat([]byte{1, 0x60, 0}, most))), "results announced"},
		{"import name announced", module(sec(2, cat([]byte{1}, most, []byte("abc")))), "import module says 4294967295 bytes"},
		{"export name announced", module(sec(7, cat([]byte{1}, most, []byte("abc")))), "export name says"},
		{"element items announced", module(sec(9, cat([]byte{1, 1, 0}, most))), "elements announced"},
		{"element expressions announced", module(sec(9, cat([]byte{1, 5, 0x70}, most))), "elements announced"},
		{"data bytes announced", module(sec(11, cat([]byte{1, 1}, most))), "data segment says"},
		{"body announced", module(void, sec(3, []byte{1, 0}), sec(10, cat([]byte{1}, many, []byte{0}))), "function 0 of 16777216 bytes"},
		{"groups announced", module(void, sec(3, []byte{1, 0}), sec(10, cat([]byte{1, 5}, many, []byte{0x0b}))), "groups of locals announced"},
		{"locals", module(void, sec(3, []byte{1, 0}), sec(10, cat([]byte{1, 7, 1}, uleb(60000), []byte{0x7f, 0x0b, 0x0b}))), "60000 locals, at most 50000"},
		{"locals summed", module(void, sec(3, []byte{1, 0}), sec(10, cat([]byte{1, 10, 2}, uleb(40000), []byte{0x7f}, uleb(40000), []byte{0x7f, 0x0b}))), "80000 locals"},
		{"custom name announced", module(sec(0, cat(most, []byte("abc")))), "name of a custom section says"},

		{"rec group", module(sec(1, []byte{1, 0x4e, 0, 0})), "type form 0x4e"},
		{"typed reference", module(sec(1, []byte{1, 0x60, 1, 0x63, 0, 0})), "value type 0x63"},
		{"table with initial value", module(sec(4, []byte{1, 0x40, 0, 0x70})), "table type 0x40"},
		{"table minimum", module(sec(4, cat([]byte{1, 0x70, 0}, uleb(1<<27)))), "table of 134217728 entries, at most 1000000"},
		{"table maximum below", module(sec(4, []byte{1, 0x70, 1, 2, 1})), "maximum 1 is below its minimum 2"},
		{"shared memory", module(sec(5, []byte{1, 3, 1, 1})), "shared and 64-bit ones"},
		{"two memories", module(sec(5, []byte{2, 0, 1, 0, 1})), "2 memories, at most 1"},
		{"memory", module(sec(5, cat([]byte{1, 0}, uleb(2000)))), "raise Config.MemoryPages"},
		{"type index", module(void, sec(3, []byte{1, 1})), "type 1 of 1"},
		{"constant", module(sec(6, []byte{1, 0x7f, 0, 0x10, 0})), "instruction 0x10 in a constant expression"},
		{"long constant", module(sec(6, cat([]byte{1, 0x7f, 0}, bytes.Repeat([]byte{0x41, 0}, 1000), []byte{0x0b}))), "constant expression of more than 1024 bytes"},
		{"start", module(void, sec(8, []byte{0})), "start function 0 of 0"},
		{"bodies", module(void, sec(3, []byte{1, 0})), "1 functions declared, 0 bodies"},
		{"bodies without functions", module(void, sec(10, []byte{1, 2, 0, 0x0b})), "0 functions declared, 1 bodies"},
		{"no end", module(void, sec(3, []byte{1, 0}), sec(10, []byte{1, 2, 0, 1})), "function 0 does not end"},

		{"other host", shaped(func(m *wasmtest.Module) { m.Import("env", "puts", "", "") }), `import "env"."puts": guests may import aegis_v1 and wasi_snapshot_preview1 only`},
		{"later abi", shaped(func(m *wasmtest.Module) { m.Import("aegis_v2", "recv", wasmtest.I32, "") }), "built for aegis_v2: this host speaks aegis_v1"},
		{"earlier abi", shaped(func(m *wasmtest.Module) { m.Import("aegis", "recv", wasmtest.I32, "") }), "built for aegis: this host speaks aegis_v1"},
		{"other wasi", shaped(func(m *wasmtest.Module) { m.Import("wasi_unstable", "fd_write", "", "") }), "of WASI's versions this host offers wasi_snapshot_preview1 only"},
		{"unknown import", shaped(func(m *wasmtest.Module) { m.Import("aegis_v1", "exec", "", "") }), "has recv and send only"},
		{"import type", shaped(func(m *wasmtest.Module) { m.Import("aegis_v1", "recv", wasmtest.I64, "") }), "aegis_v1.recv has the wrong type"},
		{"long import", shaped(func(m *wasmtest.Module) { m.Import(strings.Repeat("x", 5000), "f", "", "") }), `xxx..."."f"`},
		{"import of memory", module(sec(2, cat([]byte{1, 3}, []byte("env"), []byte{1, 'm', 2, 0, 1}))), "guests may import functions only"},
		{"export twice", shaped(func(m *wasmtest.Module) { m.Export("memory", wasmtest.KindMemory, 0) }), `export "memory" is there twice`},
		{"export index", shaped(func(m *wasmtest.Module) { m.Export("f", wasmtest.KindFunc, 9) }), `export "f": index 9 of 1`},
		{"init type", shaped(func(m *wasmtest.Module) { m.Export("_initialize", wasmtest.KindFunc, 0) }), "export _initialize has the wrong type"},
		{"command", func() []byte {
			m := wasmtest.New()
			m.Export("_start", wasmtest.KindFunc, m.Func("", "", ""))
			return m.Bytes()
		}(), "build a reactor"},
		{"handle type", func() []byte {
			m := wasmtest.New()
			m.Memory(1, 0)
			m.Export("aegis_handle", wasmtest.KindFunc, m.Func("", "", ""))
			return m.Bytes()
		}(), "export aegis_handle has the wrong type: it must be a function (i32) -> ()"},
		{"no memory", func() []byte {
			m := wasmtest.New()
			m.Export("aegis_handle", wasmtest.KindFunc, m.Func(wasmtest.I32, "", ""))
			return m.Bytes()
		}(), "no export memory"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := wasm.Scan(c.module)
			if !errors.Is(err, modelspec.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want ErrInvalid with %q", err, c.want)
			}
			if len(err.Error()) > 1000 {
				t.Errorf("error of %d bytes", len(err.Error()))
			}
		})
	}
}

// Every prefix of a good module is refused, and so is every good module with
// one byte more.
func TestScanPrefixes(t *testing.T) {
	good := wasmtest.Echo(wasmtest.Manifest("echo", "1.0.0"))
	if _, err := wasm.Scan(good); err != nil {
		t.Fatal(err)
	}
	for n := range good {
		if _, err := wasm.Scan(good[:n]); err == nil && n < len(good)-1 {
			// A module cut between its last sections may be whole.
			if !bytes.HasPrefix(good[n:], []byte{11}) {
				t.Fatalf("%d of %d bytes pass", n, len(good))
			}
		}
	}
	if _, err := wasm.Scan(append(good[:len(good):len(good)], 99)); err == nil {
		t.Fatal("a byte too many passes")
	}
}

// What nothing else bounds is bounded in the module itself; custom sections
// but function names are dropped.
func TestScanRewrites(t *testing.T) {
	names := func(b ...byte) func(m *wasmtest.Module) {
		return func(m *wasmtest.Module) { m.Custom("name", b) }
	}
	plain := shaped(func(*wasmtest.Module) {})
	fn := []byte{1, 7, 1, 0, 4, 'm', 'a', 'i', 'n'}
	cases := []struct {
		name     string
		in, want []byte
	}{
		{"as it is", plain, plain},
		{"table without maximum", shaped(func(m *wasmtest.Module) { m.Table(3, 0) }), shaped(func(m *wasmtest.Module) { m.Table(3, 1_000_000) })},
		{"table with large maximum", shaped(func(m *wasmtest.Module) { m.Table(3, 1<<31) }), shaped(func(m *wasmtest.Module) { m.Table(3, 1_000_000) })},
		{"table with small maximum", shaped(func(m *wasmtest.Module) { m.Table(3, 5) }), shaped(func(m *wasmtest.Module) { m.Table(3, 5) })},
		{"two tables", shaped(func(m *wasmtest.Module) { m.Table(3, 0); m.Table(0, 1) }), shaped(func(m *wasmtest.Module) { m.Table(3, 500_000); m.Table(0, 1) })},
		{"debug", shaped(func(m *wasmtest.Module) { m.Custom(".debug_info", make([]byte, 100)) }), plain},
		{"names", shaped(names(fn...)), shaped(names(fn...))},
		{"names among others", shaped(names(cat([]byte{0, 1, 0}, fn, []byte{2, 1, 0})...)), shaped(names(fn...))},
		{"names announced", shaped(names(cat([]byte{1, 5}, uleb(1<<32-1))...)), plain},
		{"names of nobody", shaped(names(1, 7, 1, 9, 4, 'm', 'a', 'i', 'n')), plain},
		{"local names announced", shaped(names(cat([]byte{2, 5}, uleb(1<<32-1))...)), plain},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := wasm.Scan(c.in)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, c.want) {
				t.Errorf("got  %x\nwant %x", got, c.want)
			}
		})
	}
}
