package setters

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/pinsetter/pinsetter"
)

// edit is the replacement of one value.
type edit struct {
	place
	value string // as YAML should read it
}

// Apply returns the file with the given sites set to their images, and the
// changes in order of lines. The keys of images are indexes into f.Sites. A
// value that is right already is no change; without changes Apply returns the
// bytes that Find was given.
//
// For a recalled File, Apply searches the bytes again before it changes them.
// So Apply must not be called concurrently; see ErrNote.
//
// It returns an error, and changes nothing, if an image lacks a part that the
// site shows, if a part is outside its grammar, or if the result, parsed again,
// differs from the original in more than the marked values.
func (f *File) Apply(images map[int]pinsetter.Image) ([]byte, []pinsetter.Change, error) {
	var edits []edit
	var changes []pinsetter.Change
	for _, i := range slices.Sorted(maps.Keys(images)) {
		if i < 0 || i >= len(f.Sites) {
			return nil, nil, fmt.Errorf("apply to %s: there is no site %d", f.path, i)
		}
		site, image := f.Sites[i], images[i]
		if err := check(image, site); err != nil {
			return nil, nil, fmt.Errorf("write policy %s to %s:%d: %w", site.Policy, f.path, site.Line(), err)
		}
		for j, m := range site.Markers {
			p := f.places[i][j]
			wanted := value(image, m.Part, p)
			if wanted == m.Value {
				continue
			}
			edits = append(edits, edit{p, wanted})
			changes = append(changes, pinsetter.Change{
				Path: f.path, Line: m.Line, Setter: m.Setter, Object: site.Object, Old: m.Value, New: wanted,
			})
		}
	}
	if len(edits) == 0 {
		return f.data, nil, nil
	}
	if f.recalled {
		if err := f.searchAgain(); err != nil {
			return nil, nil, fmt.Errorf("rewrite %s: %w", f.path, err)
		}
		return f.Apply(images)
	}
	slices.SortStableFunc(changes, func(a, b pinsetter.Change) int { return cmp.Compare(a.Line, b.Line) })
	slices.SortFunc(edits, func(a, b edit) int { return cmp.Compare(a.start, b.start) })
	data, err := f.splice(edits)
	if err != nil {
		return nil, nil, err
	}
	return data, changes, nil
}

// splice replaces the bytes of the edits, which are sorted by place, and
// verifies each chunk that it changes: kyaml reads the whole result once, and the
// original where the lexer can't.
func (f *File) splice(edits []edit) ([]byte, error) {
	result := make([]byte, 0, len(f.data)+128*len(edits))
	copied := 0
	for len(edits) > 0 {
		c := edits[0].chunk
		n := 0
		for n < len(edits) && edits[n].chunk == c {
			n++
		}
		result = append(result, f.data[copied:c.start]...)
		start := len(result)
		copied = c.start
		for _, e := range edits[:n] {
			result = append(result, f.data[copied:e.start]...)
			result = append(result, e.format(e.value)...)
			copied = e.end
		}
		result = append(result, f.data[copied:c.end]...)
		copied = c.end
		before, after := f.data[c.start:c.end], result[start:]
		err := verify(f.read, before, after, edits[:n])
		if err != nil { // kyaml has the last word on both
			err = verify(ask, before, after, edits[:n])
		}
		if err != nil {
			return nil, fmt.Errorf("rewrite %s: %w; the file is left alone", f.path, err)
		}
		edits = edits[n:]
	}
	return append(result, f.data[copied:]...), nil
}
