package gitops

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/git"
	"github.com/pinsetter/pinsetter/git/wire"
)

// conversation is a session that reads, with the refs that the server
// advertised when it began.
type conversation struct {
	remote  *Remote
	session transport.UploadPackSession // nil: it begins when objects are asked for
	adv     *packp.AdvRefs              // at least the refs that were asked for
	dialect wire.Dialect
	asked   bool

	mu sync.Mutex // of those who ask after the fetch, one after the other
}

// converse starts a session and reads the server's refs: if the server can
// choose, only those that begin with one of the prefixes, else all of them.
func (r *Remote) converse(ctx context.Context, prefixes ...string) (*conversation, error) {
	c := &conversation{remote: r, dialect: wire.Dialect{Prefixes: prefixes}}
	err := c.begin(ctx)
	if errors.Is(err, transport.ErrEmptyRemoteRepository) && c.chose() {
		err = c.all(ctx)
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// chose reports whether the server was asked for some refs only.
func (c *conversation) chose() bool { return c.dialect.V2() && len(c.dialect.Prefixes) > 0 }

// all starts again, with all refs of the server.
func (c *conversation) all(ctx context.Context) error {
	c.close()
	c.dialect.Prefixes = nil
	return c.begin(ctx)
}

func (c *conversation) begin(ctx context.Context) error {
	session, err := c.remote.uploadPack(ctx)
	if err != nil {
		return err
	}
	adv, err := session.AdvertisedReferencesContext(c.dialect.Context(ctx))
	if err != nil {
		_ = session.Close()
		return unsupported(err)
	}
	for _, acks := range negotiation {
		if c.dialect.Offers(string(acks)) {
			_ = adv.Capabilities.Set(acks) // fails for values only
		}
	}
	c.session, c.adv, c.asked = session, adv, false
	return nil
}

// negotiation are the capabilities by which a server of v0 says more about the
// commits that both sides have. Azure DevOps serves nobody without one of them.
// go-git's own sessions leave them out, since it sends commits in rounds. Here
// all are sent at once, with "done" behind them, and each ACK and NAK that
// answers them is passed over.
var negotiation = []capability.Capability{capability.MultiACK, capability.MultiACKDetailed}

func (c *conversation) close() {
	if c.session != nil {
		_ = c.session.Close()
	}
	c.asked = true // the next request needs another session
}

// unsupported explains the error for a repository whose objects have other
// hashes than go-git reads: it takes the first line of refs for garbage and
// quotes it.
func unsupported(err error) error {
	if strings.Contains(err.Error(), "object-format=sha256") {
		return errors.New("the repository's object format is sha256: only sha1 is supported")
	}
	return err
}

// request asks a server for objects. A zero depth asks for all history.
type request struct {
	wants, haves []plumbing.Hash
	kept         []plumbing.Hash // commits that are there without their history
	depth        int
	filter       packp.Filter
	choice       git.Choice
}

// pack asks for objects and unpacks them into a store.
func (c *conversation) pack(ctx context.Context, q request, into *git.Store) (err error) {
	if _, once := c.session.(*streamSession); c.session == nil || once && c.asked { // http answers any number
		c.close()
		if err := c.begin(ctx); err != nil {
			return err
		}
	}
	c.asked = true
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	answer, begun, err := c.begun(ctx, q)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ignoreDone(ctx, answer.Close())) }()
	flow := watch(begun, rateCounts, cancel)
	defer flow.stop()
	limited := git.LimitReader(flow, c.remote.bounds.PackBytes, "bytes in a pack")
	if err := into.Unpack(ctx, limited, q.choice); err != nil {
		return trickled(ctx, err)
	}
	_, err = io.Copy(io.Discard, limited) // the framing's end, so that the connection can be used again
	return trickled(ctx, err)
}

// begun sends a request and waits until the pack begins. It returns the answer,
// to close, and a reader of the pack.
func (c *conversation) begun(ctx context.Context, q request) (answer io.Closer, pack io.Reader, err error) {
	await(ctx, func() {
		var sidebands io.Reader
		if answer, sidebands, err = c.ask(ctx, q); err != nil {
			return
		}
		first := make([]byte, 1)
		n, failed := io.ReadFull(sidebands, first)
		if failed != nil {
			sidebands = broken{failed} // whoever reads on finds out
		}
		pack = io.MultiReader(bytes.NewReader(first[:n]), sidebands)
	})
	return answer, pack, err
}

// ask sends a request. It returns the answer, to close, and a reader of the
// pack.
func (c *conversation) ask(ctx context.Context, q request) (io.Closer, io.Reader, error) {
	caps := c.adv.Capabilities
	req := packp.NewUploadPackRequestFromCapabilities(caps)
	req.Wants, req.Haves, req.Shallows = q.wants, slices.Concat(q.haves, q.kept), slices.Clone(q.kept)
	if len(q.kept) > 0 {
		_ = req.Capabilities.Set(capability.ThinPack) // without it, the server takes nothing but commits for present
	}
	if caps.Supports(capability.NoProgress) {
		_ = req.Capabilities.Set(capability.NoProgress) // fails for values only
	}
	if q.depth > 0 && caps.Supports(capability.Shallow) {
		_ = req.Capabilities.Set(capability.Shallow)
		req.Depth = packp.DepthCommits(q.depth)
	}
	if q.filter != "" && caps.Supports(capability.Filter) {
		_ = req.Capabilities.Set(capability.Filter)
		req.Filter = q.filter
	}
	answer, err := c.session.UploadPack(c.dialect.Context(ctx), req)
	switch {
	case err != nil:
		return nil, nil, err
	case req.Capabilities.Supports(capability.Sideband64k):
		return answer, sideband.NewDemuxer(sideband.Sideband64k, answer), nil
	case req.Capabilities.Supports(capability.Sideband):
		return answer, sideband.NewDemuxer(sideband.Sideband, answer), nil
	}
	return answer, answer, nil
}

// ignoreDone drops the error of closing an answer that a deadline closed
// already.
func ignoreDone(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// history reads everything that leads to the branch of ref, else to every
// branch and tag, and to push, for servers that don't hand out a commit by its
// hash.
func (c *conversation) history(ctx context.Context, ref fleet.GitRef, push []plumbing.Hash, into *git.Store) error {
	wants := slices.Clone(push)
	if ref.Branch != "" {
		wants = append(wants, c.adv.References[heads+ref.Branch])
	} else {
		for _, hash := range c.adv.References {
			wants = append(wants, hash)
		}
	}
	if err := c.pack(ctx, request{wants: unique(wants)}, into); err != nil {
		return err
	}
	if _, err := into.Object(git.Hash(plumbing.NewHash(ref.Commit))); err != nil {
		return fmt.Errorf("%w: commit %q is in the history of no ref that was asked for", ErrNoRef, ref.Commit)
	}
	return nil
}
