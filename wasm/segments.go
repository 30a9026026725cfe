package wasm

import (
	"encoding/binary"
	"unicode/utf8"
)

func (s *scanner) elementSection() {
	for range s.count("element segments", 2, maxSegments) {
		at := s.off
		kind := s.u32("element segment")
		if kind > 7 {
			s.fail(at, "element segment of kind %d", kind)
		}
		if kind&1 == 0 { // active
			if kind&2 != 0 {
				s.u32("table index")
			}
			s.constant()
		}
		exprs := kind&4 != 0
		if kind&3 != 0 { // an explicit kind or type
			if exprs {
				s.refType()
			} else if k := s.byte("element kind"); s.err == nil && k != 0 {
				s.fail(at, "element kind 0x%x", k)
			}
		}
		s.elementItems(exprs)
		if s.err != nil {
			return
		}
	}
}

func (s *scanner) elementItems(exprs bool) {
	at, size := s.off, 1
	if exprs {
		size = 2
	}
	n := s.count("elements", size, maxElements)
	if s.elements += uint64(n); s.elements > maxElements {
		s.fail(at, "more than %d elements in all segments", maxElements)
	}
	for range n {
		if exprs {
			s.constant()
		} else {
			s.function("function")
		}
		if s.err != nil {
			return
		}
	}
}

func (s *scanner) codeSection() {
	s.bodies = s.count("function bodies", 2, maxFunctions)
	section := s.end
	for i := range s.bodies {
		at := s.off
		size := s.u32("size of a function")
		if s.err != nil {
			return
		}
		if uint64(size) > uint64(section-s.off) || size > maxBody {
			s.fail(at, "function %d of %d bytes: %d are left, at most %d are allowed", i, size, section-s.off, maxBody)
			return
		}
		s.end = s.off + int(size)
		s.body(i)
		if s.err != nil {
			return
		}
		s.off, s.end = s.end, section
	}
}

// body checks the locals of one function; the compiler checks the rest.
func (s *scanner) body(i int) {
	at := s.off
	var sum uint64
	for range s.count("groups of locals", 2, maxLocals) {
		sum += uint64(s.u32("number of locals"))
		s.valueType()
		if s.err != nil {
			return
		}
		if sum > maxLocals {
			s.fail(at, "function %d has %d locals, at most %d are allowed", i, sum, maxLocals)
			return
		}
	}
	// A body of ten bytes may have 50,000 locals. All of them together must
	// stay in proportion to the module.
	if s.locals += sum; s.locals > 2*maxLocals+2*uint64(len(s.b)) {
		s.fail(at, "%d locals up to function %d: too many for a module of %d bytes", s.locals, i, len(s.b))
	}
	if s.err == nil && (s.left() == 0 || s.b[s.end-1] != 0x0b) {
		s.fail(s.end, "function %d does not end", i)
	}
}

func (s *scanner) dataSection() {
	for range s.count("data segments", 2, maxSegments) {
		at := s.off
		kind := s.u32("data segment")
		if kind > 2 {
			s.fail(at, "data segment of kind %d", kind)
		}
		if kind == 2 {
			s.u32("memory index")
		}
		if kind != 1 {
			s.constant()
		}
		s.bytes(s.u32("size of a data segment"), "data segment")
		if s.err != nil {
			return
		}
	}
}

// custom drops a custom section. Of a name section the names of functions are
// kept, if they are well-formed: they make traces readable.
func (s *scanner) custom() {
	name := s.name("name of a custom section")
	if s.err == nil && name == "name" && s.names == nil {
		s.names = functionNames(s.b[s.off:s.end], len(s.funcs))
	}
	if s.err == nil {
		s.off = s.end
	}
}

// functionNames returns a name section with the function names of b only, or
// nil. Names must ascend and belong to one of funcs functions.
func functionNames(b []byte, funcs int) []byte {
	r := &reader{b: b, end: len(b)}
	for r.more() {
		id, size := r.byte("subsection"), r.u32("size")
		sub := r.bytes(size, "subsection")
		if r.err != nil || id != 1 {
			continue
		}
		if !goodNames(sub, funcs) {
			return nil
		}
		out := append([]byte{4}, "name"...)
		out = append(out, 1)
		out = binary.AppendUvarint(out, uint64(len(sub)))
		return append(out, sub...)
	}
	return nil
}

func goodNames(b []byte, funcs int) bool {
	r := &reader{b: b, end: len(b)}
	last := -1
	for range r.count("names", 2, maxFunctions) {
		i := int(r.u32("function"))
		name := r.bytes(r.u32("length"), "name")
		if r.err != nil || i <= last || i >= funcs || !utf8.Valid(name) {
			return false
		}
		last = i
	}
	return r.err == nil && r.off == r.end
}
