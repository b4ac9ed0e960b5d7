package gitops

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"

	"github.com/pinsetter/pinsetter/git"
)

// Step is the change that a commit made to its parent's files. A merge is
// compared with its second parent, which it merged into the branch
// (Commit.Over).
//
// Err is nil if the commit only changed the bytes of regular files: those at
// Paths, sorted. It wraps ErrNotEdits if the commit did more: if it added,
// deleted or renamed a file, or changed a mode. Any other error says that it
// can't be found out now.
type Step struct {
	Before, After *Snapshot
	Paths         []string
	Err           error
}

// Steps returns a step for each commit, in their order. The commits lead to s,
// or to a branch that was fetched with it. A path that want refuses counts as
// ErrNotEdits.
//
// It sends at most three requests, and none for objects that came with the
// fetch or are cached: for commits with their directories, then for the files
// that differ. A server that hands out nothing by its hash is asked for the
// history of the fetched branches, depth commits deep.
func (s *Snapshot) Steps(ctx context.Context, commits []CommitInfo, depth int, want func(path string) bool) []Step {
	steps := make([]Step, len(commits))
	var asked []plumbing.Hash
	for _, commit := range commits {
		if from := commit.from(); from != "" {
			asked = append(asked, plumbing.NewHash(commit.Hash), plumbing.NewHash(from))
		}
	}
	near, err := s.beside(ctx, unique(asked), depth)
	for i, commit := range commits {
		switch {
		case commit.from() == "":
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

// from returns the parent whose files a commit's step starts from; "": it has none,
// or more than two.
func (c CommitInfo) from() string {
	if len(c.Parents) == 0 || len(c.Parents) > 2 {
		return ""
	}
	return c.Parents[len(c.Parents)-1]
}

// step compares a commit with its parent.
func (s *Snapshot) step(commit CommitInfo, want func(path string) bool) Step {
	var step Step
	var err error
	if step.After, err = s.at(commit.Hash); err == nil {
		step.Before, err = s.at(commit.from())
	}
	if err == nil {
		step.Paths, err = git.Compare(step.Before.Snapshot, step.After.Snapshot, want)
	}
	if err != nil {
		step.Err = fmt.Errorf("compare commit %.7s with its parent: %w", commit.Hash, err)
	}
	return step
}

// at returns the snapshot of a commit whose directories are there.
func (s *Snapshot) at(hash string) (*Snapshot, error) {
	return snapshotOf(s.Store(), plumbing.NewHash(hash), "", s.more)
}

// bringAll asks for the files that differ, in one request.
func bringAll(ctx context.Context, steps []Step) {
	var store *git.Store // all have the same
	var files []git.Hash
	for _, step := range steps {
		for _, name := range step.Paths {
			for _, s := range []*Snapshot{step.Before, step.After} {
				if hash, found := s.Lookup(name); found {
					store, files = s.Store(), append(files, hash)
				}
			}
		}
	}
	if store == nil {
		return
	}
	if err := store.Bring(ctx, files, nil); err != nil {
		for i := range steps {
			steps[i].Err = cmp.Or(steps[i].Err, err)
		}
	}
}

// beside returns a snapshot whose objects have commits with their directories,
// beside those of s.
func (s *Snapshot) beside(ctx context.Context, commits []plumbing.Hash, depth int) (*Snapshot, error) {
	missing := slices.DeleteFunc(commits, func(hash plumbing.Hash) bool { return s.Store().HasCommit(git.Hash(hash)) })
	if len(missing) == 0 || s.more == nil {
		return s, nil
	}
	c := s.more.c
	c.mu.Lock()
	defer c.mu.Unlock()
	ctx, cancel := c.remote.deadline(ctx)
	defer cancel()
	defer c.close()
	got, more, err := s.more.reach(ctx, s.Store(), missing, depth)
	if err != nil {
		return nil, explain(ctx, err)
	}
	return &Snapshot{got.Snapshot(s.Snapshot.Hash(), s.Snapshot.Tree(), ""), more}, nil
}

// reach asks for commits with their directories, and for no file if the server
// can leave files out. It returns the filler for those.
func (f *filler) reach(ctx context.Context, below *git.Store, commits []plumbing.Hash, depth int) (*git.Store, *filler, error) {
	more := &filler{c: f.c, commits: commits, whole: !f.c.partial()}
	fresh := func() *git.Store {
		got := below.Above()
		got.FillFrom(more)
		return got
	}
	got := fresh()
	if f.c.partial() {
		err := f.c.pack(ctx, request{wants: commits, depth: 1, filter: packp.FilterBlobNone(), kept: commitsOf(below, f.commits)}, got)
		if err != nil || got.Closed(ours(commits)) {
			return got, more, err
		}
		got = fresh() // the store lacks objects that the server takes for present
	}
	q := request{wants: commits, depth: 1, choice: git.Choice{Wants: below.Screen().Wants}}
	if !f.c.adv.Capabilities.Supports(capability.AllowReachableSHA1InWant) {
		q.wants, q.depth = f.commits, depth
	}
	more.commits, more.depth, more.complete = q.wants, q.depth, true
	return got, more, f.c.pack(ctx, q, got)
}
