package git

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ErrNoChange says that a commit would change nothing.
var ErrNoChange = errors.New("nothing changes")

// Commit returns the snapshot that a commit on top of s makes, in memory. Files are
// new contents by path from the root. Modes and all other entries stay as they are,
// byte by byte. Seal is called with the hash of the new tree, and returns the
// commit's data.
//
// A path that is no regular file of s is an error that wraps ErrNoPath; contents
// that are all the same already are ErrNoChange.
func (s *Snapshot) Commit(files map[string][]byte, seal func(tree Hash) ([]byte, error)) (*Snapshot, error) {
	next := &Snapshot{ref: s.ref, objects: s.objects, parent: s, made: make(map[Hash]Object)}
	root := make(change)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		found, err := s.find(name)
		if err == nil && (!found.regular() || inside(name) != name) {
			err = ErrNoPath
		}
		if err != nil {
			return nil, fmt.Errorf("file %q: %w", name, err)
		}
		root.add(strings.Split(name, "/"), next.add(Blob, files[name]))
	}
	var err error
	if next.tree, err = root.apply(next, s.tree); err != nil {
		return nil, err
	}
	if next.tree == s.tree {
		return nil, ErrNoChange
	}
	commit, err := seal(next.tree)
	if err != nil {
		return nil, err
	}
	next.hash = next.add(Commit, commit)
	return next, nil
}

// add keeps a new object.
func (s *Snapshot) add(kind Kind, data []byte) Hash {
	made := Object{kind, data}
	hash := made.Hash()
	s.made[hash] = made
	return hash
}

// Origin returns the fetched snapshot that s was built on: s itself if it was
// fetched.
func (s *Snapshot) Origin() *Snapshot {
	for s.parent != nil {
		s = s.parent
	}
	return s
}

// BuiltOn reports whether s is a commit, or was made on top of it.
func (s *Snapshot) BuiltOn(commit Hash) bool {
	for at := s; at != nil; at = at.parent {
		if at.hash == commit {
			return true
		}
	}
	return false
}

// Pack returns a pack of the objects that were made on top of Origin: an empty one
// if that is s itself.
func (s *Snapshot) Pack() ([]byte, error) {
	var objects []Object
	packed := make(map[Hash]bool)
	for at := s; at.parent != nil; at = at.parent {
		for _, hash := range slices.SortedFunc(maps.Keys(at.made), compare) {
			if !packed[hash] {
				packed[hash] = true
				objects = append(objects, at.made[hash])
			}
		}
	}
	return pack(objects)
}

// Landed says that the commits on top of Origin are on the server now, and that
// they replace the head before; zero: they are a new head. They are cached like
// fetched ones, so that they need not come again.
func (s *Snapshot) Landed(before Hash) {
	o := s.objects
	o.filling.Lock()
	defer o.filling.Unlock()
	o.mu.Lock()
	defer o.mu.Unlock()
	k := &o.keeper
	for at := s; at.parent != nil; at = at.parent {
		for hash, made := range at.made {
			if made.Kind == Blob && k.screen.Wants != nil && !k.screen.Wants(made.Data) {
				o.unwanted[hash] = true
				continue
			}
			o.byHash[hash] = made
		}
	}
	k.heads = slices.DeleteFunc(slices.Clone(k.heads), func(head Hash) bool { return head == before || head == s.hash })
	k.heads, k.stale = append(k.heads, s.hash), true
}

// change is the changes below a directory, by name.
type change map[string]*changed

// changed is a file's new hash, or the changes in a directory.
type changed struct {
	blob Hash
	dir  change
}

func (c change) add(parts []string, blob Hash) {
	if len(parts) == 1 {
		c[parts[0]] = &changed{blob: blob}
		return
	}
	if c[parts[0]] == nil {
		c[parts[0]] = &changed{dir: make(change)}
	}
	c[parts[0]].dir.add(parts[1:], blob)
}

// apply adds to a snapshot the tree of a hash with the change's hashes written over
// the old ones, and returns its hash: modes, names, and their order stay.
func (c change) apply(s *Snapshot, hash Hash) (Hash, error) {
	old, err := typed(s, hash, Tree)
	if err != nil {
		return hash, err
	}
	tree := slices.Clone(old)
	for at := 0; at < len(tree); {
		e, next, err := nextEntry(tree, at)
		if err != nil {
			return hash, err
		}
		at = next
		changed := c[string(e.name)]
		if changed == nil {
			continue
		}
		if changed.dir != nil {
			changed.blob, err = changed.dir.apply(s, e.hash)
			if err != nil {
				return hash, err
			}
		}
		copy(tree[e.hashAt:], changed.blob[:])
	}
	return s.add(Tree, tree), nil
}
