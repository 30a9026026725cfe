package wasm

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// Limits of a module, beside Config.MaxModuleBytes and Config.MemoryPages. They
// bound what compiling and starting it can allocate; the largest modules known
// to the authors (a Go program of 60 MB, QuickJS, SQLite) stay well below.
const (
	maxTypes     = 50_000
	maxSignature = 1_000 // parameters, and results, of one type
	maxImports   = 1_000
	maxFunctions = 250_000
	maxBody      = 4 << 20 // bytes of one function
	maxLocals    = 50_000  // of one function
	maxTables    = 16
	maxElements  = 1_000_000 // entries of all tables together, at any time
	maxGlobals   = 100_000
	maxExports   = 50_000
	maxSegments  = 100_000 // element and data segments, each
	maxConstant  = 1_024   // bytes of a constant expression
)

// Section ids, in the order of their numbers.
const (
	secCustom = iota
	secType
	secImport
	secFunction
	secTable
	secMemory
	secGlobal
	secExport
	secStart
	secElement
	secCode
	secData
	secDataCount
)

var sectionNames = [...]string{"custom", "type", "import", "function", "table", "memory", "global", "export", "start",
	"element", "code", "data", "data count"}

// rank is a section's place in a module, which is its id but for data count.
func rank(id byte) int {
	if id == secDataCount {
		return secElement*2 + 1
	}
	return int(id) * 2
}

// signature is a function type, as the bytes of its two vectors.
type signature struct{ params, results string }

// scanner checks one module before the engine sees it: an engine may believe
// the counts a module announces, and allocate for them.
type scanner struct {
	reader
	pages uint32 // memory limit
	out   []byte // the module as it goes to the engine

	types    []signature
	funcs    []uint32 // type of each function, imported ones first
	imported int
	bodies   int
	locals   uint64
	tables   []table
	memories int
	globals  int
	elements uint64
	exports  map[string]bool
	names    []byte // name section to be, or nil
}

// scan checks module and returns what is to be compiled: the same module
// without custom sections other than function names, and with a maximum on
// every table, since nothing else bounds what table.grow allocates. It
// allocates no more than a small multiple of len(module).
func scan(module []byte, pages uint32) ([]byte, error) {
	s := &scanner{reader: reader{b: module, end: len(module)}, pages: pages, exports: map[string]bool{}}
	s.header()
	s.out = append(make([]byte, 0, len(module)+64), module[:min(8, len(module))]...)
	last := -1
	for s.more() {
		last = s.section(last)
	}
	s.whole()
	if s.err != nil {
		return nil, s.err
	}
	if s.names != nil {
		s.emit(secCustom, s.names)
	}
	return s.out, nil
}

func (s *scanner) header() {
	switch {
	case len(s.b) < 8 || !bytes.Equal(s.b[:4], []byte("\x00asm")):
		s.fail(0, "not a WebAssembly module: %s", describe(s.b))
	case bytes.Equal(s.b[4:8], []byte{0x0d, 0, 1, 0}):
		s.fail(4, "this is a component of the component model: build a core module instead (wasip1, not wasip2)")
	case binary.LittleEndian.Uint32(s.b[4:8]) != 1:
		s.fail(4, "version %d of the binary format: this host reads version 1", binary.LittleEndian.Uint32(s.b[4:8]))
	default:
		s.off = 8
	}
}

// describe guesses what was given instead of a module.
func describe(b []byte) string {
	head := bytes.TrimSpace(b[:min(64, len(b))])
	switch {
	case len(b) == 0:
		return "the body is empty"
	case bytes.HasPrefix(head, []byte("(module")), bytes.HasPrefix(head, []byte("(component")), bytes.HasPrefix(head, []byte(";;")):
		return "this is the text format: convert it with wat2wasm"
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		return "this is gzip: unpack it first"
	case bytes.HasPrefix(head, []byte("\x7fELF")), bytes.HasPrefix(head, []byte("MZ")):
		return "this is a native program: build for wasm"
	case bytes.HasPrefix(head, []byte("<")):
		return "this looks like an HTML page: check the URL"
	}
	return fmt.Sprintf("it begins with % x", head[:min(4, len(head))])
}

