package gitops

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
)

// ErrNotEdits says that a commit does more to its parent's files than to change the bytes
// of some, or has not one parent.
var ErrNotEdits = errors.New("it does more than change the contents of files")

// Step is what a commit made of its parent's files. Err is nil where all that it
// did is to change the bytes of regular files: those at Paths, sorted. It wraps
// ErrNotEdits where the commit did more, which includes a file that was added,
// deleted, renamed, or given another mode. Any other error says that it can't be
// found out now.
type Step struct {
	Before, After *Snapshot
	Paths         []string
	Err           error
}

// Steps returns a step for each commit, in their order. The commits lead to s, or
// to a branch that was fetched with it. A path that want refuses counts as
// ErrNotEdits.
//
// It costs at most three requests, and none for what came with the fetch or was
// kept: commits with their directories, then the files that differ. A server that
// hands out nothing by its hash is asked for all that leads to the fetched
// branches, depth commits deep.
func (s *Snapshot) Steps(ctx context.Context, commits []CommitInfo, depth int, want func(path string) bool) []Step {
	steps := make([]Step, len(commits))
	var asked []plumbing.Hash
	for _, commit := range commits {
		if len(commit.Parents) == 1 {
			asked = append(asked, plumbing.NewHash(commit.Hash), plumbing.NewHash(commit.Parents[0]))
		}
	}
	near, err := s.beside(ctx, unique(asked), depth)
	for i, commit := range commits {
		switch {
		case len(commit.Parents) != 1:
			steps[i].Err = fmt.Errorf("commit %.7s: %w", commit.Hash, ErrNotEdits)
		case err != nil:
			steps[i].Err = fmt.Errorf("read commit %.7s: %w", commit.Hash, err)
		default:
			steps[i] = near.step(commit, want)
		}
	}
	bringAll(ctx, steps)
	return steps
}

// step compares a commit with its parent.
func (s *Snapshot) step(commit CommitInfo, want func(path string) bool) Step {
	var step Step
	var err error
	if step.After, err = s.at(commit.Hash); err == nil {
		step.Before, err = s.at(commit.Parents[0])
	}
	if err == nil {
		d := differ{before: step.Before, after: step.After, want: want, left: s.bounds.Entries}
		err = d.compare("", step.Before.tree, step.After.tree, 0)
		step.Paths = d.paths
	}
	if err != nil {
		step.Paths, step.Err = nil, fmt.Errorf("compare commit %.7s with its parent: %w", commit.Hash, err)
	}
	return step
}

// at returns the snapshot of a commit whose directories are there.
func (s *Snapshot) at(hash string) (*Snapshot, error) {
	commit, err := readCommit(s.objects, plumbing.NewHash(hash))
	if err != nil {
		return nil, err
	}
	return &Snapshot{hash: commit.Hash, tree: commit.TreeHash, objects: s.objects, bounds: s.bounds}, nil
}

// bringAll asks for the files that differ, in one request.
func bringAll(ctx context.Context, steps []Step) {
	var one *Snapshot // they share their objects
	var files []plumbing.Hash
	for _, step := range steps {
		for _, name := range step.Paths {
			for _, s := range []*Snapshot{step.Before, step.After} {
				if found, err := s.find(name); err == nil {
					one, files = s, append(files, found.hash)
				}
			}
		}
	}
	if one == nil {
		return
	}
	if err := one.bring(ctx, files, nil); err != nil {
		for i := range steps {
			steps[i].Err = cmp.Or(steps[i].Err, err)
		}
	}
}

// beside returns a snapshot whose objects have commits with their directories,
// beside those of s.
func (s *Snapshot) beside(ctx context.Context, commits []plumbing.Hash, depth int) (*Snapshot, error) {
	missing := slices.DeleteFunc(commits, s.objects.hasCommit)
	more := s.objects.more
	if len(missing) == 0 || more == nil {
		return s, nil
	}
	more.mu.Lock()
	defer more.mu.Unlock()
	ctx, cancel := more.c.remote.deadline(ctx)
	defer cancel()
	defer more.c.close()
	got, err := more.reach(ctx, s.objects, missing, depth)
	if err != nil {
		return nil, explain(ctx, err)
	}
	return &Snapshot{hash: s.hash, tree: s.tree, objects: got, bounds: s.bounds}, nil
}

// reach asks for commits with their directories, and for no file where the server
// can leave them out.
func (f *filler) reach(ctx context.Context, below *objects, commits []plumbing.Hash, depth int) (*objects, error) {
	fresh := func() *objects {
		got := newObjects(f.c.remote.bounds)
		got.below, got.keeper = below, &keeper{screen: below.keeper.screen}
		got.more = &filler{c: f.c, commits: commits, whole: !f.c.partial()}
		return got
	}
	got := fresh()
	if f.c.partial() {
		err := f.c.pack(ctx, request{wants: commits, depth: 1, filter: packp.FilterBlobNone(), kept: commitsOf(below, f.commits)}, got)
		if err != nil || got.closed(commits) {
			return got, err
		}
		got = fresh() // what is held isn't what the server takes it for
	}
	q := request{wants: commits, depth: 1, choice: choice{wants: below.keeper.screen.Wants}}
	if !f.c.adv.Capabilities.Supports(capability.AllowReachableSHA1InWant) {
		q.wants, q.depth = f.commits, depth
	}
	got.more.commits, got.more.depth, got.more.complete = q.wants, q.depth, true
	return got, f.c.pack(ctx, q, got)
}

// hasCommit reports whether a commit is there, and its root directory.
func (o *objects) hasCommit(hash plumbing.Hash) bool {
	if !o.has(hash) {
		return false
	}
	tree, err := o.target(hash)
	return err == nil && o.has(tree)
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
func (d *differ) compare(dir string, before, after plumbing.Hash, depth int) error {
	switch {
	case before == after:
		return nil
	case depth >= d.after.bounds.Depth:
		return overBound("directories deep", int64(d.after.bounds.Depth))
	}
	old, err := typed(d.before, before, plumbing.TreeObject)
	if err != nil {
		return err
	}
	now, err := typed(d.after, after, plumbing.TreeObject)
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
			return overBound("files and directories", d.after.bounds.Entries)
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
		return overBound("files in a commit", maxPaths)
	default:
		d.paths = append(d.paths, name)
	}
	return nil
}
