package git

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// ErrNoPath says that a file or directory isn't in the commit.
var ErrNoPath = errors.New("not in the commit")

// Snapshot is the files of one commit, fetched or made here. It never changes,
// and is safe for concurrent use.
type Snapshot struct {
	hash    Hash
	tree    Hash
	ref     string // full name; "": it was asked for by its hash
	objects *Store

	parent *Snapshot       // nil: it wasn't made here
	made   map[Hash]Object // objects that this commit adds
}

// Snapshot returns the files of a commit with that tree. Ref is the full name of
// the ref that was read, "" for none.
func (s *Store) Snapshot(commit, tree Hash, ref string) *Snapshot {
	return &Snapshot{hash: commit, tree: tree, ref: ref, objects: s}
}

// File is a regular file of a snapshot. Path is from the repository's root,
// with slashes. Note is the note on a file with these bytes (Snapshot.Note),
// nil if there is none. Data and Note are read-only.
type File struct {
	Path string
	Data []byte
	Note []byte
	hash Hash
}

// Hash returns the commit's hash.
func (s *Snapshot) Hash() Hash { return s.hash }

// Tree returns the hash of the root directory. Snapshots with equal files have
// equal ones.
func (s *Snapshot) Tree() Hash { return s.tree }

// Store returns the store of the snapshot's objects. It lacks those that were
// made here.
func (s *Snapshot) Store() *Store { return s.objects }

// Ref returns the full name of the ref that was read, such as
// "refs/heads/main"; "" for a commit that was asked for by its hash.
func (s *Snapshot) Ref() string { return s.ref }

// String names the snapshot for people: "main at 1a2b3c4".
func (s *Snapshot) String() string {
	short := s.hash.String()[:7]
	if s.ref == "" {
		return "commit " + short
	}
	return strings.TrimPrefix(strings.TrimPrefix(s.ref, "refs/heads/"), "refs/tags/") + " at " + short
}

// Held returns how many bytes of objects are in memory, of all that came with
// the snapshot's fetch.
func (s *Snapshot) Held() int64 { return s.objects.Held() }

// Object returns the object with that hash. If it isn't there, the error says
// why.
func (s *Snapshot) Object(hash Hash) (Object, error) {
	for at := s; at != nil; at = at.parent {
		if found, ok := at.made[hash]; ok {
			return found, nil
		}
	}
	return s.objects.Object(hash)
}

// has reports whether the snapshot holds an object.
func (s *Snapshot) has(hash Hash) bool {
	for at := s; at != nil; at = at.parent {
		if _, ok := at.made[hash]; ok {
			return true
		}
	}
	return s.objects.Has(hash)
}

// find returns the entry of a cleaned path.
func (s *Snapshot) find(name string) (entry, error) {
	at := entry{mode: modeDir, hash: s.tree}
	if name == "" {
		return at, nil
	}
	for depth, part := range strings.Split(name, "/") {
		if depth >= s.objects.bounds.Depth || !at.dir() {
			return entry{}, fmt.Errorf("%q: %w", name, ErrNoPath)
		}
		tree, err := typed(s, at.hash, Tree)
		if err != nil {
			return entry{}, err
		}
		next, found, err := lookup(tree, part)
		if err != nil {
			return entry{}, err
		}
		if !found {
			return entry{}, ErrNoPath
		}
		at = next
	}
	return at, nil
}

// Read returns one regular file, and false if there is none at that path. A
// file that didn't come with the fetch is asked for.
func (s *Snapshot) Read(ctx context.Context, name string) ([]byte, bool, error) {
	found, err := s.find(inside(name))
	if errors.Is(err, ErrNoPath) {
		return nil, false, nil
	}
	if err == nil && !found.regular() {
		return nil, false, nil
	}
	var data []byte
	if err == nil {
		err = s.objects.Bring(ctx, []Hash{found.hash}, nil)
	}
	if err == nil {
		data, err = typed(s, found.hash, Blob)
	}
	if err != nil {
		return nil, false, fmt.Errorf("read %q of %s: %w", name, s, err)
	}
	return data, true, nil
}

// Lookup returns the hash of the file or directory at a path, and false if
// there is none.
func (s *Snapshot) Lookup(path string) (Hash, bool) {
	found, err := s.find(inside(path))
	return found.hash, err == nil
}

// Note caches a reader's result for a file, so that nobody need read the file
// again: it is the File.Note of files with the same bytes, in this snapshot and
// in later ones from the same cache. It is safe for concurrent use.
func (s *Snapshot) Note(f File, note []byte) {
	o := s.objects
	if o.filler == nil {
		return
	}
	o.filling.Lock()
	defer o.filling.Unlock()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.notes[f.hash] = note
	o.keeper.stale = true
}
