package pinsetter

import "strings"

// Part is the part of a policy's image that a marker stands for.
type Part uint8

// The parts, by the suffix of the marker that asks for them.
const (
	PartReference Part = iota // no suffix: "name:tag" or "name:tag@digest"
	PartName                  // ":name"
	PartTag                   // ":tag"
	PartDigest                // ":digest"
)

// Kind is what a marked value is, whatever its marker asks for.
type Kind uint8

// The kinds. KindAny fits every marker.
const (
	KindAny       Kind = iota // nothing is there yet, or it wasn't looked at
	KindTag                   // a tag or a version, also with a digest behind it: "1.0.0@sha256:…"
	KindName                  // an image's name, in a field that takes no more
	KindUntagged              // an image's name, where a whole reference may stand as well
	KindWord                  // a word that may be a tag or a name: "latest", "nginx"
	KindReference             // an image's name with a tag or digest
	KindDigest                // a digest, or a field for one
	KindRange                 // a range of versions
	KindVariable              // it holds a variable or a template
	KindSealed                // it is encrypted, or can't change without the key
	KindTwice                 // its key stands twice, so that it may not be read
	KindLabel                 // a word that names the value beside it: the "name" of a variable
	KindText                  // none of these
)

// Marker is one $imagepolicy comment and the scalar that it marks.
type Marker struct {
	Line   int    // line of the marked value, from 1; lines end at \n
	Part   Part   // what the marker asks for
	Setter string // the comment's "namespace:policy[:suffix]"
	Value  string // the scalar as YAML reads it
	Kind   Kind   // what the value is
}

// Site is all markers of one policy in one YAML document, or in one item of a
// List: the unit of decision. It moves as a whole or stays.
type Site struct {
	Path     string // of the file, from the root of what was searched, with slashes
	Document int    // index of the document in the file, from 0
	Item     int    // index of the item in a List, from 0; -1 outside a List
	Object   Object // the object that the document or item holds
	Policy   Name   // the policy that the markers name
	Markers  []Marker

	// Written is what the site shows now: an image for each marker without
	// suffix, and one for its :tag and :digest markers together, each distinct
	// one once, in order of appearance. It has more than one element only where
	// the markers of a site disagree, and none for a site with :name markers
	// alone, or with a value that doesn't fit its marker (see setters.Unfit). The
	// tag of a chart version is given with "_" for "+", as a registry lists it;
	// names are given without scheme.
	Written []Image
}

// Line returns the line of the site's first marker.
func (s Site) Line() int { return s.Markers[0].Line }

// Current describes the written reference for people: "1.2.3",
// "1.2.3@sha256:…", or several of them with commas where the markers disagree.
// It is empty where nothing is written.
func (s Site) Current() string {
	shown := make([]string, 0, len(s.Written))
	for _, image := range s.Written {
		image.Name = ""
		shown = append(shown, strings.TrimPrefix(image.String(), ":"))
	}
	return strings.Join(shown, ", ")
}

// Has reports whether any of the site's markers stands for part.
func (s Site) Has(part Part) bool {
	for _, m := range s.Markers {
		if m.Part == part {
			return true
		}
	}
	return false
}

// Pins reports whether the site shows a digest in a field of its own or behind a
// tag: one of its markers is a :digest marker, or stands behind "tag@digest".
func (s Site) Pins() bool {
	for _, m := range s.Markers {
		if m.Part == PartDigest || m.Part == PartTag && strings.IndexByte(m.Value, '@') >= 0 {
			return true
		}
	}
	return false
}

// CutScheme cuts the scheme off a URL that stands for an image: "oci://" as Flux
// and Helm write it, "docker://" and "docker-image://" as image tools do. Of any
// other value the scheme is "".
func CutScheme(value string) (scheme, rest string) {
	i := strings.Index(value, "://")
	if i < 0 {
		return "", value
	}
	switch value[:i] {
	case "oci", "docker", "docker-image":
		return value[:i+3], value[i+3:]
	}
	return "", value
}
