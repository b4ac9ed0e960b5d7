package gitops

import (
	"context"
	"fmt"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
)

// CheckMerges returns nil if each merge among a branch's commits merged a
// commit of the base (Commit.Over), and the newest one merged all of the base
// that the branch has: then no file on the branch is older than that base.
// Otherwise the error wraps ErrNotEdits. Any other error says that it can't be
// found out now.
//
// If there is a merge, the newest one costs a request.
func (f *Fetched) CheckMerges(ctx context.Context, branch *PushState) error {
	its := func(hash string) bool {
		return slices.ContainsFunc(branch.Commits, func(c CommitInfo) bool { return c.Hash == hash })
	}
	var newest *CommitInfo
	for i, c := range branch.Commits {
		if len(c.Parents) < 2 {
			continue
		}
		if from := c.from(); from == "" || its(from) {
			return fmt.Errorf("commit %.7s merges something else than the base: %w", c.Hash, ErrNotEdits)
		}
		if newest == nil {
			newest = &branch.Commits[i]
		}
	}
	if newest == nil {
		return nil
	}
	before, err := f.Base.leadingTo(ctx, newest.Parents[0], newest.from())
	if err != nil {
		return fmt.Errorf("read what leads to commit %.7s: %w", newest.Hash, err)
	}
	for _, c := range before {
		if !its(c.Hash) {
			return fmt.Errorf("commit %.7s merges an older base than the branch had: %w", newest.Hash, ErrNotEdits)
		}
	}
	return nil
}

// leadingTo returns the commits that lead to one and not to another.
func (s *Snapshot) leadingTo(ctx context.Context, tip, base string) ([]CommitInfo, error) {
	if s.more == nil {
		return nil, fmt.Errorf("commit %.7s: %w", tip, ErrNoRef)
	}
	c := s.more.c
	c.mu.Lock()
	defer c.mu.Unlock()
	ctx, cancel := c.remote.deadline(ctx)
	defer cancel()
	defer c.close()
	head := plumbing.NewHash(tip)
	commits, err := c.since(ctx, plumbing.NewHash(base), []plumbing.Hash{head})
	if err != nil {
		return nil, explain(ctx, err)
	}
	return walk(commits, head, c.remote.bounds.Commits+1)
}
