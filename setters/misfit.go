package setters

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/pinsetter/pinsetter"
)

// Misfit is a marked value that doesn't match its marker's suffix. It holds the
// whole site.
type Misfit struct {
	Line   int    // of the value
	Code   string // of the finding about it
	Value  string // for display, shortened
	Reason string // for people; ends with what to do
}

// Unfit returns the first misfit of a site, or nil. Image is the name of the
// image that the site's policy selects tags of; it tells a word that is the
// image's own name from a tag. It may be empty.
func Unfit(site pinsetter.Site, image string) *Misfit {
	for _, m := range site.Markers {
		if m.Part == pinsetter.PartTag && m.Kind == pinsetter.KindWord && m.Value == image[strings.LastIndexByte(image, '/')+1:] {
			m.Kind = pinsetter.KindUntagged
		}
		if !fits(m.Kind, m.Part) {
			code, reason := misfit(m)
			return &Misfit{m.Line, code, shown(m), reason}
		}
	}
	return nil
}

// UnfitForChart returns the first marker of a site that can't show a version of a chart
// of an HTTP index, or nil: only :tag can, since such a chart has no name or digest
// that anything takes.
func UnfitForChart(site pinsetter.Site) *Misfit {
	for _, m := range site.Markers {
		if m.Part != pinsetter.PartTag {
			return &Misfit{m.Line, CodeShape, shown(m), "its policy follows a chart of an HTTP index, of which only the version can be written: write the marker with :tag behind the version, or remove it"}
		}
	}
	return nil
}

// fits reports whether a marker for part may write over a value of a kind.
func fits(kind pinsetter.Kind, part pinsetter.Part) bool {
	switch kind {
	case pinsetter.KindAny:
		return true
	case pinsetter.KindTag:
		return part == pinsetter.PartTag
	case pinsetter.KindName:
		return part == pinsetter.PartName
	case pinsetter.KindUntagged:
		return part == pinsetter.PartName || part == pinsetter.PartReference
	case pinsetter.KindWord:
		return part != pinsetter.PartDigest
	case pinsetter.KindReference:
		return part == pinsetter.PartReference
	case pinsetter.KindDigest:
		return part == pinsetter.PartDigest
	}
	return false
}

// misfit returns why a marker's value doesn't fit, and what to do.
func misfit(m pinsetter.Marker) (code, reason string) {
	value := strconv.Quote(shown(m))
	switch m.Kind {
	case pinsetter.KindRange:
		return CodeRange, value + " is a range of versions here, which a single one would replace: " +
			"move the marker to a field that holds one version, or write one here, or remove the marker"
	case pinsetter.KindVariable:
		return CodeVariable, value + " holds a variable, which would be lost: " +
			"put the marker where the variable gets its value, or write the value itself here"
	case pinsetter.KindTwice:
		return CodeTwice, "the key of " + value + ", or one above it, stands twice in its mapping, of which readers take one or none: remove the other"
	case pinsetter.KindLabel:
		return CodeShape, value + " names the value beside it: put the marker behind that value"
	case pinsetter.KindSealed:
		if strings.HasPrefix(m.Value, "ENC[") {
			return CodeSealed, "the value is encrypted: keep the version in a file, or a field, that is not"
		}
		return CodeSealed, "SOPS covers this value with the file's MAC, so that the file could not be decrypted after a change: " +
			"encrypt it with mac_only_encrypted, or keep the version in a file of its own"
	}
	return CodeShape, fmt.Sprintf("%s, and %s: %s", is(m), writes[m.Part], remedy(m))
}

// writes describes what a marker writes, by part.
var writes = map[pinsetter.Part]string{
	pinsetter.PartReference: "a marker without suffix writes a whole reference",
	pinsetter.PartName:      "a :name marker writes a name alone",
	pinsetter.PartTag:       "a :tag marker writes a tag alone",
	pinsetter.PartDigest:    "a :digest marker writes a digest",
}

// is describes a marked value for people.
func is(m pinsetter.Marker) string {
	noun := map[pinsetter.Kind]string{
		pinsetter.KindTag:       "a tag",
		pinsetter.KindName:      "an image's name",
		pinsetter.KindUntagged:  "an image's name",
		pinsetter.KindWord:      "no digest",
		pinsetter.KindReference: "a whole reference",
		pinsetter.KindDigest:    "a digest",
		pinsetter.KindText:      "no image reference, and no part of one",
	}[m.Kind]
	switch {
	case m.Value == "":
		return "this field holds " + noun
	case m.Kind == pinsetter.KindText && (m.Part == pinsetter.PartDigest || isWord(m.Value)):
		noun = "no digest"
	}
	return strconv.Quote(shown(m)) + " is " + noun
}

// remedy says how to make a marker and its value agree.
func remedy(m pinsetter.Marker) string {
	namespace, rest, _ := strings.Cut(m.Setter, ":")
	name, _, _ := strings.Cut(rest, ":")
	suffix, known := map[pinsetter.Kind]string{
		pinsetter.KindTag:       ":tag",
		pinsetter.KindName:      ":name",
		pinsetter.KindUntagged:  ":name",
		pinsetter.KindReference: "",
		pinsetter.KindDigest:    ":digest",
	}[m.Kind]
	if !known {
		return "write the value that is meant, or remove the marker"
	}
	return fmt.Sprintf("write the marker as %q, or put it behind what it names", namespace+":"+name+suffix)
}

// shown returns a marked value for display, shortened.
func shown(m pinsetter.Marker) string {
	const longest = 120
	switch {
	case strings.HasPrefix(m.Value, "ENC["):
		return "ENC[…]"
	case len(m.Value) > longest:
		return strings.ToValidUTF8(m.Value[:longest], "") + "…"
	}
	return m.Value
}
