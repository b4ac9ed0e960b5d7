package gitops

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// Files yields the regular files below dir that want accepts by their path,
// sorted by path; only those are read, and asked for in one request where they
// didn't come with the fetch. Want is called twice for a path then. Symlinks and submodules are passed over.
// Dir is taken from the root and can't leave it; it may be one file. A dir that
// doesn't exist is an error that wraps ErrNoPath.
//
// A file that can't be read, such as one that is over a bound, comes with an
// error and its Path, and the others go on. After any other error, which has no
// Path, nothing else is yielded.
func (s *Snapshot) Files(ctx context.Context, dir string, want func(path string) bool) iter.Seq2[File, error] {
	return func(yield func(File, error) bool) {
		w := walker{snapshot: s, ctx: ctx}
		w.found = func(name string, e entry) {
			if !s.unwanted(e.hash) && want(name) {
				w.file(name, e, yield)
			}
		}
		err := s.bringAll(ctx, inside(dir), want)
		if err == nil {
			err = w.start(inside(dir))
		}
		if err != nil && !w.stopped {
			yield(File{}, fmt.Errorf("read %q of %s: %w", cmp.Or(inside(dir), "/"), s, err))
		}
	}
}

// inside cleans a path so that it can't leave the root: "" is the root.
func inside(dir string) string { return strings.TrimPrefix(path.Clean("/"+dir), "/") }

// walker goes through the files of a snapshot.
type walker struct {
	snapshot *Snapshot
	ctx      context.Context            // of one call of Files
	found    func(path string, e entry) // is called for each regular file
	entries  int64
	stopped  bool // the caller wants no more
}

// start walks a directory, or reads a file.
func (w *walker) start(dir string) error {
	found, err := w.snapshot.find(dir)
	switch {
	case err != nil:
		return err
	case found.dir():
		return w.walk(dir, found.hash, 0)
	case found.regular():
		w.found(dir, found)
		return nil
	case found.mode == modeSymlink:
		return fmt.Errorf("it is a symlink, which is not followed: give the path that it leads to")
	}
	return fmt.Errorf("it is a submodule, which is not read")
}

// walk goes through a directory.
func (w *walker) walk(dir string, hash plumbing.Hash, depth int) error {
	if depth >= w.snapshot.bounds.Depth {
		return fmt.Errorf("directory %q: %w", dir, overBound("directories deep", int64(w.snapshot.bounds.Depth)))
	}
	if err := w.ctx.Err(); err != nil {
		return context.Cause(w.ctx)
	}
	entries, err := w.snapshot.entries(hash)
	if err != nil {
		return fmt.Errorf("directory %q: %w", dir, err)
	}
	if w.entries += int64(len(entries)); w.entries > w.snapshot.bounds.Entries {
		return overBound("files and directories", w.snapshot.bounds.Entries)
	}
	for _, e := range entries {
		name := path.Join(dir, e.name)
		switch {
		case e.dir():
			err = w.walk(name, e.hash, depth+1)
		case e.regular():
			w.found(name, e)
		}
		if err != nil || w.stopped {
			return err
		}
	}
	return nil
}

// file yields a file.
func (w *walker) file(name string, e entry, yield func(File, error) bool) {
	data, err := typed(w.snapshot, e.hash, plumbing.BlobObject)
	switch wants := w.snapshot.wants(); {
	case err != nil:
		err = fmt.Errorf("read %q of %s: %w", name, w.snapshot, err)
	case wants != nil && !wants(data):
		return
	}
	w.stopped = !yield(File{Path: name, Data: data}, err)
}

// entries returns the entries of a tree, in the order of their paths.
func (s *Snapshot) entries(hash plumbing.Hash) ([]entry, error) {
	tree, err := typed(s, hash, plumbing.TreeObject)
	if err != nil {
		return nil, err
	}
	var entries []entry
	for at := 0; at < len(tree); {
		e, next, err := nextEntry(tree, at)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
		at = next
	}
	if !slices.IsSortedFunc(entries, byPath) {
		slices.SortStableFunc(entries, byPath) // a tree that Git would not write
	}
	return entries, nil
}

// byPath orders entries as the paths below them are ordered.
func byPath(a, b entry) int { return strings.Compare(a.sortName(), b.sortName()) }

func (e entry) sortName() string {
	if e.dir() {
		return e.name + "/"
	}
	return e.name
}
