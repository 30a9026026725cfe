package wasm

import "encoding/binary"

func (s *scanner) typeSection() {
	n := s.count("types", 3, maxTypes)
	s.types = make([]signature, 0, n)
	for range n {
		at := s.off
		if form := s.byte("type"); form != 0x60 && s.err == nil {
			s.fail(at, "type form 0x%x: only function types are supported", form)
		}
		sig := signature{s.valueTypes("parameters"), s.valueTypes("results")}
		if s.err != nil {
			return
		}
		s.types = append(s.types, sig)
	}
}

func (s *scanner) valueTypes(what string) string {
	n := s.count(what, 1, maxSignature)
	at := s.off
	b := s.bytes(uint32(n), what)
	for i, t := range b {
		if !isValue(t) {
			s.fail(at+i, "value type 0x%x is not supported", t)
		}
	}
	return string(b)
}

func (s *scanner) valueType() {
	at := s.off
	if t := s.byte("value type"); s.err == nil && !isValue(t) {
		s.fail(at, "value type 0x%x is not supported", t)
	}
}

func (s *scanner) refType() {
	at := s.off
	if t := s.byte("reference type"); s.err == nil && !isRef(t) {
		s.fail(at, "reference type 0x%x is not supported", t)
	}
}

// typeIndex reads the index of a function type.
func (s *scanner) typeIndex() uint32 {
	at := s.off
	i := s.u32("type index")
	if s.err == nil && uint64(i) >= uint64(len(s.types)) {
		s.fail(at, "type %d of %d", i, len(s.types))
	}
	return i
}

// function reads the index of a function.
func (s *scanner) function(what string) uint32 {
	at := s.off
	i := s.u32(what)
	if s.err == nil && uint64(i) >= uint64(len(s.funcs)) {
		s.fail(at, "%s %d of %d", what, i, len(s.funcs))
	}
	return i
}

func (s *scanner) importSection() {
	for range s.count("imports", 4, maxImports) {
		at := s.off
		module, name := s.name("import module"), s.name("import name")
		kind := s.byte("import kind")
		if s.err != nil {
			return
		}
		if kind != 0 {
			s.fail(at, "import %q.%q is no function: guests may import functions only", clip(module), clip(name))
			return
		}
		t := s.typeIndex()
		if s.err != nil {
			return
		}
		s.checkImport(at, module, name, s.types[t])
		s.funcs = append(s.funcs, t)
		s.imported++
	}
}

func (s *scanner) functionSection() {
	for range s.count("functions", 1, maxFunctions) {
		t := s.typeIndex()
		if s.err != nil {
			return
		}
		s.funcs = append(s.funcs, t)
	}
}

// table is one entry of the table section.
type table struct {
	kind     byte
	min, max uint32
}

func (s *scanner) tableSection() {
	n := s.count("tables", 3, maxTables)
	limit := uint32(maxElements / max(n, 1))
	for range n {
		at := s.off
		t := table{kind: s.byte("table"), max: limit}
		if s.err == nil && !isRef(t.kind) {
			s.fail(at, "table type 0x%x is not supported", t.kind)
		}
		var bounded bool
		var most uint32
		t.min, most, bounded = s.limits("table")
		if bounded {
			t.max = min(most, limit)
		}
		if s.err == nil && t.min > limit {
			s.fail(at, "table of %d entries, at most %d are allowed", t.min, limit)
		}
		if s.err != nil {
			return
		}
		s.tables = append(s.tables, t)
	}
}

// bounded is the table section with a maximum on every table.
func (s *scanner) bounded() []byte {
	b := binary.AppendUvarint(nil, uint64(len(s.tables)))
	for _, t := range s.tables {
		b = append(b, t.kind, 1)
		b = binary.AppendUvarint(b, uint64(t.min))
		b = binary.AppendUvarint(b, uint64(t.max))
	}
	return b
}

