package orchestration

import "strings"

// nearest returns the word with the smallest edit distance, or "" if none is
// nearer than a third of its length and one.
func nearest(word string, words []string) (best string) {
	if len(word) > 128 {
		return ""
	}
	least := len(word)/3 + 2
	for _, w := range words {
		if n := len(w) - len(word); n >= least || -n >= least {
			continue
		}
		if d := distance(strings.ToLower(word), strings.ToLower(w)); d < least {
			best, least = w, d
		}
	}
	return best
}

// distance is the number of bytes to insert, delete or replace.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
