package git

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"path"
	"strings"
)

// Files yields the regular files below dir whose path want accepts, sorted by
// path. It reads only these; those that didn't come with the fetch are asked
// for in one request. It passes over symlinks and submodules. Dir is taken from
// the root and can't leave it; it may be one file. The error for a dir that
// doesn't exist wraps ErrNoPath.
//
// A file or a directory that can't be read, such as one over a bound, is
// yielded with an error and its Path, and the others go on. After any other
// error, which has no Path, nothing else is yielded.
func (s *Snapshot) Files(ctx context.Context, dir string, want func(path string) bool) iter.Seq2[File, error] {
	return func(yield func(File, error) bool) {
		w := newWalker(s, want)
		walkErr := w.start(ctx, inside(dir))
		if err := s.objects.Bring(ctx, w.missing, w.screen); err != nil {
			w.found, walkErr = nil, err
		}
		for _, at := range w.found {
			if at.err != nil {
				if !yield(File{Path: at.path}, fmt.Errorf("read directory %q of %s: %w", at.path, s, at.err)) {
					return
				}
				continue
			}
			if file, wanted, err := w.file(at); wanted && !yield(file, err) {
				return
			}
		}
		if walkErr != nil {
			yield(File{}, fmt.Errorf("read %q of %s: %w", cmp.Or(inside(dir), "/"), s, walkErr))
		}
	}
}

// inside cleans a path so that it can't leave the root: "" is the root.
func inside(dir string) string { return strings.TrimPrefix(path.Clean("/"+dir), "/") }

// walker goes through the files of a snapshot.
type walker struct {
	snapshot *Snapshot
	want     func(path string) bool
	screen   func([]byte) bool // nil: everything is wanted
	found    []found           // candidates to yield
	missing  []Hash            // those of found that are not there yet
	counted  int64             // entries
	paths    int64             // bytes of found

	seen   map[Hash]bool // directories
	differ int64         // entries, those of each directory once
	began  int64         // counted when the present folder of the first directory began
}

func newWalker(s *Snapshot, want func(path string) bool) *walker {
	return &walker{snapshot: s, want: want, screen: s.objects.keeper.screen.Wants, seen: make(map[Hash]bool)}
}

// found is a file that want accepts, or a directory that can't be read.
type found struct {
	path string
	hash Hash
	err  error
}

// foundBytes is about the bytes of a found beside its path.
const foundBytes = 64

// add notes a file that the screen isn't known to refuse.
func (w *walker) add(name string, hash Hash) error {
	if !w.want(name) {
		return nil
	}
	if !w.snapshot.has(hash) {
		w.missing = append(w.missing, hash)
	}
	return w.note(found{path: name, hash: hash})
}

// note adds to found.
func (w *walker) note(f found) error {
	if w.paths += int64(len(f.path)) + foundBytes; w.paths > w.snapshot.objects.bounds.PathBytes {
		return OverBound("bytes of paths", w.snapshot.objects.bounds.PathBytes)
	}
	w.found = append(w.found, f)
	return nil
}

// errTotal is the bound on all that is walked: nothing goes on after it.
var errTotal = errors.New("all together")

// count counts the entries of a directory.
func (w *walker) count(hash Hash, n int) error {
	bounds := w.snapshot.objects.bounds
	if w.counted += int64(n); w.counted > bounds.Entries {
		return fmt.Errorf("%w %w", errTotal, OverBound("files and directories", bounds.Entries))
	}
	if !w.seen[hash] {
		w.seen[hash] = true
		w.differ += int64(n)
	}
	if most := bounds.Shared + 4*w.differ; w.counted-w.began > most {
		return fmt.Errorf("few that stand for many: %w", OverBound("files and directories", most))
	}
	return nil
}

