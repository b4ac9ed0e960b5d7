package gitops

import (
	"context"
	"fmt"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// Snapshot is the files of one commit: one that was fetched, or one that was
// made here and is not on the server yet. It never changes, and is safe for
// concurrent use.
type Snapshot struct {
	hash    plumbing.Hash
	tree    plumbing.Hash
	ref     string // full name of what was read; "" for a commit
	objects *objects
	bounds  Bounds

	parent *Snapshot                  // nil: it was fetched
	made   map[plumbing.Hash]anObject // what this commit adds
}

// File is a regular file of a snapshot. Path is from the repository's root, with
// slashes. Note is what Snapshot.Note was told of a file with these bytes, nil
// where that was nothing. Data and Note are read-only.
type File struct {
	Path string
	Data []byte
	Note []byte
	hash plumbing.Hash
}

// Hash returns the commit's hash in hex.
func (s *Snapshot) Hash() string { return s.hash.String() }

// Tree returns the hash of the commit's files in hex: snapshots with equal files
// have equal ones.
func (s *Snapshot) Tree() string { return s.tree.String() }

// Ref returns the full name of what was read, such as "refs/heads/main"; "" for
// a commit that was asked for by its hash.
func (s *Snapshot) Ref() string { return s.ref }

// String names the snapshot for people: "main at 1a2b3c4".
func (s *Snapshot) String() string {
	short := s.Hash()[:7]
	if s.ref == "" {
		return "commit " + short
	}
	return strings.TrimPrefix(strings.TrimPrefix(s.ref, heads), tags) + " at " + short
}

// Held returns how many bytes of objects are in memory of all that came with the
// snapshot's fetch.
func (s *Snapshot) Held() int64 {
	o := s.objects
	o.mu.RLock()
	defer o.mu.RUnlock()
	var bytes int64
	for _, one := range o.byHash {
		bytes += int64(len(one.data))
	}
	return bytes
}

func (s *Snapshot) object(hash plumbing.Hash) (anObject, error) {
	for at := s; at != nil; at = at.parent {
		if found, ok := at.made[hash]; ok {
			return found, nil
		}
	}
	return s.objects.object(hash)
}

// has reports whether the snapshot holds an object.
func (s *Snapshot) has(hash plumbing.Hash) bool {
	for at := s; at != nil; at = at.parent {
		if _, ok := at.made[hash]; ok {
			return true
		}
	}
	return s.objects.has(hash)
}

// find returns the entry of a cleaned path.
func (s *Snapshot) find(name string) (entry, error) {
	at := entry{mode: modeDir, hash: s.tree}
	if name == "" {
		return at, nil
	}
	for depth, part := range strings.Split(name, "/") {
		if depth >= s.bounds.Depth || !at.dir() {
			return entry{}, fmt.Errorf("%q: %w", name, ErrNoPath)
		}
		tree, err := typed(s, at.hash, plumbing.TreeObject)
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

// Read returns one regular file, and false if there is none by that path. A file
// that didn't come with the fetch is asked for.
func (s *Snapshot) Read(name string) ([]byte, bool, error) {
	found, err := s.find(inside(name))
	if isMissing(err) {
		return nil, false, nil
	}
	if err == nil && !found.regular() {
		return nil, false, nil
	}
	var data []byte
	if err == nil {
		err = s.bring(context.Background(), []plumbing.Hash{found.hash}, nil) // within the source's timeout
	}
	if err == nil {
		data, err = typed(s, found.hash, plumbing.BlobObject)
	}
	if err != nil {
		return nil, false, fmt.Errorf("read %q of %s: %w", name, s, err)
	}
	return data, true, nil
}
