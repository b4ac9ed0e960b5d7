package git

import (
	"maps"
	"slices"
)

// sweeper goes through a store. It finds the directories that lead to unwanted
// files alone, the wanted entries of the others, and the objects to cache.
type sweeper struct {
	news
	store    *Store
	screened bool
	deep     bool          // through the cached objects too
	seen     map[Hash]bool // directories: whether they are unwanted
}

// add adds the news, whatever leads to them.
func (s *sweeper) add() {
	s.objects = slices.AppendSeq(s.objects, maps.Keys(s.store.byHash))
	s.objects = slices.AppendSeq(s.objects, maps.Keys(s.store.files))
	s.objects = slices.AppendSeq(s.objects, maps.Keys(s.store.tooLarge))
	s.unwanted = slices.AppendSeq(slices.Grow(s.unwanted, len(s.store.unwanted)), maps.Keys(s.store.unwanted))
	maps.Copy(s.notes, s.store.notes)
}

// found adds an object that a head leads to.
func (s *sweeper) found(hash Hash) {
	if s.deep {
		s.objects = append(s.objects, hash)
	}
}

// head goes through a commit, or the annotated tag of one.
func (s *sweeper) head(hash Hash) error {
	commit, err := s.store.Peel(hash)
	for err == nil && hash != commit {
		s.found(hash)
		hash, err = targetOf(s.store, hash)
	}
	if err != nil {
		return err
	}
	s.found(commit)
	tree, err := targetOf(s.store, commit)
	if err == nil {
		_, err = s.tree(tree, 0)
	}
	return err
}

// sweepDepth bounds how deep cached directories nest.
const sweepDepth = 4096

// tree goes through a directory, and reports whether it is unwanted.
func (s *sweeper) tree(hash Hash, depth int) (bool, error) {
	if unwanted, seen := s.seen[hash]; seen {
		return unwanted, nil
	}
	if !s.deep && s.store.kept.has(hash) {
		return s.store.Refuses(hash), nil
	}
	found, there := s.store.peek(hash)
	if !there || found.Kind != Tree || depth > sweepDepth {
		return false, errKept
	}
	s.found(hash)
	var wanted []byte
	for at := 0; at < len(found.Data); {
		e, next, err := nextEntry(found.Data, at)
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
			wanted = append(wanted, found.Data[at:next]...)
		}
		at = next
	}
	unwanted := s.screened && len(wanted) == 0
	switch s.seen[hash] = unwanted; {
	case unwanted:
		s.unwanted = append(s.unwanted, hash)
	case s.screened && len(wanted) < len(found.Data):
		s.notes[hash] = wanted
	}
	return unwanted, nil
}

// file goes through a file, and reports whether it is unwanted.
func (s *sweeper) file(hash Hash) bool {
	if s.store.Refuses(hash) {
		if s.deep {
			s.unwanted = append(s.unwanted, hash)
		}
		return true
	}
	if s.store.Has(hash) {
		s.found(hash)
		if note := s.store.note(hash); s.deep && note != nil {
			s.notes[hash] = note
		}
	}
	return false
}