func (s *scanner) limits(what string) (least, most uint32, bounded bool) {
	at := s.off
	flag := s.byte("limits")
	if s.err == nil && flag > 1 {
		s.fail(at, "%s limits 0x%x: shared and 64-bit ones are not supported", what, flag)
	}
	least = s.u32(what + " minimum")
	if bounded = flag == 1; bounded {
		if most = s.u32(what + " maximum"); s.err == nil && most < least {
			s.fail(at, "%s maximum %d is below its minimum %d", what, most, least)
		}
	}
	return least, most, bounded
}

func (s *scanner) memorySection() {
	at := s.off
	s.memories = s.count("memories", 2, 1)
	if s.memories == 0 {
		return
	}
	least, most, _ := s.limits("memory")
	switch {
	case s.err != nil:
	case most > 65536:
		s.fail(at, "memory maximum %d pages: WebAssembly has 65536", most)
	case least > s.pages:
		s.fail(at, "memory of %d pages, at most %d are allowed: raise Config.MemoryPages", least, s.pages)
	}
}

func (s *scanner) globalSection() {
	s.globals = s.count("globals", 4, maxGlobals)
	for range s.globals {
		s.valueType()
		at := s.off
		if m := s.byte("mutability"); m > 1 {
			s.fail(at, "mutability 0x%x", m)
		}
		s.constant()
		if s.err != nil {
			return
		}
	}
}

// constant walks a constant expression.
func (s *scanner) constant() {
	start := s.off
	for s.err == nil {
		at := s.off
		if at-start > maxConstant {
			s.fail(start, "constant expression of more than %d bytes", maxConstant)
			return
		}
		switch op := s.byte("constant expression"); op {
		case 0x0b: // end
			return
		case 0x41: // i32.const
			s.skipLEB(5, "i32 constant")
		case 0x42: // i64.const
			s.skipLEB(10, "i64 constant")
		case 0x43: // f32.const
			s.bytes(4, "f32 constant")
		case 0x44: // f64.const
			s.bytes(8, "f64 constant")
		case 0x23: // global.get
			s.u32("global index")
		case 0xd0: // ref.null
			s.refType()
		case 0xd2: // ref.func
			s.function("function")
		case 0xfd: // v128.const
			if sub := s.byte("vector constant"); s.err == nil && sub != 0x0c {
				s.fail(at, "instruction 0xfd 0x%x in a constant expression", sub)
			}
			s.bytes(16, "v128 constant")
		default:
			if s.err == nil {
				s.fail(at, "instruction 0x%x in a constant expression", op)
			}
		}
	}
}

func (s *scanner) exportSection() {
	for range s.count("exports", 3, maxExports) {
		at := s.off
		name, kind := s.name("export name"), s.byte("export kind")
		index := s.u32("export index")
		have := uint64(0)
		switch kind {
		case 0:
			have = uint64(len(s.funcs))
		case 1:
			have = uint64(len(s.tables))
		case 2:
			have = uint64(s.memories)
		case 3:
			have = uint64(s.globals)
		}
		switch {
		case s.err != nil:
			return
		case kind > 3:
			s.fail(at, "export %q of kind %d", clip(name), kind)
		case uint64(index) >= have:
			s.fail(at, "export %q: index %d of %d", clip(name), index, have)
		case s.exports[name]:
			s.fail(at, "export %q is there twice", clip(name))
		default:
			s.exports[name] = true
			s.checkExport(at, name, kind, index)
		}
	}
}

// checkExport checks the types of the exports that the host uses.
func (s *scanner) checkExport(at int, name string, kind byte, index uint32) {
	want, says := signature{}, "() -> ()"
	switch name {
	case exportMemory:
		if kind != 2 {
			s.fail(at, "export memory is no memory")
		}
		return
	case exportHandle:
		want.params, says = "\x7f", "(i32) -> ()"
	case exportInit:
	default:
		return
	}
	if kind != 0 || s.types[s.funcs[index]] != want {
		s.fail(at, "export %s has the wrong type: it must be a function %s", name, says)
	}
}
