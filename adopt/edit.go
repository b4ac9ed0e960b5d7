package adopt

import (
	"bytes"
	"slices"
	"strings"
)

// Edit is the new content of a file.
type Edit struct {
	Path string // relative to the folder, with slashes
	Old  []byte // nil: the file is new
	New  []byte
}

// Edits returns those that change something, sorted by path.
func Edits(all []Edit) []Edit {
	kept := slices.DeleteFunc(slices.Clone(all), func(e Edit) bool { return bytes.Equal(e.Old, e.New) })
	slices.SortFunc(kept, func(a, b Edit) int { return strings.Compare(a.Path, b.Path) })
	return kept
}
