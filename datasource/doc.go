// Package datasource says what a store of documents must do, and in which
// format it keeps them. Drivers are in the directories below it: memory keeps
// documents as Go values, badger keeps them on a disk. Package datasourcetest
// tests a driver.
//
// # What a driver guarantees
//
// One conditional write is all the atomicity that is asked: [Collection].Put
// stores a [Document] with its index entries and its mark for Due if the
// stored revision is the one before, and does nothing otherwise. Who knows
// that can build everything else: a flow, its outgoing events and the receipts
// of its commands are members of the same document, so they are stored
// together or not at all, and what was left undone by a crash is found by Due.
//
//   - A Put that returned nil is durable, and every Get after it sees it or a
//     later one: Get is linearizable per document.
//   - Of all who write one revision, one wins; the others get
//     modelspec.ErrConflict. The loser may be the winner, asked twice by a
//     driver that lost the first answer: Document.By tells.
//   - Of all documents of a collection, one holds a unique key; a Put that is
//     refused for it, with modelspec.ErrExists, leaves nothing behind.
//   - After any other error nobody knows whether the Put happened: read.
//   - Deleting is a Put of a tombstone (Gone). It has no index entries, is not
//     in List, and stays in Get until Purge. A document that is created again
//     goes on counting its revision.
//
// A Document that is given to Put is given away, with all that it refers to;
// one that a driver returns is shared: nobody may change its Index or what its
// Values hold.
//
// # The envelope, format 1
//
// [Encode] writes a Document as one JSON object and [Decode] reads it:
//
//	{"format":1,            version of this format
//	 "id":"o1",             1 to 128 bytes of A-Z a-z 0-9 . _ ~ : @ -
//	 "inc":"k7fn...",       incarnation
//	 "rev":4,               revision, from 1
//	 "by":"x02m...",        nonce of the write
//	 "created":"...",       times are RFC 3339, UTC, to the nanosecond
//	 "updated":"...",
//	 "due":"...",           absent: never
//	 "gone":true,           absent: not a tombstone
//	 "schema":2,            absent: 0
//	 "claim":{"host":"h1","epoch":3,"until":"..."},
//	 "index":[{"name":"mail","key":"...","unique":true}],
//	 "data":{...},          the model's, byte for byte as it was given
//	 "meta":{...}}          the host's, likewise
//
// Only format, id and rev are always there. A key of an index that is not
// UTF-8 is written in base64, as "bytes" in place of "key". An envelope has at
// most [MaxSize] bytes, and data and meta nest at most [MaxDepth] deep.
//
// What an older version does not know survives it: members of other names are
// kept with the Document and written back last, byte for byte, and so is all
// that data and meta hold. A later format may add members to the envelope and
// never changes the meaning of those above; its documents can be read, and it
// is for the host to refuse to write them. A claim and the index are not kept
// so: they belong to whoever writes.
package datasource