// section reads one section and returns its rank.
func (s *scanner) section(last int) int {
	at := s.off
	id := s.byte("section id")
	size := s.u32("size of a section")
	if s.err != nil {
		return last
	}
	if int(id) >= len(sectionNames) {
		s.fail(at, "section %d is not part of WebAssembly 2.0", id)
		return last
	}
	if uint64(size) > uint64(s.left()) {
		s.fail(at, "section %s says %d bytes, but %d are left", sectionNames[id], size, s.left())
		return last
	}
	outer := s.end
	start := s.off
	s.end = start + int(size)
	body := s.b[start:s.end]
	if id != secCustom {
		if rank(id) <= last {
			s.fail(at, "section %s is out of order or repeated", sectionNames[id])
			return last
		}
		last = rank(id)
	}
	s.read(id, body)
	if s.err == nil && s.off != s.end {
		s.fail(s.off, "section %s: %d bytes too many", sectionNames[id], s.left())
	}
	s.end = outer
	return last
}

// read checks the content of one section and passes it on.
func (s *scanner) read(id byte, body []byte) {
	switch id {
	case secCustom:
		s.custom()
		return
	case secType:
		s.typeSection()
	case secImport:
		s.importSection()
	case secFunction:
		s.functionSection()
	case secTable:
		s.tableSection()
		body = s.bounded()
	case secMemory:
		s.memorySection()
	case secGlobal:
		s.globalSection()
	case secExport:
		s.exportSection()
	case secStart:
		s.function("start function")
	case secElement:
		s.elementSection()
	case secCode:
		s.codeSection()
	case secData:
		s.dataSection()
	case secDataCount:
		s.u32("data count")
	}
	s.emit(id, body)
}

func (s *scanner) emit(id byte, body []byte) {
	if s.err != nil {
		return
	}
	s.out = append(s.out, id)
	s.out = binary.AppendUvarint(s.out, uint64(len(body)))
	s.out = append(s.out, body...)
}

// whole checks what can only be said of the whole module.
func (s *scanner) whole() {
	switch {
	case s.err != nil:
	case s.bodies != len(s.funcs)-s.imported:
		s.fail(s.off, "%d functions declared, %d bodies", len(s.funcs)-s.imported, s.bodies)
	case !s.exports[exportHandle]:
		hint := ""
		if s.exports["_start"] {
			hint = " (it exports _start: build a reactor, in Go with -buildmode=c-shared, not a command)"
		}
		s.fail(s.off, "no export %s: this is no guest of %s%s", exportHandle, abiModule, hint)
	case !s.exports[exportMemory]:
		s.fail(s.off, "no export memory: the host has nowhere to write frames to")
	}
}

// checkImport refuses what the host does not offer, by name.
func (s *scanner) checkImport(at int, module, name string, sig signature) {
	switch module {
	case abiModule:
		want, ok := abiImports[name]
		switch {
		case !ok:
			s.fail(at, "import %q.%q: %s has recv and send only", module, name, abiModule)
		case sig != want:
			s.fail(at, "import %s.%s has the wrong type: see ABI.md", module, name)
		}
	case wasiModule:
	default:
		if strings.HasPrefix(module, "aegis") {
			s.fail(at, "built for %s: this host speaks %s", clip(module), abiModule)
			return
		}
		hint := ""
		if strings.HasPrefix(module, "wasi") {
			hint = " of WASI's versions this host offers " + wasiModule + " only"
		}
		s.fail(at, "import %q.%q: guests may import %s and %s only%s", clip(module), clip(name), abiModule, wasiModule, hint)
	}
}

// clip keeps a guest's words short.
func clip(s string) string { return clipTo(s, 200) }

func clipTo(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}

func isRef(t byte) bool { return t == 0x70 || t == 0x6f }

func isValue(t byte) bool {
	return isRef(t) || slices.Contains([]byte{0x7f, 0x7e, 0x7d, 0x7c, 0x7b}, t)
}
