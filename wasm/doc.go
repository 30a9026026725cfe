// Package wasm runs components that are WebAssembly modules, in the host's
// process and without trusting them.
//
//	aegis.Config{
//		Runtimes: aegis.Runtimes{wasm.New(wasm.Config{CacheDir: "cache"})},
//		Remotes:  aegis.Remotes{{Ref: "file:///srv/modules/carrier.wasm"}},
//	}
//
// A guest is made from a Go component with package guest, or in any language
// from ABI.md, which is the whole contract: two imported functions, one
// exported one, and JSON.
//
// # What a guest can do
//
// A guest has its memory, clocks, randomness, lines for the host's log, and,
// in the handler of an inbound port, the effects that its manifest declares. It
// has no files, no network, no environment. What a guest does wrong costs its
// own call and its own instance:
//
//   - A module is checked, and refused with the byte at which it is wrong,
//     before the engine allocates for what it announces.
//   - Memory, tables, frames, effects and output of a call are limited.
//   - A call ends with its deadline, or Config.CallTimeout without one: the
//     guest is stopped inside its loop, and the instance is thrown away.
//   - A trap, an exit, or a breach of the protocol closes the instance. The
//     caller gets modelspec.ErrUnavailable, and the outcome of the call is not
//     known unless the error is marked as not sent: then the guest had not
//     received the frame.
//
// Two limits of this are known. Code that recurses without a loop passes its
// deadline until its stack is used up or it returns, since the engine checks at
// loops; and while as many guests loop as there are processors, other work of
// the process waits its turn, some 10 ms each. With Config.Trusted nothing
// stops a guest that loops.
//
// # Instances
//
// A module is compiled once per content, however many components and versions
// have the same bytes, and freed with the last of them. Its instances share
// nothing and answer one call at a time. They are started on demand, up to
// Config.Instances; further calls wait until their context ends, and then fail
// as modelspec.ErrExhausted, not sent. Instances that were not needed for a
// minute are closed with the next call, but for one.
//
// A call that an effect of another call makes, directly or through other
// components, holds what others may wait for, so it never waits: it takes an
// idle instance or starts one beyond the limit, up to 8 calls deep and 8 times
// Config.Instances in all, and fails beyond as ErrExhausted, not sent.
//
// # Concurrency
//
// A [Runtime] and what it loads are safe for concurrent use. A module closed
// while calls are in it finishes them. [Runtime.Close] waits for them.
package wasm
