package gitops

import (
	"context"
	"errors"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"

	"github.com/pinsetter/pinsetter/git"
)

// partial reports whether the server can leave files out of a pack, and hand
// them out by their hashes later. A server of v0 that hands out any object says
// so by the last two. One that has both and hands out commits alone is found
// out by asking.
func (c *conversation) partial() bool {
	for _, needed := range []capability.Capability{capability.Filter, capability.Shallow, capability.AllowTipSHA1InWant, capability.AllowReachableSHA1InWant} {
		if !c.adv.Capabilities.Supports(needed) {
			return false
		}
	}
	return true
}

// shallow reads commits without their history. It returns the filler for files
// that were left out. If the commits before them are cached, files are left
// out, provided that they can be asked for later. With an empty cache one pack
// with everything is cheapest.
func (c *conversation) shallow(ctx context.Context, wants []plumbing.Hash, into *git.Store) (*filler, error) {
	had := into.Follow(ours(wants))
	more := &filler{c: c, commits: wants, whole: !c.partial()}
	into.FillFrom(more)
	unknown := slices.DeleteFunc(slices.Clone(wants), func(hash plumbing.Hash) bool { return slices.Contains(had, git.Hash(hash)) })
	if len(unknown) == 0 {
		return more, nil
	}
	if c.partial() && len(had) > 0 {
		err := c.pack(ctx, request{wants: unknown, depth: 1, filter: packp.FilterBlobNone(), kept: commitsOf(into, theirs(had))}, into)
		if err != nil || into.Closed(ours(wants)) {
			return more, err
		}
		into.Forget() // the cache lacks objects that the server takes for present
		unknown = wants
	}
	more.complete = len(unknown) == len(wants)
	return more, c.pack(ctx, request{wants: unknown, depth: 1, choice: git.Choice{Wants: into.Screen().Wants}}, into)
}

// commitsOf returns the commits that heads stand for, as far as they are there.
func commitsOf(store *git.Store, heads []plumbing.Hash) []plumbing.Hash {
	var commits []plumbing.Hash
	for _, head := range heads {
		if commit, err := store.Peel(git.Hash(head)); err == nil {
			commits = append(commits, plumbing.Hash(commit))
		}
	}
	return commits
}

// ours returns hashes as the room git has them.
func ours(hashes []plumbing.Hash) []git.Hash {
	var all []git.Hash
	for _, hash := range hashes {
		all = append(all, git.Hash(hash))
	}
	return all
}

// theirs returns hashes as go-git has them.
func theirs(hashes []git.Hash) []plumbing.Hash {
	var all []plumbing.Hash
	for _, hash := range hashes {
		all = append(all, plumbing.Hash(hash))
	}
	return all
}

// filler asks the server for the files that a fetch left out. It is used with the
// conversation's lock.
type filler struct {
	c        *conversation
	commits  []plumbing.Hash // that were fetched
	whole    bool            // the server hands out commits alone
	depth    int             // how much of their history was; 0: one commit each
	complete bool            // all files came, but for those that the screen refused
}

// Fill reads the files with these hashes into a store, in one request. If wants
// refuses a file, only that is noted.
func (f *filler) Fill(ctx context.Context, into *git.Store, files []git.Hash, wants func([]byte) bool) error {
	f.c.mu.Lock()
	defer f.c.mu.Unlock()
	if f.complete {
		files = slices.DeleteFunc(files, func(hash git.Hash) bool { return !into.Refuses(hash) })
	}
	if len(files) == 0 {
		return nil
	}
	ctx, cancel := f.c.remote.deadline(ctx)
	defer cancel()
	defer f.c.close()
	got, chosen := git.NewStore(f.c.remote.bounds.Bounds), git.Choice{Wants: wants}
	whole := f.whole || len(files) > fewFiles && len(files) > into.Kept()/4
	err := error(nil)
	if !whole {
		err = explain(ctx, f.c.pack(ctx, request{wants: theirs(files), choice: chosen}, got))
		f.whole = errors.Is(err, ErrStale) // a server refuses so to hand out objects by their hashes
	}
	if whole || f.whole {
		if got = git.NewStore(f.c.remote.bounds.Bounds); wants == nil {
			chosen = git.Choice{Wants: into.Screen().Wants, Need: setOf(files)}
		}
		err = explain(ctx, f.c.pack(ctx, request{wants: f.commits, depth: max(f.depth, 1), choice: chosen}, got))
		f.complete = err == nil
	}
	if err == nil {
		into.Merge(got)
	}
	return err
}

// fewFiles are always asked for by their hashes. Of more, and more than a
// quarter of all, a pack with everything comes sooner: a server packs anew the
// objects that are asked for by hash.
const fewFiles = 1000

func setOf(hashes []git.Hash) map[git.Hash]bool {
	set := make(map[git.Hash]bool)
	for _, hash := range hashes {
		set[hash] = true
	}
	return set
}
