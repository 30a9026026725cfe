// Package memory keeps documents in memory, as they are: no JSON is made, and
// what a host put in it gets back as the same Go values. It is the store of a
// host that was given none, and of tests.
//
// It does all that datasource.Collection promises but durability: what is in
// it ends with the process. [Store.Close] keeps it, so that a test can give
// the same Store to the next life of a host; to see what survives of a
// document on a disk use datasourcetest.Bytes.
//
// Get finds a document by one lock of many, held for a map lookup. A write
// holds its collection's lock for about the time of its tree updates; one that
// changes no index entry and no Due changes no tree at all. List walks the
// state of the moment it began, without a lock: trees are copied on write, and
// documents keep the versions that a walk may still ask for. A walk that never
// ends therefore costs memory: one version of each document that changes.
package memory
