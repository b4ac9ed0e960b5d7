package git

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Screen says which files are of use, by their bytes. The zero value wants all.
type Screen struct {
	Version string            // changes whenever Wants would answer otherwise
	Wants   func([]byte) bool // nil: all; asked about files of every kind, and safe for concurrent use
	Notes   string            // changes whenever what Snapshot.Note was told is of no use any more
}

// Cache keeps stores on disk between runs: commits, directories and the files that
// are wanted, and which are not. Nothing depends on it: what can't be read has to
// come again, what can't be written is not kept. Several processes may share it.
type Cache struct {
	// Dir is made where it doesn't exist, and has one file for each screen and each
	// key, of at most 128 MiB, and one for each Abilities; beyond 1 GiB those go that were not used for longest.
	// "" keeps nothing.
	Dir    string
	Screen Screen
}

// Open returns a store with what was kept under the key and the screen, an empty
// one if that is nothing. Close keeps what it has by then.
func (c Cache) Open(key string, b Bounds) *Store {
	store := NewStore(b)
	store.keeper.screen = c.Screen
	if c.Dir != "" {
		of := fmt.Sprintf("%s %q %v", key, c.Screen.Version, c.Screen.Wants != nil)
		store.keeper.path = filepath.Join(c.Dir, fmt.Sprintf("%x%s", sha256.Sum256([]byte(of)), keptName))
	}
	store.keeper.load(store)
	return store
}

// keeper keeps what is known of a store in a file.
type keeper struct {
	path   string // "": nothing is kept
	screen Screen
	heads  []Hash         // whose commits and directories are there
	stale  bool           // more is known than is in the file
	wg     sync.WaitGroup // of Keep
}

// Follow says which commits, or annotated tags of them, are kept with what they
// lead to, and returns those of which that was kept before.
func (s *Store) Follow(heads []Hash) (before []Hash) {
	k := &s.keeper
	before, k.heads = k.heads, heads
	k.stale = len(heads) != len(before) || slices.ContainsFunc(heads, func(hash Hash) bool { return !slices.Contains(before, hash) })
	return before
}

// Forget drops what was kept, and what came since.
func (s *Store) Forget() {
	s.kept = nil
	clear(s.byHash)
}

// Kept returns of how many objects something was kept.
func (s *Store) Kept() int { return s.kept.len() }

// Keep begins to write what is known by now to the cache, if any of it is new: call
// it when the files are read, and Close later. Only what came with a filler is kept,
// since the rest may not be whole.
func (s *Store) Keep() { s.keeper.wg.Go(func() { s.keeper.save(s) }) }

// Close writes what is new to the cache, after what Keep began. The store can be
// read as before.
func (s *Store) Close() {
	s.keeper.wg.Wait()
	s.keeper.save(s)
}

// Bounds on what is kept, in bytes: on one file, which holds some hundred bytes
// for each file of a repository, and on all that are in a directory.
const (
	keptBytes    = 128 << 20
	keptDirBytes = 1 << 30
)

// The names of what is kept, and of what is being written, which is nobody's
// after keptAbandoned.
const (
	keptName      = ".git-kept"
	keptNew       = ".git-kept-new"
	keptAbandoned = time.Hour
)

// load adds what is kept to a new store.
func (k *keeper) load(store *Store) {
	data, err := k.read()
	if err != nil {
		return
	}
	if found, err := parseKept(data); err == nil {
		if found.version != k.screen.Notes {
			found.notes = table{width: placeSize} // of directories too
			found.swept = 0                       // so that the next save makes those again
		}
		store.kept, k.heads = found, found.heads
	}
}

func (k *keeper) read() ([]byte, error) {
	if k.path == "" {
		return nil, os.ErrNotExist
	}
	f, err := os.Open(k.path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() > keptBytes {
		return nil, errKept
	}
	now := time.Now()
	_ = os.Chtimes(k.path, now, now) // what was not used for longest goes first
	data := make([]byte, info.Size())
	_, err = io.ReadFull(f, data)
	return data, err
}

// save keeps what is known, if anything of it is new. What the heads don't lead to
// any more goes when it has become as much as the rest, or leaves no room.
func (k *keeper) save(store *Store) {
	store.filling.Lock()
	defer store.filling.Unlock()
	if k.path == "" || !k.stale || store.filler == nil {
		return
	}
	k.stale = false
	old := store.kept
	deep := old != nil && old.size() > 2*old.swept
	next := k.gather(store, deep)
	if next == nil && old != nil && !deep {
		next = k.gather(store, true)
	}
	if next != nil && replaceFile(k.path, next.format) == nil {
		prune(filepath.Dir(k.path), keptDirBytes)
	}
}

// gather returns what is to be kept: what was kept before and what is new, or, if
// it is to go deep, what the heads lead to. It returns nil where that is more than
// may be kept, or not whole.
func (k *keeper) gather(store *Store, deep bool) *kept {
	s := sweeper{store: store, screened: k.screen.Wants != nil, deep: deep, seen: make(map[Hash]bool)}
	s.notes = make(map[Hash][]byte)
	old := store.kept
	if deep {
		old = nil
	} else {
		s.add()
	}
	for _, head := range k.heads {
		if s.head(head) != nil {
			return nil
		}
	}
	next := old.with(store, s.news)
	if next == nil {
		return nil
	}
	next.heads, next.version = k.heads, k.screen.Notes
	if old == nil {
		next.swept = next.size()
	}
	return next
}

// replaceFile replaces a file at once, so that a reader has the old one or the new.
func replaceFile(path string, write func(io.Writer) error) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "*"+keptNew)
	if err != nil {
		return err
	}
	err = write(f)
	err = cmp.Or(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// prune removes what is kept in a form that this program doesn't read, what
// nobody goes on to write, and then what was not used for longest, until the
// rest is within the limit. Another process may do the same.
func prune(dir string, limit int64) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	var found []os.FileInfo
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		path := filepath.Join(dir, info.Name())
		switch {
		case strings.HasSuffix(info.Name(), keptNew):
			if time.Since(info.ModTime()) > keptAbandoned {
				_ = os.Remove(path)
			}
		case strings.HasSuffix(info.Name(), abilitiesName):
			if !isRecent(info.ModTime()) {
				_ = os.Remove(path)
			}
		case !strings.HasSuffix(info.Name(), keptName):
		case !isKept(path):
			_ = os.Remove(path)
		default:
			found = append(found, info)
		}
	}
	slices.SortFunc(found, func(a, b os.FileInfo) int { return b.ModTime().Compare(a.ModTime()) })
	for _, info := range found {
		if limit -= info.Size(); limit < 0 {
			_ = os.Remove(filepath.Join(dir, info.Name()))
		}
	}
}

// isKept reports whether a file begins as one of ours.
func isKept(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	start := make([]byte, len(keptMagic))
	_, err = io.ReadFull(f, start)
	return err == nil && string(start) == keptMagic
}
