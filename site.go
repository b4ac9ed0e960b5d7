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

// Marker is one $imagepolicy comment and the scalar that it marks.
type Marker struct {
	Line   int    // line of the marked value, from 1; lines end at \n
	Part   Part   // what the value is
	Setter string // the comment's "namespace:policy[:suffix]"
	Value  string // the scalar as YAML reads it
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
	// alone. The tag of a chart version is given with "_" for "+", as a registry
	// lists it.
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
