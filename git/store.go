package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// Store has the objects of one or several packs, and those that were cached from
// earlier ones. After unpacking it is safe for concurrent use, and only files are
// added.
type Store struct {
	mu sync.RWMutex
	pool
	notes map[Hash][]byte // of files, made since this was fetched
	kept  *kept           // nil: nothing
	below *Store          // has the objects that aren't here; nil: nobody has

	filling sync.Mutex // one request after the other, and none while the store is cached
	filler  Filler     // nil: all files came
	keeper  keeper
}

// Filler gets files that a store lacks from the server of its other objects.
type Filler interface {
	// Fill adds the files that the server has to a store that lacks them. If wants
	// refuses a file, only that is noted; nil wants all.
	Fill(ctx context.Context, into *Store, files []Hash, wants func([]byte) bool) error
}

// NewStore returns an empty store. It is not cached.
func NewStore(b Bounds) *Store {
	return &Store{pool: newPool(b), notes: make(map[Hash][]byte)}
}

// Above returns an empty store that looks in s for objects that it lacks, and
// has the same screen. It is not cached.
func (s *Store) Above() *Store {
	above := NewStore(s.bounds)
	above.below, above.keeper.screen = s, s.keeper.screen
	return above
}

// Screen returns the screen that files are chosen by.
func (s *Store) Screen() Screen { return s.keeper.screen }

// FillFrom sets the filler. Call it before others use the store.
func (s *Store) FillFrom(f Filler) { s.filler = f }

// Bring asks the filler for those of the files that aren't there, in one
// request. If wants refuses a file, only that is noted; nil wants all.
func (s *Store) Bring(ctx context.Context, files []Hash, wants func([]byte) bool) error {
	if s.filler == nil {
		return nil
	}
	s.filling.Lock()
	defer s.filling.Unlock()
	files = slices.DeleteFunc(unique(files), s.Has)
	if len(files) == 0 {
		return nil
	}
	return s.filler.Fill(ctx, s, files, wants)
}

// unique returns hashes once each, in the order of their first places.
func unique(hashes []Hash) []Hash {
	var once []Hash
	seen := make(map[Hash]bool)
	for _, hash := range hashes {
		if !seen[hash] {
			seen[hash] = true
			once = append(once, hash)
		}
	}
	return once
}

// Object returns the object with that hash. If it isn't there, the error says
// why.
func (s *Store) Object(hash Hash) (Object, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if found, ok, err := s.pool.object(hash); ok {
		return found, err
	}
	if found, ok := s.kept.object(hash); ok {
		return found, nil
	}
	if s.below != nil && s.below.Has(hash) {
		return s.below.Object(hash)
	}
	if size, ok := s.excess(hash); ok {
		return Object{}, fmt.Errorf("it has %d bytes: %w", size, OverBound("bytes for a file or a directory", s.bounds.FileBytes))
	}
	if s.lost > 0 {
		return Object{}, fmt.Errorf("object %s is missing; it may be stored as a change to a file that is %w", hash, OverBound("bytes for a file", s.bounds.FileBytes))
	}
	return Object{}, fmt.Errorf("object %s is missing from what the server sent", hash)
}

// peek is Object without the check of a cached object's hash, and without the
// reason why one isn't there.
func (s *Store) peek(hash Hash) (Object, bool) {
	if found, there := s.kept.peek(hash); there {
		return found, true
	}
	found, err := s.Object(hash)
	return found, err == nil
}

// Has reports whether an object is there, or is known to be too large.
func (s *Store) Has(hash Hash) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, tooLarge := s.excess(hash)
	return s.pool.has(hash) || tooLarge || s.kept.has(hash) || s.below != nil && s.below.Has(hash)
}

// size returns how many bytes an object has that is held.
func (s *Store) size(hash Hash) int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if size, found := s.pool.sizeOf(hash); found {
		return size
	}
	found, _ := s.kept.peek(hash)
	return int64(len(found.Data))
}

// excess returns the size of a file that is too large to hold. A bound that was
// raised since makes it one that isn't there.
func (s *Store) excess(hash Hash) (int64, bool) {
	if size, found := s.tooLarge[hash]; found {
		return size, true
	}
	size, found := s.kept.excess(hash)
	return size, found && size > s.bounds.FileBytes
}

// Refuses reports whether the screen is known to refuse a file, or all files
// below a directory.
func (s *Store) Refuses(hash Hash) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.unwanted[hash] || s.kept.refuses(hash) || s.below != nil && s.below.Refuses(hash)
}

// note returns the note on a file or a directory; nil: there is none.
func (s *Store) note(hash Hash) []byte {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if note, found := s.notes[hash]; found {
		return note
	}
	return s.kept.note(hash)
}

// Held returns how many bytes of objects are in memory.
func (s *Store) Held() int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.pool.inMemory()
}

// Merge adds all objects of another store, which must not be used any more.
func (s *Store) Merge(from *Store) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pool.merge(&from.pool)
	s.keeper.stale = true
}

// source has objects: a store, or a snapshot with those that it adds.
type source interface {
	Object(Hash) (Object, error)
}

// typed reads an object that must be of a kind.
func typed(s source, hash Hash, kind Kind) ([]byte, error) {
	found, err := s.Object(hash)
	if err != nil {
		return nil, err
	}
	if found.Kind != kind {
		return nil, fmt.Errorf("object %s is a %s, not a %s", hash, found.Kind, kind)
	}
	return found.Data, nil
}

// Peel follows annotated tags to a commit.
func (s *Store) Peel(hash Hash) (Hash, error) {
	const nested = 8 // tags of tags are rare; git itself sets no bound
	for range nested {
		found, err := s.Object(hash)
		if err != nil {
			return hash, err
		}
		switch found.Kind {
		case Commit:
			return hash, nil
		case Tag:
			to, ok := found.target()
			if !ok {
				return hash, fmt.Errorf("read tag %s: it names no object", hash)
			}
			hash = to
		default:
			return hash, fmt.Errorf("%s is a %s, not a commit", hash, found.Kind)
		}
	}
	return hash, errors.New("tags of tags nest too deep")
}

// target returns the hash in the first line of a commit or a tag.
func (o Object) target() (Hash, bool) {
	line, _, _ := bytes.Cut(o.Data[:min(len(o.Data), 64)], []byte("\n"))
	_, name, _ := bytes.Cut(line, []byte(" ")) // "tree" or "object"
	return ParseHash(string(name))
}

// targetOf returns the target of a commit or a tag.
func targetOf(s *Store, hash Hash) (Hash, error) {
	found, err := s.Object(hash)
	to, _ := found.target() // none is the zero hash, of which there is no object
	return to, err
}

// HasCommit reports whether a commit is there, and its root directory.
func (s *Store) HasCommit(hash Hash) bool {
	if !s.Has(hash) {
		return false
	}
	tree, err := targetOf(s, hash)
	return err == nil && s.Has(tree)
}

// Closed reports whether the commits are there, and all directories below those
// that came. Cached objects are closed.
func (s *Store) Closed(commits []Hash) bool {
	for _, hash := range commits {
		commit, err := s.Peel(hash)
		if err != nil || !s.HasCommit(commit) {
			return false
		}
	}
	for _, found := range s.byHash {
		for at := 0; found.Kind == Tree && at < len(found.Data); {
			e, next, err := nextEntry(found.Data, at)
			if err != nil || e.dir() && !s.Has(e.hash) {
				return false
			}
			at = next
		}
	}
	return true
}
