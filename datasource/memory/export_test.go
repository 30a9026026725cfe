package memory

import "github.com/org/aegis/datasource"

// Versions is how many versions of the document are kept.
func Versions(c datasource.Collection, id string) int {
	n := 0
	for v := c.(*collection).record(id).cur.Load(); v != nil; v = v.prev {
		n++
	}
	return n
}
