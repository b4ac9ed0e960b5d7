package git

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"path"
	"strings"
)

// Files yields the regular files below dir that want accepts by their path,
// sorted by path; only those are read, and asked for in one request where they
// didn't come with the fetch. Symlinks and submodules are passed over. Dir is
// taken from the root and can't leave it; it may be one file. A dir that doesn't
// exist is an error that wraps ErrNoPath.
//
// A file that can't be read, such as one that is over a bound, comes with an
// error and its Path, and the others go on. After any other error, which has no
// Path, nothing else is yielded.
func (s *Snapshot) Files(ctx context.Context, dir string, want func(path string) bool) iter.Seq2[File, error] {
	return func(yield func(File, error) bool) {
		w := walker{snapshot: s, want: want}
		walkErr := w.start(ctx, inside(dir))
		if err := s.objects.Bring(ctx, w.missing, s.wants()); err != nil {
			w.found, walkErr = nil, err
		}
		for _, at := range w.found {
			if file, wanted, err := s.file(at); wanted && !yield(file, err) {
				return
			}
		}
		if walkErr != nil {
			yield(File{}, fmt.Errorf("read %q of %s: %w", cmp.Or(inside(dir), "/"), s, walkErr))
		}
	}
}

// file reads a file, and returns false if the screen refuses it.
func (s *Snapshot) file(at found) (File, bool, error) {
	if s.refuses(at.hash) {
		return File{}, false, nil
	}
	data, err := typed(s, at.hash, Blob)
	if err != nil {
		return File{Path: at.path}, true, fmt.Errorf("read %q of %s: %w", at.path, s, err)
	}
	file := File{Path: at.path, Data: data, Note: s.objects.note(at.hash), hash: at.hash}
	wants := s.wants()
	return file, file.Note != nil || wants == nil || wants(data), nil
}

// refuses reports whether the screen is known to refuse a file, or all files
// below a directory.
func (s *Snapshot) refuses(hash Hash) bool {
	return s.wants() != nil && s.objects.Refuses(hash)
}

// inside cleans a path so that it can't leave the root: "" is the root.
func inside(dir string) string { return strings.TrimPrefix(path.Clean("/"+dir), "/") }

// walker goes through the files of a snapshot.
type walker struct {
	snapshot *Snapshot
	want     func(path string) bool
	found    []found // what may be yielded
	missing  []Hash  // those of found that have to be asked for
	entries  int64
}

// found is a file that want accepts.
type found struct {
	path string
	hash Hash
}

// add notes a file that the screen isn't known to refuse.
func (w *walker) add(name string, hash Hash) {
	if !w.want(name) {
		return
	}
	w.found = append(w.found, found{name, hash})
	if !w.snapshot.has(hash) {
		w.missing = append(w.missing, hash)
	}
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
		if !w.snapshot.refuses(found.hash) {
			w.add(dir, found.hash)
		}
		return nil
	case found.mode == modeSymlink:
		return fmt.Errorf("it is a symlink, which is not followed: give the path that it leads to")
	}
	return fmt.Errorf("it is a submodule, which is not read")
}

// walk goes through a directory.
func (w *walker) walk(ctx context.Context, dir string, hash Hash, depth int) error {
	if depth >= w.snapshot.objects.bounds.Depth {
		return fmt.Errorf("directory %q: %w", dir, OverBound("directories deep", int64(w.snapshot.objects.bounds.Depth)))
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	entries, err := w.snapshot.entries(hash)
	if err != nil {
		return fmt.Errorf("directory %q: %w", dir, err)
	}
	if w.entries += int64(len(entries)); w.entries > w.snapshot.objects.bounds.Entries {
		return OverBound("files and directories", w.snapshot.objects.bounds.Entries)
	}
	for _, e := range entries {
		switch {
		case !e.dir() && !e.regular(), w.snapshot.refuses(e.hash): // before its path is put together
		case e.dir():
			err = w.walk(ctx, path.Join(dir, string(e.name)), e.hash, depth+1)
		default:
			w.add(path.Join(dir, string(e.name)), e.hash)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// entries returns the entries of a tree, in the order of their paths: those that
// the screen may want, where these are known, else all of them.
func (s *Snapshot) entries(hash Hash) ([]entry, error) {
	if s.wants() != nil {
		if entries, err := entriesOf(s.objects.note(hash)); err == nil && len(entries) > 0 {
			return entries, nil
		}
	}
	tree, err := typed(s, hash, Tree)
	if err != nil {
		return nil, err
	}
	return entriesOf(tree)
}
