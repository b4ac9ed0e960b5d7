package git

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
)

// Link is an entry that Files passes over: a symbolic link or a submodule.
type Link struct {
	Path      string // from the root
	Submodule bool

	// Target is the file or folder of the same commit that a symbolic link leads
	// to, from the root and without links on the way; "." is the root. If there is
	// none, it is "" and Err says why.
	Target string
	Folder bool // Target is one
	Err    error
}

const (
	maxHops   = 40   // symbolic links on the way to one target, as Linux has it
	maxLinks  = 1000 // of one call of Links: a tree of objects has few
	maxTarget = 4096 // bytes of a link's target: Linux's PATH_MAX
)

// errOutside says that a link leads out of the commit.
var errOutside = errors.New("it leads out of the repository")

// Links returns the entries below dir that Files passes over, sorted by path.
// More than a thousand of them is an error that wraps ErrBound.
func (s *Snapshot) Links(ctx context.Context, dir string) ([]Link, error) {
	start, err := s.find(inside(dir))
	if err != nil || !start.dir() {
		return nil, err
	}
	w := linkWalker{snapshot: s, without: map[Hash]bool{}}
	if err := w.walk(ctx, inside(dir), start.hash, 0); err != nil {
		return nil, fmt.Errorf("read the links in %q of %s: %w", dir, s, err)
	}
	for i := range w.links {
		if !w.links[i].Submodule {
			w.links[i].resolve(ctx, s)
		}
	}
	return w.links, nil
}

// linkWalker finds the links below a directory.
type linkWalker struct {
	snapshot *Snapshot
	links    []Link
	entries  int64
	without  map[Hash]bool // directories that have no link below: few trees may stand for very many
}

func (w *linkWalker) walk(ctx context.Context, dir string, hash Hash, depth int) error {
	if depth >= w.snapshot.objects.bounds.Depth {
		return OverBound("directories deep", int64(w.snapshot.objects.bounds.Depth))
	}
	if w.without[hash] {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	before := len(w.links)
	tree, err := typed(w.snapshot, hash, Tree)
	if err != nil {
		return err
	}
	entries, err := entriesOf(tree)
	if err != nil {
		return err
	}
	if w.entries += int64(len(entries)); w.entries > w.snapshot.objects.bounds.Entries {
		return OverBound("files and directories", w.snapshot.objects.bounds.Entries)
	}
	for _, e := range entries {
		name := path.Join(dir, string(e.name))
		switch {
		case e.dir():
			err = w.walk(ctx, name, e.hash, depth+1)
		case e.regular():
		case len(w.links) == maxLinks:
			return OverBound("links", maxLinks)
		default:
			w.links = append(w.links, Link{Path: name, Submodule: e.mode != modeSymlink})
		}
		if err != nil {
			return err
		}
	}
	w.without[hash] = len(w.links) == before
	return nil
}

// resolve finds the target of a symbolic link.
func (l *Link) resolve(ctx context.Context, s *Snapshot) {
	name, found, err := follow(ctx, s, l.Path)
	switch {
	case err != nil:
		l.Err = err
	case found.dir():
		l.Target, l.Folder = path.Join(".", name), true
	case found.regular():
		l.Target = name
	default:
		l.Err = errors.New("it leads into a submodule")
	}
}

// follow returns the entry that a path leads to, and its path without links.
func follow(ctx context.Context, s *Snapshot, name string) (string, entry, error) {
	at, rest, hops := "", strings.Split(name, "/"), 0
	found := entry{mode: modeDir, hash: s.tree}
	for len(rest) > 0 {
		part := rest[0]
		rest = rest[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			if at == "" {
				return "", entry{}, errOutside
			}
			at = strings.TrimPrefix(path.Dir("/"+at), "/")
			part = ""
		}
		next := path.Join(at, part)
		var err error
		if found, err = s.find(next); err != nil {
			return "", entry{}, err
		}
		if found.mode != modeSymlink {
			at = next
			continue
		}
		if hops++; hops > maxHops {
			return "", entry{}, errors.New("it leads through too many links, or in a circle")
		}
		target, err := linkTarget(ctx, s, found.hash)
		if err != nil {
			return "", entry{}, err
		}
		rest = append(strings.Split(target, "/"), rest...)
		found = entry{mode: modeDir, hash: s.tree}
	}
	return at, found, nil
}

// linkTarget returns the target that is written in a symbolic link.
func linkTarget(ctx context.Context, s *Snapshot, hash Hash) (string, error) {
	if err := s.objects.Bring(ctx, []Hash{hash}, nil); err != nil {
		return "", err
	}
	data, err := typed(s, hash, Blob)
	switch {
	case err != nil:
		return "", err
	case len(data) > maxTarget:
		return "", OverBound("bytes in a link's target", maxTarget)
	case path.IsAbs(string(data)):
		return "", errOutside
	}
	return string(data), nil
}