// start walks a directory, or reads a file.
func (w *walker) start(ctx context.Context, dir string) error {
	found, err := w.snapshot.find(dir)
	switch {
	case err != nil:
		return err
	case found.dir():
		return w.walk(ctx, dir, found.hash, 0)
	case found.regular():
		if !w.refuses(found.hash) {
			return w.add(dir, found.hash)
		}
		return nil
	case found.mode == modeSymlink:
		return fmt.Errorf("it is a symlink, which is not followed: give the path that it leads to")
	}
	return fmt.Errorf("it is a submodule, which is not read")
}

// walk goes through a directory. One below the first that can't be read is noted,
// and the others go on.
func (w *walker) walk(ctx context.Context, dir string, hash Hash, depth int) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	entries, err := w.read(hash, depth)
	switch {
	case err != nil && depth > 0:
		return w.note(found{path: dir, err: err})
	case err != nil:
		return err
	}
	if err := w.count(hash, len(entries)); err != nil {
		return err
	}
	for _, e := range entries {
		switch {
		case !e.dir() && !e.regular(), w.refuses(e.hash): // before its path is put together
		case !e.dir():
			err = w.add(path.Join(dir, string(e.name)), e.hash)
		case depth == 0:
			err = w.folder(ctx, path.Join(dir, string(e.name)), e.hash)
		default:
			err = w.walk(ctx, path.Join(dir, string(e.name)), e.hash, depth+1)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// read returns the entries of a directory that is so deep.
func (w *walker) read(hash Hash, depth int) ([]entry, error) {
	if most := w.snapshot.objects.bounds.Depth; depth >= most {
		return nil, OverBound("directories deep", int64(most))
	}
	return w.entries(hash)
}

// folder walks a folder of the first directory. If it is over a bound on the
// entries in it, an error takes the place of everything found there.
func (w *walker) folder(ctx context.Context, dir string, hash Hash) error {
	had, missed, paths := len(w.found), len(w.missing), w.paths
	w.began = w.counted
	err := w.walk(ctx, dir, hash, 1)
	if err == nil || ctx.Err() != nil || errors.Is(err, errTotal) {
		return err
	}
	clear(w.found[had:])
	w.found, w.missing, w.paths = w.found[:had], w.missing[:missed], paths
	return w.note(found{path: dir, err: err})
}

// entries returns the entries of a tree in the order of their paths: all of
// them, or those that the screen may want if they are known.
func (w *walker) entries(hash Hash) ([]entry, error) {
	if w.screen != nil {
		if entries, err := entriesOf(w.snapshot.objects.note(hash)); err == nil && len(entries) > 0 {
			return entries, nil
		}
	}
	tree, err := typed(w.snapshot, hash, Tree)
	if err != nil {
		return nil, err
	}
	return entriesOf(tree)
}

// refuses reports whether the screen is known to refuse a file, or all files
// below a directory.
func (w *walker) refuses(hash Hash) bool {
	return w.screen != nil && w.snapshot.objects.Refuses(hash)
}

// file reads a file, and returns false if the screen refuses it.
func (w *walker) file(at found) (File, bool, error) {
	if w.refuses(at.hash) {
		return File{}, false, nil
	}
	data, err := typed(w.snapshot, at.hash, Blob)
	if err != nil {
		return File{Path: at.path}, true, fmt.Errorf("read %q of %s: %w", at.path, w.snapshot, err)
	}
	file := File{Path: at.path, Data: data, Note: w.snapshot.objects.note(at.hash), hash: at.hash}
	return file, file.Note != nil || w.screen == nil || w.screen(data), nil
}

// Executable reports whether a regular file of the snapshot is executable: its
// mode is 100755 then, else 100644. A name that is no regular file is an error
// that wraps ErrNoPath.
func (s *Snapshot) Executable(name string) (bool, error) {
	found, err := s.find(inside(name))
	if err == nil && !found.regular() {
		err = ErrNoPath
	}
	if err != nil {
		return false, fmt.Errorf("read the mode of %q of %s: %w", name, s, err)
	}
	return found.mode == modeExec, nil
}
