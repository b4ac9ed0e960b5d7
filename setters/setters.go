// Package setters finds Flux's image policy markers in YAML files and replaces
// the values that they mark, and no other byte.
//
// A marker is a comment that holds one JSON object:
//
//	image: ghcr.io/a/b:1.0.0 # {"$imagepolicy": "flux-system:app"}
//
// kyaml says which comment belongs to which value and where it stands; the room lexer
// says the same of common YAML, and is held to it. The output is the input with the values' bytes replaced. A value that can't be
// replaced safely is a finding and stays as it is. The package is pure: bytes
// in, bytes out.
package setters

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pinsetter/pinsetter"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// MaxSize is the size in bytes above which a file is reported and not parsed.
// Parsing takes thirty times a document's size in memory, and a hundred times
// for a hostile one.
const MaxSize = 16 << 20

// MaxNodes is the estimated number of nodes above which a document is reported and
// not parsed. A node takes 200 to 400 bytes, however short it is.
const MaxNodes = 500_000

// MaxMarkers is the number of markers above which a file is reported and not parsed.
// Changing a value takes 2 kB, most of it for the proof that nothing else changes.
const MaxMarkers = 25_000

// maxFindings bounds the findings of one file, so that a hostile one can't fill
// memory and terminals.
const maxFindings = 1000

// token is part of every marker. Flux looks for it with double quotes around
// it; without them, markers in single quotes are found and reported too.
const token = "$imagepolicy"

// IsCandidate reports whether Flux would look for markers in a file of this
// name: "*.yaml", "*.yml" (lower case), or exactly "Kustomization". Path uses
// slashes; only its last element counts.
func IsCandidate(path string) bool {
	name := path[strings.LastIndexByte(path, '/')+1:]
	return strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml") || name == "Kustomization"
}

// Screen is the version of HasToken. It changes whenever HasToken would answer
// differently, so that files which another version skipped are read again.
const Screen = "imagepolicy-3"

// HasToken reports whether data may hold a marker, or an attempt at one: a near
// miss, or a marker in UTF-16. It costs two searches for bytes. If it returns
// false, Find finds nothing.
func HasToken(data []byte) bool {
	if bytes.Contains(data, []byte(token)) || wideToken(data) != "" {
		return true
	}
	for range nearMisses(data) {
		return true
	}
	return false
}

// CountTokens returns about how many markers, or attempts at one, data may hold: what
// Find returns grows with them.
func CountTokens(data []byte) int {
	n := bytes.Count(data, []byte(token))
	for range nearMisses(data) {
		n++
	}
	return n
}

// File is the result of Find for one file.
type File struct {
	// Sites are in the order of their first markers.
	Sites []pinsetter.Site

	// Findings are sorted by line.
	Findings []pinsetter.Finding

	// CommentedOut is the number of lines that are commented out together with
	// their marker. They are no mistake.
	CommentedOut int

	path     string
	data     []byte
	places   [][]place // by site, then by marker
	recalled bool      // read from a note
	read     reader    // of the documents of a chunk; nil if recalled
}

// reader returns the documents of a chunk as kyaml reads them. Release is called once,
// when none of the nodes is used any more, also after an error.
type reader func(data []byte) (documents []*yaml.Node, release func(), err error)

// Find returns the sites of a file, and a finding for each marker that can't be
// used. It doesn't check the file's name; see IsCandidate. A document that
// doesn't parse is a finding, and the others go on. Path is the path in sites
// and findings. The File refers to data, which must not change while the File
// is in use.
func Find(path string, data []byte) *File { return find(path, data, read) }

// find is Find with a function that reads the documents of a chunk.
func find(path string, data []byte, read reader) *File {
	file := &File{path: path, data: data, read: read}
	if !HasToken(data) {
		return file
	}
	switch encoding := wideToken(data); {
	case len(data) > MaxSize:
		file.report(pinsetter.Error, CodeTooLarge, 0, "%d bytes: a file with markers may have %d; split it", len(data), MaxSize)
		return file
	case len(data) > MaxMarkers*len(token) && CountTokens(data) > MaxMarkers:
		file.report(pinsetter.Error, CodeTooLarge, 0, "%d markers: a file may have %d; split it", CountTokens(data), MaxMarkers)
		return file
	case encoding != "":
		file.report(pinsetter.Error, CodeNotUTF8, 0, "the file holds a marker and is %s, which is not searched: convert it to UTF-8 (iconv -f %s -t UTF-8)", encoding, encoding)
		return file
	case !utf8.Valid(data):
		file.report(pinsetter.Error, CodeNotUTF8, 0, "the file holds a marker and is not UTF-8: save it as UTF-8")
		return file
	}
	for _, c := range split(data) {
		if HasToken(data[c.start:c.end]) {
			newSearch(file, c).run()
		}
	}
	file.settle()
	return file
}

// settle ends a search: all sites and findings are known.
func (f *File) settle() {
	for i := range f.Sites {
		f.Sites[i].Written = written(f.Sites[i], f.places[i])
	}
	slices.SortStableFunc(f.Findings, pinsetter.Finding.Compare)
	f.bound()
}

// TooLarge is the finding of a file that was not handed to Find, since it is too
// large to be read: err says so.
func TooLarge(path string, err error) pinsetter.Finding {
	return pinsetter.Finding{
		Severity: pinsetter.Warning, Code: CodeTooLarge, Path: path,
		Message: "markers in it are not looked for: " + err.Error(),
	}
}

// report adds a finding. Line counts from 1; 0 means the whole file.
func (f *File) report(severity pinsetter.Severity, code string, line int, format string, args ...any) {
	f.Findings = append(f.Findings, pinsetter.Finding{
		Severity: severity,
		Code:     code,
		Path:     f.path,
		Line:     line,
		Message:  fmt.Sprintf(format, args...),
	})
}

// bound cuts the findings to maxFindings, and says so in the last one.
func (f *File) bound() {
	more := len(f.Findings) - maxFindings
	if more <= 0 {
		return
	}
	f.Findings = slices.Clip(f.Findings[:maxFindings])
	last := f.Findings[maxFindings-1]
	f.report(last.Severity, last.Code, last.Line, "%d more findings in this file are not shown", more)
}
