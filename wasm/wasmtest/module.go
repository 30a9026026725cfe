package wasmtest

import "encoding/binary"

// Value types, as lists of one for signatures.
const (
	I32 = "\x7f"
	I64 = "\x7e"
)

// Kinds of exports.
const (
	KindFunc   = 0
	KindTable  = 1
	KindMemory = 2
)

// Module is a module being written. Imports come before functions.
type Module struct {
	types   [][]byte
	imports [][]byte
	funcs   [][]byte
	bodies  [][]byte
	tables  [][]byte
	memory  []byte
	globals [][]byte
	exports [][]byte
	data    [][]byte
	custom  [][]byte
}

// New returns an empty module.
func New() *Module { return &Module{} }

func uleb(v uint64) []byte { return binary.AppendUvarint(nil, v) }

func name(s string) []byte { return append(uleb(uint64(len(s))), s...) }

func join(parts ...[]byte) []byte {
	var out []byte
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

func (m *Module) signature(params, results string) []byte {
	m.types = append(m.types, join([]byte{0x60}, name(params), name(results)))
	return uleb(uint64(len(m.types) - 1))
}

// Import adds an imported function and returns its index.
func (m *Module) Import(module, fn, params, results string) uint32 {
	m.imports = append(m.imports, join(name(module), name(fn), []byte{0}, m.signature(params, results)))
	return uint32(len(m.imports) - 1)
}

// Func adds a function of locals (a list of value types beyond its parameters)
// and returns its index. The closing end is added to body.
func (m *Module) Func(params, results, locals string, body ...[]byte) uint32 {
	m.funcs = append(m.funcs, m.signature(params, results))
	code := uleb(uint64(len(locals)))
	for _, t := range []byte(locals) {
		code = append(code, 1, t)
	}
	code = append(join(code, join(body...)), 0x0b)
	m.bodies = append(m.bodies, join(uleb(uint64(len(code))), code))
	return uint32(len(m.imports) + len(m.bodies) - 1)
}

// Memory sets the memory's limits in pages of 64 KiB; a most of zero is none.
func (m *Module) Memory(least, most uint32) { m.memory = limits(least, most) }

// Table adds a table of functions; a most of zero is none.
func (m *Module) Table(least, most uint32) {
	m.tables = append(m.tables, join([]byte{0x70}, limits(least, most)))
}

func limits(least, most uint32) []byte {
	if most == 0 {
		return join([]byte{0}, uleb(uint64(least)))
	}
	return join([]byte{1}, uleb(uint64(least)), uleb(uint64(most)))
}

// Global adds a mutable i32 of the given value and returns its index.
func (m *Module) Global(v int32) uint32 {
	m.globals = append(m.globals, join([]byte{0x7f, 1}, I32Const(v), []byte{0x0b}))
	return uint32(len(m.globals) - 1)
}

// Export adds an export.
func (m *Module) Export(as string, kind byte, index uint32) {
	m.exports = append(m.exports, join(name(as), []byte{kind}, uleb(uint64(index))))
}

// Data puts b into memory at the address at.
func (m *Module) Data(at int32, b []byte) {
	m.data = append(m.data, join([]byte{0}, I32Const(at), []byte{0x0b}, uleb(uint64(len(b))), b))
}

// Custom adds a custom section.
func (m *Module) Custom(as string, b []byte) { m.custom = append(m.custom, join(name(as), b)) }

// Bytes returns the module.
func (m *Module) Bytes() []byte {
	out := []byte("\x00asm\x01\x00\x00\x00")
	vector := func(id byte, items [][]byte) {
		if len(items) > 0 {
			out = append(out, Section(id, join(uleb(uint64(len(items))), join(items...)))...)
		}
	}
	vector(1, m.types)
	vector(2, m.imports)
	vector(3, m.funcs)
	vector(4, m.tables)
	if m.memory != nil {
		vector(5, [][]byte{m.memory})
	}
	vector(6, m.globals)
	vector(7, m.exports)
	vector(10, m.bodies)
	vector(11, m.data)
	for _, c := range m.custom {
		out = append(out, Section(0, c)...)
	}
	return out
}

// Section writes one section, for modules that are wrong on purpose.
func Section(id byte, body []byte) []byte { return join([]byte{id}, uleb(uint64(len(body))), body) }

// Header is how a module begins.
func Header() []byte { return []byte("\x00asm\x01\x00\x00\x00") }
