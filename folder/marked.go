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
// its bytes, but a note of what was found, of each marker little more than its text.
type Marked struct {
	Path string // relative to the folder, with slashes
	Size int    // of the note, in bytes, also if it isn't kept

	folder   *Folder
	note     []byte             // what was found in it; nil: it is searched again
	tooLarge *pinsetter.Finding // that it could not be searched, or nil
}

// mostNotes bounds the notes that are kept of a folder, in bytes: those of some 80,000
// markers.
const mostNotes = 4 << 20

// Found returns what was found in the file. Without a note it reads and searches it
// again.
func (m Marked) Found() (*setters.File, error) {
	switch {
	case m.tooLarge != nil:
		return &setters.File{Findings: []pinsetter.Finding{*m.tooLarge}}, nil
	case m.note == nil:
		data, err := m.folder.Read(m.Path)
		if err != nil {
			return nil, err
		}
		return setters.Find(m.Path, data), nil
	}
	file, ok := setters.Recall(m.Path, nil, m.note)
	if !ok {
		return nil, fmt.Errorf("%s: %w", m.Path, setters.ErrNote)
	}
	return file, nil
}

// FoundIn is Found for the file's bytes, to be changed with Apply. It returns false if
// they are others than those in which it was found, or there is no note to tell by;
// Apply compares again, and returns setters.ErrNote.
func (m Marked) FoundIn(data []byte) (*setters.File, bool) {
	if m.note == nil {
		return nil, false
	}
	return setters.Recall(m.Path, data, m.note)
}

// Marked returns the marked files of the folder, sorted by path, and the policies
// that their markers name. A file that is too large to be searched is there with a
// finding. The error is that of Each.
func (f *Folder) Marked(ctx context.Context) ([]Marked, map[pinsetter.Name]bool, error) {
	var mu sync.Mutex
	names, notes := map[pinsetter.Name]bool{}, 0
	options := Options{Want: setters.IsCandidate, Screen: setters.HasToken, MaxSize: setters.MaxSize}
	marked, err := Each(ctx, f, options, func(path string, data []byte) (Marked, bool) {
		found := setters.Find(path, data)
		mu.Lock()
		defer mu.Unlock()
		for _, site := range found.Sites {
			names[site.Policy] = true
		}
		m := Marked{Path: path, folder: f, note: found.Note()}
		m.Size = len(m.note)
		if notes += m.Size; notes > mostNotes {
			m.note = nil
		}
		return m, true
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
