// Package aegistest tests components the way a host runs them: natively, over
// the frames of a boundary, and as a WebAssembly guest, with one body.
//
//	func TestOrder(t *testing.T) {
//		aegistest.Each(t, aegistest.Config{
//			Component: order.Component,
//			Guest:     "./guest",
//			Host:      aegis.Config{Models: aegis.Models{customer.Model}},
//		}, func(t *testing.T, host *aegistest.Host) {
//			aegistest.Stub(host, order.Authorize, order.Authorization{ID: "a1"})
//			aegistest.Fail(host, order.Ship, modelspec.Refuse("no stock"), 1)
//			orders := aegis.NewRepository(host.Host, order.Model())
//			if _, err := orders.Create(t.Context(), "o1", order.Order{CustomerID: "c1"}); err != nil {
//				t.Fatal(err)
//			}
//			host.ExpectEvents("order.created")
//
//			if _, err := order.Approve().Invoke(t.Context(), host, "o1", order.Approval{}); err != nil {
//				t.Fatal(err)
//			}
//			host.ExpectEvents("order.approved", "order.authorized", "order.undone")
//			if calls := aegistest.Calls(host, order.Authorize); len(calls) != 2 || calls[1].Undoes != calls[0].Key {
//				t.Errorf("the payment was not taken back: %+v", calls)
//			}
//		})
//	}
//
// # Time stands still
//
// The host is not started. A command does what it does before it answers:
// handlers run, documents are written. What follows from it, events and the
// steps of flows, waits for [Host.Settle], which the expectations call. What is
// asked again later waits for [Host.Pass]. So nothing in such a test is a
// matter of luck, and nothing sleeps. Call [Host.Start] to test with a host
// that works by itself: the expectations then wait for what they expect, and
// cannot tell silence from what is still to come.
//
// # What is checked without being asked
//
// When the test ends the host is closed, and the test fails if
//
//   - a flow needs attention, a document was quarantined or an event went to
//     the dead letters, unless [Host.ExpectTrouble] named it;
//   - a goroutine of the host is left; its stack is shown. Goroutines are told
//     apart by a profiler label, so tests may run in parallel;
//   - somebody changed a value that others share: a request, an answer, a
//     stored document, the data of an event. This is seen where Go values are
//     shared, in [Direct]; elsewhere each side has its own copy;
//   - in [Codec], a hook answered the same question in two ways.
//
// # Outside services
//
// [Stub] and [Fail] stand in for a port's adapter. [Service] is a fake of a
// service with a memory: it keeps keys and tombstones, loses answers, and lets
// effects land after their timeout. [AdapterKeepsKeys] checks that a real
// adapter does the same. [ModuleServer] serves modules, and fails to.
//
// # Guests
//
// A guest is built with the go command, which must be in PATH, once a process;
// a further process finds what it needs in the cache of the go command, and the
// compiled code in a folder aegistest of the user's cache folder.
package aegistest
