package git

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"path"
)

// ErrNotEdits says that a commit does more to its parent's files than to change the bytes
// of some, or has not one parent.
var ErrNotEdits = errors.New("it does more than change the contents of files")

// Compare returns the paths, sorted, of the regular files whose bytes differ in two
// snapshots. It is an error that wraps ErrNotEdits if they differ in anything else,
// such as a mode or a file that is in one only, or in a path that want refuses.
func Compare(before, after *Snapshot, want func(path string) bool) ([]string, error) {
	d := differ{before: before, after: after, want: want, left: after.objects.bounds.Entries}
	if err := d.compare("", before.tree, after.tree, 0); err != nil {
		return nil, err
	}
	return d.paths, nil
}

// maxPaths bounds the files of one commit that are compared.
const maxPaths = 100_000

// differ compares two snapshots.
type differ struct {
	before, after *Snapshot
	want          func(path string) bool
	left          int64 // entries that may be looked at
	paths         []string
}

// compare notes the files that differ in two versions of a directory.
func (d *differ) compare(dir string, before, after Hash, depth int) error {
	switch {
	case before == after:
		return nil
	case depth >= d.after.objects.bounds.Depth:
		return OverBound("directories deep", int64(d.after.objects.bounds.Depth))
	}
	old, err := typed(d.before, before, Tree)
	if err != nil {
		return err
	}
	now, err := typed(d.after, after, Tree)
	if err != nil {
		return err
	}
	if len(old) != len(now) {
		return ErrNotEdits
	}
	for at := 0; at < len(old); {
		was, next, err := nextEntry(old, at)
		if err != nil {
			return err
		}
		is, _, err := nextEntry(now, at)
		if err != nil || is.mode != was.mode || !bytes.Equal(is.name, was.name) {
			return cmp.Or(err, ErrNotEdits)
		}
		if at, d.left = next, d.left-1; d.left < 0 {
			return OverBound("files and directories", d.after.objects.bounds.Entries)
		}
		if err := d.entry(path.Join(dir, string(is.name)), was, is, depth); err != nil {
			return err
		}
	}
	return nil
}

// entry compares two versions of one entry.
func (d *differ) entry(name string, was, is entry, depth int) error {
	switch {
	case was.hash == is.hash:
	case was.dir():
		return d.compare(name, was.hash, is.hash, depth+1)
	case !was.regular() || !d.want(name):
		return fmt.Errorf("%w: %q", ErrNotEdits, name)
	case len(d.paths) == maxPaths:
		return OverBound("files in a commit", maxPaths)
	default:
		d.paths = append(d.paths, name)
	}
	return nil
}
