// Package badger keeps documents in a directory, by the storage engine of
// github.com/dgraph-io/badger. It needs no server; one process uses the
// directory at a time.
//
//	host, err := aegis.New(aegis.Config{
//		Models:     ...,
//		Datasource: badger.New(badger.Config{Dir: "data"}),
//	})
//
// # Guarantees
//
// All of datasource.Collection. A Put that returned nil is on the disk, with
// its index entries, and survives a killed process and a loss of power; with
// Config.NoSync, a killed process. A Put that did not return is there as a
// whole or not at all.
//
// # How it writes
//
// One goroutine writes. It takes what waits, up to 256 requests that do not
// touch one another, judges each by what is committed, and commits them as one
// transaction with one sync; what comes meanwhile is the next batch. A write
// alone costs one sync of the disk, and so do two hundred at once. The engine
// by itself syncs once a transaction.
//
// # How it reads
//
// Documents that were written or read lately are kept decoded, up to
// Config.CacheBytes (those of more than about 1/32 of it are not), and Get of
// one does not touch the engine. List and Due walk the state of the moment
// they began; a List that is not finished keeps the room of what was replaced
// meanwhile, and Close waits for it.
//
// # Memory
//
// The zero Config takes about 10 MiB of heap when it is opened and 40 MiB with
// a full cache; about 100 MiB of the process while documents are written at
// full speed, and with Config.NoSync, at some 60,000 a second, 250 MiB. The
// tables and logs are mapped, not read: they count as the system's file cache.
// Nothing is compressed.
//
// # Layout of keys, version 1
//
// A name of a collection or index is ended by a zero byte, which no name has:
//
//	collection 00 'd' id                            the envelope, see package datasource
//	collection 00 't' nanos id                      no value: a document is due
//	collection 00 'i' index 00 key 00 01 id         no value: an entry of an index
//	00 "aegis"                                      "1", the version of this layout
//
// Nanos are those since 1970, 8 bytes, big endian, with the sign bit turned.
// In a key, 00 is written 00 FF. So all sort as datasource wants it: by id, by
// (Due, ID), by (Key, ID). A unique entry is like any other: whether a key is
// taken is seen from the entries under it. What a document's entries were is
// known from its envelope, so each write removes those that are no longer.
package badger
