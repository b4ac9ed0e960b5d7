package gitops

import (
	"bytes"
	"maps"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
)

// sweeper goes through what is known, to find the directories that lead to
// unwanted files alone, the wanted entries of the others, and what is to be kept.
type sweeper struct {
	news
	store    *objects
	screened bool
	deep     bool                   // through what was kept before too
	seen     map[plumbing.Hash]bool // directories: whether they are unwanted
}

// add adds what is new, whatever leads to it.
func (s *sweeper) add() {
	s.objects = slices.AppendSeq(s.objects, maps.Keys(s.store.byHash))
	s.objects = slices.AppendSeq(s.objects, maps.Keys(s.store.files))
	s.objects = slices.AppendSeq(s.objects, maps.Keys(s.store.tooLarge))
	s.unwanted = slices.AppendSeq(s.unwanted, maps.Keys(s.store.unwanted))
	maps.Copy(s.notes, s.store.notes)
}

// found adds an object that a head leads to.
func (s *sweeper) found(hash plumbing.Hash) {
	if s.deep {
		s.objects = append(s.objects, hash)
	}
}

// head goes through a commit, or the annotated tag of one.
func (s *sweeper) head(hash plumbing.Hash) error {
	commit, err := peel(s.store, hash)
	for err == nil && hash != commit {
		s.found(hash)
		hash, err = s.store.target(hash)
	}
	if err != nil {
		return err
	}
	s.found(commit)
	tree, err := s.store.target(commit)
	if err == nil {
		_, err = s.tree(tree, 0)
	}
	return err
}

// target returns the hash in the first line of a commit or a tag.
func (o *objects) target(hash plumbing.Hash) (plumbing.Hash, error) {
	found, err := o.object(hash)
	line, _, _ := bytes.Cut(found.data[:min(len(found.data), 64)], []byte("\n"))
	_, name, _ := bytes.Cut(line, []byte(" ")) // "tree" or "object"
	return plumbing.NewHash(string(name)), err
}

// sweepDepth bounds how deep directories nest in what is kept.
const sweepDepth = 4096

// tree goes through a directory, and reports whether it is unwanted.
func (s *sweeper) tree(hash plumbing.Hash, depth int) (bool, error) {
	if unwanted, seen := s.seen[hash]; seen {
		return unwanted, nil
	}
	if !s.deep && s.store.kept.has(hash) {
		return s.store.refuses(hash), nil
	}
	found, there := s.store.peek(hash)
	if !there || found.kind != plumbing.TreeObject || depth > sweepDepth {
		return false, errKept
	}
	s.found(hash)
	var wanted []byte
	for at := 0; at < len(found.data); {
		e, next, err := nextEntry(found.data, at)
		if err != nil {
			return false, err
		}
		unwanted := true // a symlink or a submodule
		switch {
		case e.dir():
			unwanted, err = s.tree(e.hash, depth+1)
		case e.regular():
			unwanted = s.file(e.hash)
		}
		if err != nil {
			return false, err
		}
		if !unwanted {
			wanted = append(wanted, found.data[at:next]...)
		}
		at = next
	}
	unwanted := s.screened && len(wanted) == 0
	switch s.seen[hash] = unwanted; {
	case unwanted:
		s.unwanted = append(s.unwanted, hash)
	case s.screened && len(wanted) < len(found.data):
		s.notes[hash] = wanted
	}
	return unwanted, nil
}

// file goes through a file, and reports whether it is unwanted.
func (s *sweeper) file(hash plumbing.Hash) bool {
	if s.store.refuses(hash) {
		if s.deep {
			s.unwanted = append(s.unwanted, hash)
		}
		return true
	}
	if s.store.has(hash) {
		s.found(hash)
		if note := s.store.note(hash); s.deep && note != nil {
			s.notes[hash] = note
		}
	}
	return false
}
