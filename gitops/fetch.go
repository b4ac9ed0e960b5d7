package gitops

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/git"
)

// Fetched is the base and the push branches of a repository at one moment.
// Close it after use.
type Fetched struct {
	Base *Snapshot

	// Push are the push branches that exist, by their short names, without the
	// branch that Base was read from.
	Push map[string]*PushState
}

// Keep begins to write what was fetched to Options.Keep. Call it when the files
// are read and the program waits for something else.
func (f *Fetched) Keep() { f.Base.Store().Keep() }

// Close writes the news since Keep to Options.Keep. Without it nothing is
// cached. It is no error if the cache can't be written. The snapshots stay
// readable.
func (f *Fetched) Close() { f.Base.Store().Close() }

// PushState is a push branch that exists beside the base.
type PushState struct {
	Head *Snapshot

	// Commits are those on the push branch that the base does not have, newest
	// first, a commit before its parents. None: the branch is merged.
	Commits []CommitInfo

	// Truncated says that there are more than Bounds.Commits of them, and that
	// the rest is not known. Take such a branch for somebody else's.
	Truncated bool
}

// Fetch reads the commit that base stands for and the push branches beside it:
// the files of one commit each, and of a push branch also the commits that the
// base doesn't have. A push branch is given by its short name. A name that ends
// in "/" stands for all branches below it, "" for none. All come together,
// however many there are.
//
// Errors wrap ErrNoRef, ErrEmptyRepository, ErrAuth, ErrNotFound, ErrBound or
// ErrTimeout if one of them fits.
func (r *Remote) Fetch(ctx context.Context, base fleet.GitRef, push ...string) (*Fetched, error) {
	return r.fetchBy(ctx, r.converse, base, push)
}

// converser begins a conversation with the refs that begin with one of the prefixes.
type converser func(ctx context.Context, prefixes ...string) (*conversation, error)

// fetchBy is Fetch, in a conversation that converse begins.
func (r *Remote) fetchBy(ctx context.Context, converse converser, base fleet.GitRef, push []string) (*Fetched, error) {
	push = slices.DeleteFunc(slices.Clone(push), isEmpty)
	fetched, c, err := r.fetch(ctx, converse, base, push)
	if err != nil && c != nil && c.dialect.Disagreed() {
		fetched, _, err = r.fetch(ctx, r.converse, base, push) // asks what the server can do
	}
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", r, r.told(err))
	}
	return fetched, nil
}

func isEmpty(name string) bool { return name == "" }

// fetch is fetchBy without the second try. It also returns the conversation,
// which has ended; nil if there was none.
func (r *Remote) fetch(ctx context.Context, converse converser, base fleet.GitRef, push []string) (*Fetched, *conversation, error) {
	ctx, cancel := r.deadline(ctx)
	defer cancel()
	var c *conversation
	var err error
	await(ctx, func() { c, err = converse(ctx, prefixes(base, push)...) })
	if err != nil {
		return nil, nil, explain(ctx, err)
	}
	defer c.close()
	fetched, err := c.fetch(ctx, base, push)
	return fetched, c, err
}

// fetch reads the commit of a base, and push branches.
func (c *conversation) fetch(ctx context.Context, base fleet.GitRef, push []string) (*Fetched, error) {
	r := c.remote
	from, err := c.find(ctx, base)
	if err != nil {
		return nil, err
	}
	beside, err := branches(c.adv, from, push, r.bounds)
	if err != nil {
		return nil, err
	}
	store := r.open(base, push)
	wants := []plumbing.Hash{from.hash}
	for _, branch := range beside {
		wants = append(wants, branch.hash)
	}
	var more *filler
	if from.deep {
		err = c.history(ctx, base, wants[1:], store)
	} else {
		more, err = c.shallow(ctx, unique(wants), store)
	}
	if err != nil {
		return nil, unknownCommit(base, explain(ctx, err))
	}
	result := new(Fetched)
	if result.Base, err = snapshotAt(store, from, more); err != nil {
		return nil, err
	}
	result.Push, err = c.pushStates(ctx, beside, result.Base)
	return result, explain(ctx, err)
}

// open returns the store for objects that are fetched together, with those that
// are cached. Each source has a cache of its own, by its name and URL: a commit
// that a source names by its hash is taken from the cache without another
// question, and somebody else's credentials may have fetched it from a ref that
// this source's don't show.
func (r *Remote) open(base fleet.GitRef, push []string) *git.Store {
	key := fmt.Sprintf("%q %q %q %q %q %q %q %q", r.owner, r, base.Branch, base.Tag, base.SemVer, base.Name, base.Commit, push)
	return r.cache.Open(key, r.bounds.Bounds)
}

// unique returns hashes once each, in the order of their first places.
func unique(hashes []plumbing.Hash) []plumbing.Hash {
	var once []plumbing.Hash
	seen := make(map[plumbing.Hash]bool)
	for _, hash := range hashes {
		if !seen[hash] {
			seen[hash] = true
			once = append(once, hash)
		}
	}
	return once
}

// unknownCommit is the error for a commit that was asked for by its hash and
// that the server doesn't have.
func unknownCommit(base fleet.GitRef, err error) error {
	if base.Commit == "" || !errors.Is(err, ErrStale) {
		return err
	}
	return fmt.Errorf("%w: commit %q is in the history of no ref that may be read", ErrNoRef, base.Commit)
}

// String names the place for people.
func (p place) String() string {
	if p.name == "" {
		return p.hash.String()
	}
	return p.name
}
