package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// Store has the objects of one or several packs, and what was kept of earlier
// ones. After unpacking it is safe for concurrent use, and only files are added.
type Store struct {
	bounds Bounds

	mu       sync.RWMutex
	byHash   map[Hash]Object
	held     int64           // bytes of files in byHash, with what each takes beside
	others   int64           // bytes of what is no file there, with what each takes beside
	files    map[Hash]extent // those beyond fileMemory
	tooLarge map[Hash]int64  // files and directories over their bound, which are not held: their size
	lost     int             // deltas against what is not held
	unwanted map[Hash]bool   // files that the screen doesn't want, and that may not be there
	spool    *spool          // of files
	notes    map[Hash][]byte // of files, made since this was fetched
	kept     *kept           // nil: nothing
	below    *Store          // where to look for what isn't here; nil: nowhere

	filling sync.Mutex // one request after the other, and none while it is kept
	filler  Filler     // nil: all came
	keeper  keeper
}

// Filler gets files that a store lacks, from where its other objects came.
type Filler interface {
	// Fill adds files, as far as they are to be had, to a store that lacks them. Those
	// that wants refuses are noted as unwanted instead; nil wants all.
	Fill(ctx context.Context, into *Store, files []Hash, wants func([]byte) bool) error
}

// extent is a file in a spool.
type extent struct {
	in       *spool
	at, size int64
}

// fileMemory bounds the files that are held in memory, in bytes.
const fileMemory = 16 << 20

// objectOverhead is about what an object in memory takes beside its bytes.
const objectOverhead = 120

// NewStore returns an empty store, of which nothing is kept.
func NewStore(b Bounds) *Store {
	return &Store{
		bounds:   b.WithDefaults(),
		byHash:   make(map[Hash]Object),
		tooLarge: make(map[Hash]int64),
		unwanted: make(map[Hash]bool),
		files:    make(map[Hash]extent),
		notes:    make(map[Hash][]byte),
	}
}

// Above returns an empty store that looks in s for what it doesn't have, and has
// the same screen. Nothing of it is kept.
func (s *Store) Above() *Store {
	above := NewStore(s.bounds)
	above.below, above.keeper.screen = s, s.keeper.screen
	return above
}

// Screen returns the screen that files are chosen by.
func (s *Store) Screen() Screen { return s.keeper.screen }

// FillFrom says where files are to be had that didn't come with the packs. Call it
// before the store is used by others.
func (s *Store) FillFrom(f Filler) { s.filler = f }

// Bring asks the filler for those of the files that aren't there, in one request.
// Those that wants refuses are noted as unwanted instead; nil wants all.
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

// hold keeps a file.
func (s *Store) hold(hash Hash, data []byte) error {
	if size := int64(len(data)) + objectOverhead; s.held+size <= fileMemory {
		s.held += size
		s.byHash[hash] = Object{Blob, data}
		return nil
	}
	if s.spool == nil {
		s.spool = new(spool)
	}
	s.files[hash] = extent{s.spool, s.spool.size, int64(len(data))}
	_, err := s.spool.Write(data)
	return err
}

// holdOther keeps a commit, a tag or a directory.
func (s *Store) holdOther(hash Hash, o Object) error {
	if _, there := s.byHash[hash]; there {
		return nil
	}
	if s.others += int64(len(o.Data)) + objectOverhead; s.others > s.bounds.HeldBytes {
		return OverBound("bytes of commits, tags and directories", s.bounds.HeldBytes)
	}
	s.byHash[hash] = o
	return nil
}

// Object returns the object with that hash. One that isn't there is an error, which
// says why.
func (s *Store) Object(hash Hash) (Object, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if found, ok := s.byHash[hash]; ok {
		return found, nil
	}
	if at, ok := s.files[hash]; ok {
		data := make([]byte, at.size)
		_, err := at.in.ReadAt(data, at.at)
		if at.size == 0 {
			err = nil
		}
		return Object{Blob, data}, err
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

// peek is object for who doesn't need to know whether its hash is right, nor why
// it isn't there.
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
	_, inMemory := s.byHash[hash]
	_, spooled := s.files[hash]
	_, tooLarge := s.excess(hash)
	return inMemory || spooled || tooLarge || s.kept.has(hash) || s.below != nil && s.below.Has(hash)
}

// size returns how many bytes an object has that is held.
func (s *Store) size(hash Hash) int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if at, spooled := s.files[hash]; spooled {
		return at.size
	}
	found, ok := s.byHash[hash]
	if !ok {
		found, _ = s.kept.peek(hash)
	}
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

// note returns what is known of a file or a directory beside its data; nil:
// nothing.
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
	var bytes int64
	for _, one := range s.byHash {
		bytes += int64(len(one.Data))
	}
	return bytes
}

// Merge adds what another store has, which is not used any more.
func (s *Store) Merge(from *Store) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.Copy(s.byHash, from.byHash)
	maps.Copy(s.files, from.files)
	maps.Copy(s.unwanted, from.unwanted)
	maps.Copy(s.tooLarge, from.tooLarge)
	s.lost += from.lost
	s.others += from.others
	s.keeper.stale = true
}

// source is where objects are read from: a store, or a snapshot with what it adds.
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

// targetOf returns what a commit or a tag is of.
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

// Closed reports whether commits and all directories are there that new objects
// lead to. What was kept is closed.
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
