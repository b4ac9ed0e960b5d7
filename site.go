package pinsetter

import "strings"

// Part is the part of a policy's image that a marker asks for.
type Part uint8

// The parts, by the suffix of the marker.
const (
	PartReference Part = iota // no suffix: "name:tag" or "name:tag@digest"
	PartName                  // ":name"
	PartTag                   // ":tag"
	PartDigest                // ":digest"
)

// Kind is the kind of a marked value, whatever its marker asks for.
type Kind uint8

// The kinds. KindAny fits every marker.
const (
	KindAny       Kind = iota // empty, or not classified
	KindTag                   // a tag or a version, possibly with a digest: "1.0.0@sha256:…"
	KindName                  // an image's name, in a field for names only
	KindUntagged              // an image's name, in a field that may hold a whole reference
	KindWord                  // a word that may be a tag or a name: "latest", "nginx"
	KindReference             // an image's name with a tag or digest
	KindDigest                // a digest, or a field for one
	KindRange                 // a range of versions
	KindVariable              // contains a variable or a template
	KindSealed                // encrypted, or unchangeable without the key
	KindTwice                 // its key is a duplicate, so readers may ignore it
	KindLabel                 // a word that names the value beside it: the "name" of a variable
	KindText                  // anything else
)

// Marker is one $imagepolicy comment and the scalar that it marks.
type Marker struct {
	Line   int    // line of the marked value, from 1; lines end at \n
	Part   Part   // the part that it asks for
	Setter string // the comment's "namespace:policy[:suffix]"
	Value  string // the scalar as YAML reads it
	Kind   Kind   // the kind of Value
}

// Site is all markers of one policy in one YAML document, or in one item of a
// List. It is the unit of decision: it moves as a whole or stays.
type Site struct {
	Path     string // of the file, relative to the searched folder, with slashes
	Document int    // index of the document in the file, from 0
	Item     int    // index of the item in a List, from 0; -1 outside a List
	Object   Object // the object in the document or item
	Policy   Name   // the policy that the markers name
	Markers  []Marker

	// Written is the images that the site shows now, without duplicates, in
	// order of appearance: one for each marker without suffix, and one for its
	// :tag and :digest markers together. It has several elements only if the
	// site's markers disagree. It is empty for a site with :name markers only,
	// or with a value that doesn't fit its marker (see setters.Unfit). The tag
	// of a chart's version has "_" for "+", as in a registry; names have no
	// scheme.
	Written []Image

	// Enclosing is the verification that the site's object has for what the site
	// names; nil if it has none, or if the site names something else.
	Enclosing *Enclosing
}

// Enclosing is what a Flux object says of the signatures of what it pulls, as far
// as a search of files can read it.
type Enclosing struct {
	Provider   string     // "cosign" if it isn't said
	Secret     string     // name of the Secret of keys; "" if there is none
	Identities []Identity // who may have signed where there are no keys; empty: anybody
	Root       string     // name of the Secret of a trusted root; "" if there is none
	Unread     string     // why it can't be read; "" if it can

	// Trust identifies what is trusted, once the Secret was read. Without it nothing
	// passes, and Problem says why.
	Trust   string
	Problem string
}

// Identity is who may have signed, as the patterns that a Flux object has.
type Identity struct{ Issuer, Subject string }

// Line returns the line of the site's first value that shows a version: of its first
// marker but for :name, which stays where the others move. A site with :name markers
// only has the line of the first.
func (s Site) Line() int {
	for _, m := range s.Markers {
		if m.Part != PartName {
			return m.Line
		}
	}
	return s.Markers[0].Line
}

// LineOf returns the line of the first value that changes if the site takes an
// image. It is Line if none does.
func (s Site) LineOf(image Image) int {
	for _, m := range s.Markers {
		tag, digest, _ := strings.Cut(m.Value, "@")
		switch {
		case m.Part == PartReference,
			m.Part == PartTag && (strings.ReplaceAll(tag, "+", "_") != image.Tag || digest != "" && digest != image.Digest),
			m.Part == PartDigest && m.Value != image.Digest:
			return m.Line
		}
	}
	return s.Line()
}

// Current returns the written reference for people: "1.2.3", "1.2.3@sha256:…",
// or several of them with commas if the markers disagree. It returns "" if
// nothing is written.
func (s Site) Current() string {
	shown := make([]string, 0, len(s.Written))
	for _, image := range s.Written {
		image.Name = ""
		shown = append(shown, strings.TrimPrefix(image.String(), ":"))
	}
	return strings.Join(shown, ", ")
}

// Has reports whether any of the site's markers asks for part.
func (s Site) Has(part Part) bool {
	for _, m := range s.Markers {
		if m.Part == part {
			return true
		}
	}
	return false
}

// Pins reports whether the site shows a digest: it has a :digest marker, or a
// marker over "tag@digest".
func (s Site) Pins() bool {
	for _, m := range s.Markers {
		if m.Part == PartDigest || m.Part == PartTag && strings.IndexByte(m.Value, '@') >= 0 {
			return true
		}
	}
	return false
}

// CutScheme cuts the scheme off an image's URL: "oci://" as Flux and Helm write
// it, "docker://" and "docker-image://" as image tools do. For any other value
// the scheme is "".
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
