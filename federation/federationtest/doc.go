// Package federationtest helps to test components and what runs them.
//
// [Load] puts a component behind the same frames that a WebAssembly guest, a
// plugin process and a mesh node use, in memory: a component that works so
// works there. Its [Conn] counts what goes through and fails on demand.
//
//	m, conn, err := federationtest.Load(t.Context(), order.Component())
//	conn.Fail(func(c modelspec.Call) error { return modelspec.ErrUnavailable })
//
// [Watch] wraps a module in gauges that tell whether it was used after, or
// closed during, its use.
package federationtest
