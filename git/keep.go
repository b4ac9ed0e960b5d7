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

// Screen chooses files by their bytes. The zero value wants all.
type Screen struct {
	Version string            // changes whenever Wants would answer otherwise
	Wants   func([]byte) bool // nil: all; asked about files of every kind, and safe for concurrent use
	Notes   string            // changes whenever notes of Snapshot.Note become useless
}

// Cache has stores on disk between runs: commits, directories, wanted files,
// and the hashes of unwanted ones. Nothing depends on it: objects that can't be
// read from it come again, and it is no error if it can't be written. Several
// processes may share it.
type Cache struct {
	// Dir is created when it is needed; "" caches nothing. It has one file of at
	// most 128 MiB for each screen and each key, and one for each Abilities.
	// Beyond 1 GiB the least recently used files go.
	Dir    string
	Screen Screen
}

// Open returns a store with the objects that are cached under the key and the
// screen, an empty one if there are none. Close caches its objects.
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

// keeper caches the objects of a store in a file.
type keeper struct {
	path   string // "": nothing is cached
	screen Screen
	heads  []Hash         // whose commits and directories are there
	stale  bool           // more is known than is in the file
	wg     sync.WaitGroup // of Keep
}

// Follow sets the heads: the commits, or annotated tags of commits, that are
// cached with their directories. It returns the heads that were cached before.
func (s *Store) Follow(heads []Hash) (before []Hash) {
	k := &s.keeper
	before, k.heads = k.heads, heads
	k.stale = len(heads) != len(before) || slices.ContainsFunc(heads, func(hash Hash) bool { return !slices.Contains(before, hash) })
	return before
}

// Forget drops the cached objects and those that came since.
func (s *Store) Forget() {
	s.kept = nil
	clear(s.byHash)
}

// Kept returns the number of cached objects, unwanted ones included.
func (s *Store) Kept() int { return s.kept.len() }

// Keep begins to write the store to the cache, if it has any news. Call it when
// the files are read, and Close later. Only objects that came with a filler are
// cached, since others may not be whole.
func (s *Store) Keep() { s.keeper.wg.Go(func() { s.keeper.save(s) }) }

// Close writes the news since Keep to the cache. The store stays readable.
func (s *Store) Close() {
	s.keeper.wg.Wait()
	s.keeper.save(s)
}

// Bounds on the cache, in bytes: on one file, which has some hundred bytes for
// each file of a repository, and on all files of a directory.
const (
	keptBytes    = 128 << 20
	keptDirBytes = 1 << 30
)

// The names of cached files, and of those that are being written. These are
// garbage after keptAbandoned.
const (
	keptName      = ".git-kept"
	keptNew       = ".git-kept-new"
	keptAbandoned = time.Hour
)

// load adds the cached objects to a new store.
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
	_ = os.Chtimes(k.path, now, now) // the least recently used file goes first
	data := make([]byte, info.Size())
	_, err = io.ReadFull(f, data)
	return data, err
}

// save caches the store, if it has any news. Objects that no head leads to any
// more are dropped once they are as many bytes as the rest, or leave no room.
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

// gather returns what is to be cached: the cached objects and the news or, if
// deep, all that the heads lead to. It returns nil if that is too much, or not
// whole.
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

// replaceFile replaces a file at once: a reader gets the old one or the new
// one.
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

// prune removes files in a form that this program doesn't read, files that
// nobody goes on to write, and then the least recently used ones until the rest
// is within the limit. Another process may do the same.
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
