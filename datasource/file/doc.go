// Package file keeps documents in a directory, each as a JSON file that people
// can read and edit. It is for small data: configuration, tests, prototypes,
// whatever is looked at, compared or kept in a version control system. Package
// badger is for the rest.
//
//	host, err := aegis.New(aegis.Config{
//		Models:     ...,
//		Datasource: file.New(file.Config{Dir: "data"}),
//	})
//
// # Guarantees
//
// All of datasource.Collection. A Put that returned nil is on the disk and
// survives a killed process and a loss of power; with Config.NoSync, a killed
// process. A Put that did not return is there as a whole or not at all: the
// file is written beside the old one, synced, renamed over it, and the folder
// is synced. What a killed process left of that is removed when the collection
// is opened.
//
// One process uses the directory at a time; a second one is refused with
// modelspec.ErrUnavailable. The system gives the directory free when the
// process ends, however it does.
//
// # Files
//
//	Dir/.lock                    who uses it
//	Dir/.layout                  "1", the version of this layout
//	Dir/<collection>/<id>.json   the envelope, see package datasource
//
// [Path] says where a document is. Names are written so that every file system
// takes them and tells them apart, also one that does not know capital from
// small letters: capital letters are written small and recorded after "=", ":"
// is written "+", a dot in the first or last place ",", and "%" stands before
// a name that Windows keeps for a device. No name leads out of the directory,
// also not through symbolic links.
//
// The envelope has a member a line, and data and meta are indented. White space
// in data that was indented (": " stands before it) means nothing. Data that
// was given with white space of its own, or nests deeper than 64, stands right
// behind its colon and is kept byte for byte. What datasource.Encode writes is
// such a file too. A file, with its indentation, has at most datasource.MaxSize
// bytes.
//
// # Outside edits
//
// Files may be changed, made and removed while the store is open; Config.Watch
// says how soon that is seen, and Config.OnChange is told. Put and Purge do
// not wait for that: they look at the file and never go over an edit, up to
// the instant of the rename itself.
//
//   - A changed file is a new revision: the one that it says, or the one after
//     the last that was known if that is higher. The number is in memory and
//     gets into the file by the next Put; a process that starts before that
//     begins with what the file says. Saving a file as it was, or touching it,
//     is no change.
//   - All of the envelope is taken as the file says. The index is made by the
//     host from data, so after an edit of data the document is found by its
//     old keys until the host writes it; and keys that an edit put into two
//     files are found out by the next Put that takes one.
//   - A new file is a new document: format, id and rev are all it needs.
//   - A file that is removed is as good as purged. The search believes it when
//     it finds it missing twice, for some editors save so; Get and Put at once.
//   - A file that is no document (not JSON, another id than its name, too
//     large, no regular file) is modelspec.ErrDataLoss for whoever asks for
//     that document, in List at its place, after which List goes on. All
//     others are as before. [Store.Damaged] lists such files, and Config.Logger
//     is told. It is not written over; when it is mended, the document is
//     there again. One that was changed in the last tenth of a second is
//     modelspec.ErrUnavailable: somebody may be writing it.
//
// A change that keeps a file's size, and its time to within what the file
// system counts, is found if it came within a tenth of a second after the last
// one, and else not: edits have times of their own.
//
// # Memory and speed
//
// Of each document its id, revision, due time and index are in memory, about
// 500 bytes and its keys; bodies as Config.CacheBytes allows. Opening a collection reads
// all of its files. A List that is not finished keeps the bodies of what is
// replaced meanwhile, and Close waits for it. Writers of different documents
// write at the same time and share syncs of the folder. The search looks at
// the time of every file, and takes at most a twentieth of a processor.
//
// Files are made readable and writable by their owner only.
package file
