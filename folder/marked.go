package folder

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/setters"
)

// Marked is what is kept of a marked file between reading and deciding: not
// its bytes, so that memory follows the number of markers, of each of which there
// is little more than its text.
type Marked struct {
	Path string // relative to the folder, with slashes

	note     []byte             // what was found in it
	tooLarge *pinsetter.Finding // that it could not be searched, or nil
}

// Found returns what was found in the file.
func (m Marked) Found() (*setters.File, error) {
	if m.tooLarge != nil {
		return &setters.File{Findings: []pinsetter.Finding{*m.tooLarge}}, nil
	}
	file, ok := setters.Recall(m.Path, nil, m.note)
	if !ok {
		return nil, fmt.Errorf("%s: %w", m.Path, setters.ErrNote)
	}
	return file, nil
}

// FoundIn is Found for the file's bytes, to be changed with Apply. It returns false if
// they are others than those in which it was found; Apply compares again, and returns
// setters.ErrNote.
func (m Marked) FoundIn(data []byte) (*setters.File, bool) {
	if m.tooLarge != nil {
		return nil, false
	}
	return setters.Recall(m.Path, data, m.note)
}

// Marked returns the marked files of the folder, sorted by path, and the policies
// that their markers name. A file that is too large to be searched is there with a
// finding. The error is that of Each.
func (f *Folder) Marked(ctx context.Context) ([]Marked, map[pinsetter.Name]bool, error) {
	var mu sync.Mutex
	names := map[pinsetter.Name]bool{}
	options := Options{Want: setters.IsCandidate, Screen: setters.HasToken, MaxSize: setters.MaxSize}
	marked, err := Each(ctx, f, options, func(path string, data []byte) (Marked, bool) {
		found := setters.Find(path, data)
		mu.Lock()
		defer mu.Unlock()
		for _, site := range found.Sites {
			names[site.Policy] = true
		}
		return Marked{Path: path, note: found.Note()}, true
	})
	failed := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok { // one for each file
		failed = joined.Unwrap()
	}
	failed = slices.DeleteFunc(slices.Clone(failed), func(err error) bool {
		var at *FileError
		if !errors.Is(err, ErrTooLarge) || !errors.As(err, &at) {
			return false
		}
		finding := setters.TooLarge(at.Path, err)
		marked = append(marked, Marked{Path: at.Path, tooLarge: &finding})
		return true
	})
	slices.SortStableFunc(marked, func(a, b Marked) int { return cmp.Compare(a.Path, b.Path) })
	return marked, names, errors.Join(failed...)
}
