// Package file fetches modules from the file system.
//
// References are file URLs with an absolute path, file:///opt/modules/a.wasm,
// or plain paths. Plain relative paths are relative to [Config.Root], or to
// the working directory where that is empty. With a Root, nothing outside it
// can be reached, by dots or by symbolic links; a symbolic link below Root may
// be followed if it is relative and stays below.
//
// The media type is told by the extension (.wasm, and those of
// [Config.MediaTypes]) or by the first bytes. Digest is always computed.
//
// A file is read anew each time: replace it by renaming another over it, or a
// fetch at that moment may see half of each.
package file
