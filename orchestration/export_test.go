package orchestration

// Value reads a document as it is given to a validator: the document as JSON.
func Value(data []byte) ([]byte, bool) {
	c := &collector{}
	n := read(data, c)
	if n == nil || len(c.list) > 0 {
		return nil, false
	}
	return value{n, "", c}.json()
}

// The limits.
const (
	MaxBytes = maxBytes
	MaxDepth = maxDepth
	MaxNodes = maxNodes
)
