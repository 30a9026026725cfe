// Package wasmtest writes WebAssembly modules from Go, for tests: small guests,
// hostile ones and broken ones, without a toolchain.
//
//	m := wasmtest.New()
//	recv := m.Import("aegis_v1", "recv", wasmtest.I32, nil)
//	m.Memory(1, 1)
//	f := m.Func(wasmtest.I32, nil, nil,
//		wasmtest.I32Const(0), wasmtest.Call(recv),
//		wasmtest.Unreachable)
//	m.Export("aegis_handle", wasmtest.KindFunc, f)
//	m.Export("memory", wasmtest.KindMemory, 0)
//	bin := m.Bytes()
//
// Nothing is checked: what is asked for is written, wrong or not. [Echo],
// [Answer] and [Effect] are whole guests.
package wasmtest
