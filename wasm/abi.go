package wasm

// MediaType is the media type of the artifacts that a [Runtime] loads.
const MediaType = "application/wasm"

// The names of the ABI: see ABI.md. A later ABI has another import module, so
// that a guest built for it fails to link with an error that says so.
const (
	abiModule    = "aegis_v1"
	wasiModule   = "wasi_snapshot_preview1"
	exportHandle = "aegis_handle"
	exportMemory = "memory"
	exportInit   = "_initialize"

	kindReply  = 0
	kindEffect = 1
)

// abiImports are the types of what a guest may import of abiModule.
var abiImports = map[string]signature{
	"recv": {params: "\x7f"},
	"send": {params: "\x7f\x7f\x7f", results: "\x7f"},
}
