package gitops

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/pinsetter/pinsetter/config"
)

// Fetched is what a server had at one moment.
type Fetched struct {
	Base *Snapshot

	// Push is the push branch. It is nil if the branch doesn't exist, and if it
	// is the branch that Base was read from.
	Push *PushState
}

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

// Fetch reads what base stands for, and the push branch beside it: the files of
// one commit each, and of the push branch the commits that the base does not
// have. An empty pushBranch asks for the base alone.
//
// Errors wrap ErrNoRef, ErrEmptyRepository, ErrAuth, ErrNotFound, ErrBound or
// ErrTimeout where one of them fits.
func (r *Remote) Fetch(ctx context.Context, base config.GitRef, pushBranch string) (*Fetched, error) {
	fetched, err := r.fetch(ctx, base, pushBranch)
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", r, err)
	}
	return fetched, nil
}

func (r *Remote) fetch(ctx context.Context, base config.GitRef, pushBranch string) (*Fetched, error) {
	ctx, cancel := r.deadline(ctx)
	defer cancel()
	session, adv, err := r.advertised(ctx)
	if err != nil {
		return nil, explain(ctx, err)
	}
	defer session.Close()
	from, err := r.resolve(base, adv)
	if err != nil {
		return nil, err
	}
	push, pushed := adv.References[heads+pushBranch]
	beside := pushed && from.name != heads+pushBranch

	store := newObjects(r.bounds)
	wants := []plumbing.Hash{from.hash}
	if beside {
		wants = append(wants, push)
	}
	if from.deep {
		err = r.history(ctx, session, adv, base, push, store)
	} else {
		err = r.pack(ctx, session, adv, request{wants: wants, depth: 1}, store)
	}
	if err != nil {
		return nil, explain(ctx, err)
	}
	result := new(Fetched)
	if result.Base, err = r.snapshot(store, from); err != nil {
		return nil, err
	}
	if !beside {
		return result, nil
	}
	result.Push, err = r.pushState(ctx, store, place{name: heads + pushBranch, hash: push}, result.Base)
	return result, explain(ctx, err)
}

// advertised starts a session and reads the server's refs.
func (r *Remote) advertised(ctx context.Context) (transport.UploadPackSession, *packp.AdvRefs, error) {
	session, err := r.uploadPack()
	if err != nil {
		return nil, nil, err
	}
	adv, err := session.AdvertisedReferencesContext(ctx)
	if err == nil {
		err = supported(adv)
	}
	if err != nil {
		_ = session.Close()
		return nil, nil, err
	}
	return session, adv, nil
}

// supported returns an error for a repository whose objects can't be read here.
func supported(adv *packp.AdvRefs) error {
	for _, format := range adv.Capabilities.Get(capability.ObjectFormat) {
		if format != "sha1" {
			return fmt.Errorf("the repository's object format is %q: only sha1 is supported", format)
		}
	}
	return nil
}

// request is what is asked of a server. A zero depth asks for all history.
type request struct {
	wants, haves []plumbing.Hash
	depth        int
	filter       packp.Filter
	keep         func(plumbing.ObjectType) bool // nil: every object
}

// pack asks for objects and unpacks them into a store.
func (r *Remote) pack(ctx context.Context, session transport.UploadPackSession, adv *packp.AdvRefs, q request, into *objects) (err error) {
	req := packp.NewUploadPackRequestFromCapabilities(adv.Capabilities)
	req.Wants, req.Haves = q.wants, q.haves
	if adv.Capabilities.Supports(capability.NoProgress) {
		_ = req.Capabilities.Set(capability.NoProgress) // fails for values only
	}
	if q.depth > 0 && adv.Capabilities.Supports(capability.Shallow) {
		_ = req.Capabilities.Set(capability.Shallow)
		req.Depth = packp.DepthCommits(q.depth)
	}
	if q.filter != "" && adv.Capabilities.Supports(capability.Filter) {
		_ = req.Capabilities.Set(capability.Filter)
		req.Filter = q.filter
	}
	answer, err := session.UploadPack(ctx, req)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ignoreDone(ctx, answer.Close())) }()

	var stream io.Reader = answer
	switch {
	case req.Capabilities.Supports(capability.Sideband64k):
		stream = sideband.NewDemuxer(sideband.Sideband64k, answer)
	case req.Capabilities.Supports(capability.Sideband):
		stream = sideband.NewDemuxer(sideband.Sideband, answer)
	}
	limited := &limitedReader{r: stream, left: r.bounds.PackBytes, over: overBound("bytes in a pack", r.bounds.PackBytes)}
	if err := unpack(limited, into, r.bounds, q.keep); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, limited) // the framing's end, so that the connection can be used again
	return err
}

// ignoreDone drops the error of closing what a deadline closed already.
func ignoreDone(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// limitedReader fails with over instead of reading more than left bytes.
type limitedReader struct {
	r    io.Reader
	left int64
	over error
}

func (l *limitedReader) Read(p []byte) (int, error) {
	if l.left < 0 {
		return 0, l.over
	}
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, l.over
	}
	return n, err
}

// history reads everything that leads to the branch of ref, else to every
// branch and tag, for servers that don't hand out a commit by its hash.
func (r *Remote) history(ctx context.Context, session transport.UploadPackSession, adv *packp.AdvRefs, ref config.GitRef, push plumbing.Hash, into *objects) error {
	var wants []plumbing.Hash
	if ref.Branch != "" {
		wants = append(wants, adv.References[heads+ref.Branch])
	} else {
		for _, hash := range adv.References {
			wants = append(wants, hash)
		}
	}
	if !push.IsZero() {
		wants = append(wants, push)
	}
	if err := r.pack(ctx, session, adv, request{wants: wants}, into); err != nil {
		return err
	}
	if _, err := into.object(plumbing.NewHash(ref.Commit)); err != nil {
		return fmt.Errorf("%w: commit %q is in the history of no ref that was asked for", ErrNoRef, ref.Commit)
	}
	return nil
}

// snapshot returns the snapshot of a place that was fetched.
func (r *Remote) snapshot(store *objects, at place) (*Snapshot, error) {
	hash, err := peel(store, at.hash)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", at, err)
	}
	commit, err := readCommit(store, hash)
	if err != nil {
		return nil, err
	}
	return &Snapshot{hash: hash, tree: commit.TreeHash, ref: at.name, objects: store, bounds: r.bounds}, nil
}

// String names the place for people.
func (p place) String() string {
	if p.name == "" {
		return p.hash.String()
	}
	return p.name
}
