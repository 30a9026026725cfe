package modelspec

const idRule = "an id is 1 to 128 bytes of A-Z a-z 0-9 . _ ~ : @ -"

// CheckID accepts what can be a document's id: 1 to 128 bytes of
// A-Z a-z 0-9 . _ ~ : @ and -. The error is [ErrInvalid].
func CheckID(id string) error {
	ok := len(id) > 0 && len(id) <= 128
	for i := 0; ok && i < len(id); i++ {
		switch c := id[i]; {
		case c-'0' < 10, c|0x20 >= 'a' && c|0x20 <= 'z':
		case c == '.', c == '_', c == '~', c == ':', c == '@', c == '-':
		default:
			ok = false
		}
	}
	if !ok {
		return Invalid("/id", idRule)
	}
	return nil
}
