package git

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// entry is one line of a tree. HashAt is the offset of its hash in the tree.
type entry struct {
	mode   string
	name   []byte // in the tree
	hash   Hash
	hashAt int
}

// The modes of a tree's entries, as Git writes them.
const (
	modeFile      = "100644"
	modeGroup     = "100664" // written by old versions of Git
	modeExec      = "100755"
	modeDir       = "40000"
	modeDirPadded = "040000" // written by some tools; git fsck warns
	modeSymlink   = "120000"
	modeSubmodule = "160000"
)

func (e entry) regular() bool {
	return e.mode == modeFile || e.mode == modeExec || e.mode == modeGroup
}

func (e entry) dir() bool { return e.mode == modeDir || e.mode == modeDirPadded }

// errTree is for bytes that are no tree, and for names that no checkout of Git
// would create.
var errTree = errors.New("malformed tree")

// nextEntry reads the entry at an offset of a tree, and returns the offset of
// the next one.
func nextEntry(tree []byte, at int) (entry, int, error) {
	line := tree[at:]
	space := bytes.IndexByte(line, ' ')
	null := bytes.IndexByte(line, 0)
	if space <= 0 || null < space || len(line) < null+1+len(Hash{}) {
		return entry{}, 0, errTree
	}
	e := entry{mode: mode(line[:space]), name: line[space+1 : null], hashAt: at + null + 1}
	if len(e.name) == 0 || string(e.name) == "." || string(e.name) == ".." || bytes.IndexByte(e.name, '/') >= 0 {
		return entry{}, 0, fmt.Errorf("%w: name %q", errTree, e.name)
	}
	copy(e.hash[:], tree[e.hashAt:])
	return e, e.hashAt + len(e.hash), nil
}

// mode returns a mode without a copy of its own.
func mode(of []byte) string {
	switch string(of) {
	case modeFile:
		return modeFile
	case modeDir:
		return modeDir
	}
	return string(of)
}

// lookup finds the entry of a name in a tree.
func lookup(tree []byte, name string) (entry, bool, error) {
	for at := 0; at < len(tree); {
		e, next, err := nextEntry(tree, at)
		if err != nil || string(e.name) == name {
			return e, err == nil, err
		}
		at = next
	}
	return entry{}, false, nil
}

// shortEntry is the length of an entry with a short name, in bytes.
const shortEntry = 34

// entriesOf returns the entries of a tree, in the order of their paths.
func entriesOf(tree []byte) ([]entry, error) {
	entries := make([]entry, 0, len(tree)/shortEntry)
	for at := 0; at < len(tree); {
		e, next, err := nextEntry(tree, at)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
		at = next
	}
	if !slices.IsSortedFunc(entries, byPath) {
		slices.SortStableFunc(entries, byPath) // a tree that Git would not write
	}
	if name, found := twice(entries); found {
		return nil, fmt.Errorf("%w: it has two entries of the name %q, of which Git checks out one: commit the directory anew (git fsck names it)", errTree, name)
	}
	return entries, nil
}

// twice returns a name that two of the entries have. They are in the order of
// their paths, in which two files or two directories of a name are neighbours.
func twice(entries []entry) ([]byte, bool) {
	for i, e := range entries {
		if i > 0 && bytes.Equal(e.name, entries[i-1].name) {
			return e.name, true
		}
		if !e.dir() {
			continue
		}
		if _, found := slices.BinarySearchFunc(entries, entry{name: e.name, mode: modeFile}, byPath); found {
			return e.name, true
		}
	}
	return nil, false
}

// byPath orders entries as the paths below them are ordered: as if the name of a
// directory ended in "/".
func byPath(a, b entry) int {
	n := min(len(a.name), len(b.name))
	return cmp.Or(bytes.Compare(a.name[:n], b.name[:n]), cmp.Compare(a.byteAt(n), b.byteAt(n)))
}

func (e entry) byteAt(i int) int {
	switch {
	case i < len(e.name):
		return int(e.name[i])
	case e.dir():
		return '/'
	}
	return -1
}
