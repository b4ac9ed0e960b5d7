package gitops

import (
	"cmp"
	"context"
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/pinsetter/pinsetter/git"
)

// History returns the last n commits that lead to s: s itself first, all of
// them if there are fewer, and at most Bounds.Commits. It follows all parents
// of a merge. A commit comes before its parents, otherwise the newest first.
// The history of a repository that is shallow on the server ends there.
//
// A server that knows filters, as the forges do (C git:
// uploadpack.allowFilter), sends the commits without their files. Any other
// server sends all files of the n commits, which are bounded as every pack is,
// and dropped as they come. If s came with its history, no request is sent.
//
// The commit of s must be on the server. Errors wrap ErrStale if the server
// doesn't hand it out by its hash and its ref has moved since: fetch and do it
// again. Otherwise they are those of Fetch.
func (r *Remote) History(ctx context.Context, s *Snapshot, n int) ([]CommitInfo, error) {
	infos, err := r.past(ctx, s, min(n, r.bounds.Commits))
	if err != nil {
		return nil, fmt.Errorf("read history of %s from %s: %w", s, r, r.told(err))
	}
	return infos, nil
}

func (r *Remote) past(ctx context.Context, s *Snapshot, n int) ([]CommitInfo, error) {
	if n < 1 {
		return nil, nil
	}
	infos, err := walk(s, s.commit(), n)
	if err != nil || complete(s, infos, n) {
		return infos, err
	}
	ctx, cancel := r.deadline(ctx)
	defer cancel()
	c, err := r.converse(ctx, "HEAD", cmp.Or(s.Ref(), "HEAD"))
	if err != nil {
		return nil, explain(ctx, err)
	}
	defer c.close()
	store := git.NewStore(r.bounds.Bounds)
	// The k-th of a list in which children come first is at most k deep.
	if err := c.commits(ctx, request{wants: []plumbing.Hash{c.wanted(s)}, depth: n}, store); err != nil {
		return nil, explain(ctx, err)
	}
	if _, err := store.Object(s.Snapshot.Hash()); err != nil {
		return nil, err
	}
	return walk(store, s.commit(), n)
}

// wanted returns the hash to ask for to get the commit of s. That is the
// annotated tag, if one was read: any server hands it out.
func (c *conversation) wanted(s *Snapshot) plumbing.Hash {
	if c.adv.Peeled[s.Ref()] == s.commit() {
		return c.adv.References[s.Ref()]
	}
	return s.commit()
}

// complete reports whether infos are the last n commits of all, and not only of
// those in from: whether those before the n-th have all their parents there.
func complete(from source, infos []CommitInfo, n int) bool {
	for _, info := range infos[:min(len(infos), n-1)] {
		for _, parent := range info.Parents {
			if _, err := from.Object(git.Hash(plumbing.NewHash(parent))); err != nil {
				return false
			}
		}
	}
	return true
}
