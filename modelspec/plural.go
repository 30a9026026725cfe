package modelspec

import "strings"

// plural makes the default of Descriptor.Plural: by the ending alone, since a
// word that this gets wrong is one line in the Model.
func plural(name string) string {
	last := func(s string) bool { return strings.HasSuffix(name, s) }
	switch {
	case name == "":
		return ""
	case last("s"), last("x"), last("z"), last("ch"), last("sh"):
		return name + "es"
	case last("y") && len(name) > 1 && !strings.ContainsRune("aeiouAEIOU", rune(name[len(name)-2])):
		return name[:len(name)-1] + "ies"
	}
	return name + "s"
}

// fill puts in the defaults.
func (d *Descriptor) fill() {
	if d.Plural == "" {
		d.Plural = plural(d.Name)
	}
	if d.Endpoint == "" {
		d.Endpoint = d.Plural
	}
	if d.Schema == nil {
		d.Schema = &Schema{Type: Types{"object"}}
	}
}
