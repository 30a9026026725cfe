// Package datasourcetest tests drivers of package datasource, and what is
// built on them.
//
// A driver's own test is a harness and one line:
//
//	func TestConformance(t *testing.T) {
//		datasourcetest.Run(t, datasourcetest.Harness{
//			Open:   func(t testing.TB) datasource.Store { ... },
//			Reopen: func(t testing.TB) datasource.Store { ... },
//		})
//	}
//
// [Run] checks all that datasource.Collection promises; [Compare] does the
// same random operations on several stores, which must give the same answers,
// and [Reference] is the one that is plain enough to be trusted. [Bench]
// measures.
//
// For tests of a host there are [Bytes], a store in memory that keeps bytes
// only, as a disk does, and [Faulty], which makes operations of any store fail
// before or after they happened, or hang.
package datasourcetest
