package modelspec

// IndexEntry is one key under which a stored document is found. Keys sort as
// strings in the order of the values they were made of: see [IndexKey].
type IndexEntry struct {
	Name   string `json:"name"`
	Key    string `json:"key"`
	Unique bool   `json:"unique,omitempty"`
}
