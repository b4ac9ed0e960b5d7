package setters

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pinsetter/pinsetter"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// place is the position and the form of a marked value.
type place struct {
	start, end int    // offsets in the file of the bytes to replace, quotes included
	quote      byte   // '"', '\'', or 0 for a plain value
	insert     bool   // an empty value: a blank and the value are inserted at start
	tagged     bool   // the value has the explicit tag !!str
	chart      bool   // a chart's version
	pinned     bool   // a tag with a digest behind it
	scheme     string // in front of the name
	chunk      chunk
	line       int // of the node in its chunk, as kyaml counts
	column     int
}

// shaped returns the place with the form that the field and the value need.
func (p place) shaped(m pinsetter.Marker, f Field) place {
	switch m.Part {
	case pinsetter.PartTag:
		p.chart, p.pinned = f.Chart, strings.IndexByte(m.Value, '@') >= 0
	case pinsetter.PartName, pinsetter.PartReference:
		if p.scheme, _ = pinsetter.CutScheme(m.Value); p.scheme == "" {
			p.scheme = f.scheme()
		}
	}
	return p
}

// tag returns the tag of a written value. A registry stores a chart's version
// with "_" for "+", which a tag can't hold.
func (p place) tag(value string) string {
	if p.chart {
		return strings.ReplaceAll(value, "+", "_")
	}
	return value
}

// version returns the value to write for a tag. Helm reads every "_" of a
// chart's tag as "+" (github.com/helm/helm/issues/10166), and so do we.
func (p place) version(tag string) string {
	if p.chart {
		return strings.ReplaceAll(tag, "_", "+")
	}
	return tag
}

// format returns the bytes that write value at the place, in the place's style.
// A plain value gets double quotes if it would not be read as a string.
func (p place) format(value string) string {
	switch {
	case p.quote != 0:
		value = string(p.quote) + value + string(p.quote)
	case !p.tagged && !readsAsString(value):
		value = `"` + value + `"`
	}
	if p.insert {
		return " " + value
	}
	return value
}

// imageName is the grammar of names that are written: a registry's host (a
// name, an IPv4 or a bracketed IPv6 address) with its port, and a path. It is
// wider than the OCI grammar, which config enforces for spec.image, and has no
// character that YAML or a terminal would interpret.
var imageName = pinsetter.Pattern(`^[a-zA-Z0-9\[][a-zA-Z0-9._:/\[\]-]*$`)

// check returns an error if an image can't be written to the site.
func check(image pinsetter.Image, site pinsetter.Site) error {
	if m := Unfit(site, image.Name); m != nil {
		return errors.New(m.Reason)
	}
	names := site.Has(pinsetter.PartReference) || site.Has(pinsetter.PartName)
	tags := site.Has(pinsetter.PartReference) || site.Has(pinsetter.PartTag)
	switch {
	case names && !imageName().MatchString(image.Name):
		return fmt.Errorf("%q is no image name", image.Name)
	case tags && !pinsetter.ValidTag(image.Tag):
		return fmt.Errorf("%q is no tag", image.Tag)
	case image.Digest == "" && site.Has(pinsetter.PartDigest):
		return fmt.Errorf("no digest is known for the :digest marker")
	case image.Digest != "" && !pinsetter.ValidDigest(image.Digest):
		return fmt.Errorf("%q is no digest", image.Digest)
	}
	return nil
}

// value returns the text that a marker for part writes at a place.
func value(image pinsetter.Image, part pinsetter.Part, p place) string {
	switch part {
	case pinsetter.PartName:
		return p.scheme + image.Name
	case pinsetter.PartTag:
		if p.pinned && image.Digest != "" {
			return image.Tag + "@" + image.Digest
		}
		return p.version(image.Tag)
	case pinsetter.PartDigest:
		return image.Digest
	default:
		return p.scheme + image.String()
	}
}

var (
	// plainSafe matches values that no YAML reader takes for an indicator, in
	// block and in flow style, among the characters that are written.
	plainSafe = pinsetter.Pattern(`^[a-zA-Z0-9_][a-zA-Z0-9._:/@+-]*[a-zA-Z0-9._/@+-]$|^[a-zA-Z0-9_]$`)

	// notString matches values that some reader takes for a number, a truth
	// value or a date. kyaml misses sexagesimal numbers and dates of YAML 1.1
	// (yaml.org/type/int.html, float.html, timestamp.html), and numbers of YAML
	// 1.2's core schema (section 10.3.2) such as 0o17 and, outside of Go's
	// range, 12e4567.
	notString = pinsetter.Pattern(`^(` +
		`[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?` +
		`|0o?[0-7_]+|0b[01_]+|0x[0-9a-fA-F_]+` +
		`|[0-9][0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]+)?` +
		`|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}` +
		`|[yY]|[nN]|[yY][eE][sS]|[nN][oO]|[oO][nN]|[oO][fF][fF]|[tT][rR][uU][eE]|[fF][aA][lL][sS][eE]|[nN][uU][lL][lL]` +
		`)$`)
)

// readsAsString reports whether readers of YAML 1.1 and 1.2 take a plain value
// for a string.
func readsAsString(value string) bool {
	return plainSafe().MatchString(value) && !notString().MatchString(value) && !yaml.IsValueNonString(value)
}
