package httpapi

// validID reports whether s may be a document's id: 1 to 128 of
// A-Za-z0-9._~:@- and not a step in a path.
func validID(s string) bool {
	if s == "" || len(s) > 128 || s == "." || s == ".." {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !isUnreserved(c) && c != ':' && c != '@' {
			return false
		}
	}
	return true
}

const idRule = "an id is 1 to 128 of A-Za-z0-9._~:@-"

// unclean reports paths with empty segments before the end, . or .. in them,
// which nothing here answers to and which http.ServeMux would redirect.
func unclean(path string) bool {
	if path == "" || path[0] != '/' {
		return true
	}
	start := 1
	for i := 1; i <= len(path); i++ {
		if i < len(path) && path[i] != '/' {
			continue
		}
		switch path[start:i] {
		case "":
			if i < len(path) {
				return true
			}
		case ".", "..":
			return true
		}
		start = i + 1
	}
	return false
}
