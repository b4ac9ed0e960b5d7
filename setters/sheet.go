package setters

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/strict"
)

// Sheet is a YAML file that may get markers. It is safe for concurrent use.
type Sheet struct {
	Documents []Document // in order, those without content left out

	path string
	data []byte
}

// Document is a document of a Sheet. Its nodes must not change.
type Document struct {
	Root *strict.Node // nil: it doesn't parse, and Err says why
	Err  error
	Line int // of its first byte; from 1

	chunk chunk
}

// LineOf returns the line of a node in the file, from 1.
func (d Document) LineOf(node *strict.Node) int { return d.Line + node.Line - 1 }

// Read parses a file. A document that doesn't parse doesn't stop the others.
// The error is for a file that is larger than MaxSize or isn't UTF-8. Path is
// used in messages and to know a Chart.yaml. The Sheet refers to data, which
// must not change.
func Read(path string, data []byte) (*Sheet, error) {
	s := &Sheet{path: path, data: data}
	switch {
	case len(data) > MaxSize:
		return nil, fmt.Errorf("the file is larger than %d bytes", MaxSize)
	case !utf8.Valid(data):
		return nil, errors.New("the file is not UTF-8: save it as UTF-8")
	}
	for _, c := range split(data) {
		line := 1 + bytes.Count(data[:c.start], []byte("\n"))
		roots, err := parse(data[c.start:c.end])
		if err != nil {
			message, at := explain(err)
			s.Documents = append(s.Documents, Document{Err: errors.New(message), Line: line + max(at-1, 0), chunk: c})
		}
		for _, root := range roots {
			if len(root.Content) == 1 && err == nil {
				s.Documents = append(s.Documents, Document{Root: root.Content[0], Line: line, chunk: c})
			}
		}
	}
	return s, nil
}

// IsMarked reports whether a marker, or an attempt at one, belongs to a value.
func IsMarked(node *strict.Node) bool {
	return strings.Contains(node.LineComment, token) || strings.Contains(node.HeadComment, token)
}

// Mark asks for a marker behind a value.
type Mark struct {
	Document Document     // its Root isn't needed
	Node     *strict.Node // a scalar of the document, no alias
	Policy   pinsetter.Name
	Part     pinsetter.Part
}

// comment returns the marker as it is written behind the value.
func (m Mark) comment() string { return " # " + Marker(m.Policy, m.Part) }

func (m Mark) setter() string { return setterOf(m.Policy, m.Part) }

// Marker returns the marker of a policy for a part, without the "#" before it.
func Marker(policy pinsetter.Name, part pinsetter.Part) string {
	return `{"` + token + `": "` + setterOf(policy, part) + `"}`
}

func setterOf(policy pinsetter.Name, part pinsetter.Part) string {
	setter := policy.Namespace + ":" + policy.Name
	for suffix, p := range parts {
		if p == part && suffix != "" {
			setter += ":" + suffix
		}
	}
	return setter
}

// errMarked says that a value can't get a second marker.
var errMarked = errors.New("its value has a marker already")

// Marked is a file with markers that were inserted, and the sites that Find
// finds in it.
type Marked struct {
	Data  []byte
	Sites []pinsetter.Site
}

// Insert returns the file with the markers, each at the end of its value's line,
// behind a comment that is there already. No other byte changes. The errors are
// by index of marks; one says why that marker can't be written, and nil that it
// is: Find finds it in the result with the value that the node has, and nothing
// else that it didn't find before.
func (s *Sheet) Insert(marks []Mark) (Marked, []error) {
	found, _, refused := s.insertFound(marks)
	return Marked{found.data, found.Sites}, refused
}

// insertFound is Insert, with the places of the markers.
func (s *Sheet) insertFound(marks []Mark) (*File, []spot, []error) {
	refused := make([]error, len(marks))
	spots := make([]spot, len(marks))
	taken := map[int]bool{}
	for i, m := range marks {
		spots[i], refused[i] = s.spot(m)
		if refused[i] == nil && taken[spots[i].at] {
			refused[i] = errMarked
		}
		taken[spots[i].at] = true
	}
	before := Find(s.path, s.data)
	for {
		found := Find(s.path, s.insert(marks, spots, refused))
		again := false
		for i, m := range marks {
			if refused[i] == nil && !found.shows(m, spots[i].line) {
				refused[i], again = errors.New("a marker behind it would not be read"), true
			}
		}
		switch {
		case again:
		case len(found.Findings) > len(before.Findings):
			for i := range refused {
				refused[i] = fmt.Errorf("markers would not be read as they are meant: %s", found.Findings[0])
			}
			return before, spots, refused
		default:
			return found, spots, refused
		}
	}
}

// insert returns the file with those markers that aren't refused.
func (s *Sheet) insert(marks []Mark, spots []spot, refused []error) []byte {
	var order []int
	for i := range marks {
		if refused[i] == nil {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return spots[a].at - spots[b].at })
	data := make([]byte, 0, len(s.data)+64*len(order))
	copied := 0
	for _, i := range order {
		data = append(data, s.data[copied:spots[i].at]...)
		data = append(data, marks[i].comment()...)
		copied = spots[i].at
	}
	return append(data, s.data[copied:]...)
}

// shows reports whether a marker was found at a line.
func (f *File) shows(m Mark, line int) bool {
	value := m.Node.Value
	if m.Node.Tag == yaml.NodeTagNull && m.Node.Style == 0 {
		value = ""
	}
	for _, site := range f.Sites {
		if site.Policy != m.Policy {
			continue
		}
		for _, found := range site.Markers {
			if found.Line == line && found.Setter == m.setter() && found.Value == value {
				return true
			}
		}
	}
	return false
}

// spot is a place for a marker: its offset in the file, and the value's line.
type spot struct{ at, line int }

// Refuses returns why a value can't have a marker, or nil.
func (s *Sheet) Refuses(d Document, node *strict.Node) error {
	_, err := s.spot(Mark{Document: d, Node: node})
	return err
}

// spot returns the place of a marker.
func (s *Sheet) spot(m Mark) (spot, error) {
	if IsMarked(m.Node) {
		return spot{}, errMarked
	}
	if m.Node.Kind != yaml.ScalarNode {
		return spot{}, errors.New("it is no single value")
	}
	data := s.data[m.Document.chunk.start:m.Document.chunk.end]
	at := newCursor(data).seek(m.Node.Line, m.Node.Column)
	if at < 0 {
		return spot{}, errors.New("its place in the file isn't known")
	}
	p, err := locateValue(data, at, m.Node)
	if err != nil {
		return spot{}, err
	}
	found := spot{line: 1 + bytes.Count(s.data[:m.Document.chunk.start+p.start], []byte("\n"))}
	end := p.end
	for end < len(data) && breakAt(data, end) == 0 {
		end++
	}
	rest := bytes.TrimLeft(data[p.end:end], " \t")
	switch {
	case len(rest) == 0:
		end = p.end
	case rest[0] != '#' || len(rest) == end-p.end:
		return spot{}, errors.New("it shares its line with other values, and a marker stands at a line's end: write one value a line")
	default:
		end = p.end + len(bytes.TrimRight(data[p.end:end], " \t"))
	}
	found.at = m.Document.chunk.start + end
	return found, nil
}
