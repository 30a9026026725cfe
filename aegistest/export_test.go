package aegistest

// Digest is digest, and Build is build.
var (
	Digest = digest
	Build  = build
)

// CheckEach is why Each refuses c.
func (c Config) CheckEach() error { return c.checkEach() }
