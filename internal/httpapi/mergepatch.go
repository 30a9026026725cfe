package httpapi

// mergePatch applies a JSON Merge Patch (RFC 7396) to the JSON text target.
// Both are valid JSON without duplicate names. What the patch does not touch
// keeps its text: order, spelling of numbers and all. The result may share
// memory with both.
func mergePatch(target, patch []byte) ([]byte, error) {
	if !isObject(patch) {
		return patch, nil
	}
	changes, err := members(patch)
	if err != nil {
		return nil, err
	}
	var was []member
	if isObject(target) {
		if was, err = members(target); err != nil {
			return nil, err
		}
	}
	out := newObject(len(target) + len(patch))
	changed := newIndex(changes)
	for _, m := range was {
		if c, ok := changed.find(m.name); !ok {
			out.add(m.key, m.value)
		} else if err := addMerged(out, m.key, m.value, c.value); err != nil {
			return nil, err
		}
	}
	known := newIndex(was)
	for _, c := range changes {
		if _, ok := known.find(c.name); ok {
			continue
		}
		if err := addMerged(out, c.key, nil, c.value); err != nil {
			return nil, err
		}
	}
	return out.end(), nil
}

// addMerged adds the member that patch makes of target, if any.
func addMerged(out *object, key, target, patch []byte) error {
	if string(patch) == "null" {
		return nil
	}
	v, err := mergePatch(target, patch)
	if err == nil {
		out.add(key, v)
	}
	return err
}
