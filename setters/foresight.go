package setters

import (
	"bytes"
	"slices"
	"unicode/utf8"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/pinsetter/pinsetter"
)

// Guess is a marker at the end of a line, by the bytes of the line alone.
type Guess struct {
	End    int // offset of the line's end in the file, before its line break
	Policy pinsetter.Name
	Part   pinsetter.Part
}

func (g Guess) mark() Mark { return Mark{Policy: g.Policy, Part: g.Part} }

// ReadRehearsed is Read and Rehearse for the price of one parse: it parses the file
// with markers in the places of guesses, which are in order, and takes the markers
// out of what it read. It returns nil if it can't, and then nothing is known of the
// file: a document doesn't parse, there is a marker already, or a guess would not be
// read as a marker of its own value. It is safe for concurrent use.
func ReadRehearsed(path string, data []byte, guesses []Guess) (*Sheet, *Rehearsal) {
	if len(guesses) == 0 || len(data) > MaxSize || !utf8.Valid(data) || HasToken(data) {
		return nil, nil
	}
	f := &foresight{sheet: &Sheet{path: path, data: data}, guesses: guesses}
	marked := f.marked()
	f.found = &File{path: path, data: marked}
	whole, chunks := split(data), split(marked)
	if len(whole) != len(chunks) {
		return nil, nil
	}
	for i, c := range chunks {
		if !f.chunk(whole[i], c) {
			return nil, nil
		}
	}
	f.found.settle()
	if len(f.marks) != len(guesses) || len(f.found.Findings) > 0 || !f.agrees() {
		return nil, nil
	}
	return f.sheet, &Rehearsal{f.sheet, f.marks, f.spots, f.found.Sites}
}

// foresight is one call of ReadRehearsed.
type foresight struct {
	sheet   *Sheet
	guesses []Guess
	found   *File // in the file with markers
	marks   []Mark
	spots   []spot
}

// marked returns the file with the guesses.
func (f *foresight) marked() []byte {
	marks, spots := make([]Mark, len(f.guesses)), make([]spot, len(f.guesses))
	for i, g := range f.guesses {
		marks[i], spots[i] = g.mark(), spot{at: g.End}
	}
	return f.sheet.insert(marks, spots, make([]error, len(marks)))
}

// chunk reads a chunk with its markers. It returns false if that doesn't go.
func (f *foresight) chunk(whole, marked chunk) bool {
	first := len(f.marks)
	inserted := 0
	for _, g := range f.guesses[first:] {
		if g.End > whole.end {
			break
		}
		inserted += len(g.mark().comment())
	}
	if marked.end-marked.start != whole.end-whole.start+inserted {
		return false
	}
	roots, err := parse(f.found.data[marked.start:marked.end])
	if err != nil {
		return false
	}
	if inserted > 0 {
		s := newSearch(f.found, marked)
		if s.isTooLarge() {
			return false
		}
		s.documents(roots)
	}
	line := 1 + bytes.Count(f.sheet.data[:whole.start], []byte("\n"))
	for _, root := range roots {
		if len(root.Content) == 1 {
			d := Document{Root: root.Content[0], Line: line, chunk: whole}
			f.sheet.Documents = append(f.sheet.Documents, d)
			f.unmark(d, d.Root)
		}
	}
	return true
}

// unmark takes the markers off the nodes below one, and notes where they were.
func (f *foresight) unmark(d Document, node *yaml.Node) {
	if IsMarked(node) && len(f.marks) < len(f.guesses) {
		m := f.guesses[len(f.marks)].mark()
		if node.LineComment == m.comment()[1:] {
			node.LineComment = ""
			bare := *node
			m.Document, m.Node = Document{chunk: d.chunk}, &bare
			f.marks = append(f.marks, m)
		}
	}
	for _, child := range node.Content {
		f.unmark(d, child)
	}
}

// agrees reports whether each marker stands in the place that Insert chooses for its
// value, and is found there.
func (f *foresight) agrees() bool {
	for i, m := range f.marks {
		s, err := f.sheet.spot(m)
		if err != nil || s.at != f.guesses[i].End || !f.found.shows(m, s.line) {
			return false
		}
		f.spots = append(f.spots, s)
	}
	return !slices.ContainsFunc(f.sheet.Documents, func(d Document) bool { return holdsToken(d.Root) })
}

// holdsToken reports whether a marker is left in a node or below it.
func holdsToken(node *yaml.Node) bool {
	return IsMarked(node) || slices.ContainsFunc(node.Content, holdsToken)
}
