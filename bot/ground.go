package bot

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/decide"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/message"
	"github.com/pinsetter/pinsetter/store"
)

// ground is what commits are built on, and what is known of the sites there.
type ground struct {
	start    *gitops.Snapshot
	readAt   time.Time // when it was, or before
	revision string    // of start, for people: "branch@sha1:hash"

	repository, branch string                       // where the sites are, for the ledger
	written            map[store.Site]store.Written // what the ledger knows of them

	// history is what trailers say was written; nil: there is none to ask.
	history func() map[store.Site]pinsetter.Image

	// shown returns the branch that proposes a site, where it is to be built
	// from the base again; nil: none. A nil func proposes nothing.
	shown func(pinsetter.Site) *shown

	// groups says that what is proposed stays as it is while a gate refuses it
	// now: people decide about a pull request.
	groups bool
}

// newGround returns the ground of a lane's commits on start.
func newGround(l *lane, start *gitops.Snapshot) *ground {
	g := &ground{start: start, readAt: l.readAt}
	g.branch = strings.TrimPrefix(start.Ref(), "refs/heads/")
	g.repository, _ = gitops.Key(l.git.URL) // lanes has it already
	g.revision = fmt.Sprintf("%s@sha1:%s", g.branch, start.Hash())
	return g
}

// key names a site for the ledger.
func (g *ground) key(site pinsetter.Site) store.Site {
	return store.SiteOf(g.repository, g.branch, site)
}

// target is how a lane's commits are pushed:
//
//   - the push branch is the base, or isn't there yet: on the base;
//   - every commit that it has and the base hasn't was made by the lane's
//     automations: on the base again, so that the branch never falls behind;
//   - somebody else's commit is on it, or may be, or one of another automation,
//     whose lane makes its own: on top of that, without force.
type target struct {
	lease string // what the push branch must be at when the push arrives; "": it must not exist
	shown *shown // the push branch where it is rebuilt from the base, else nil
}

// aim decides how a lane pushes, and what its commits are built on.
func (c *cycle) aim(ctx context.Context, l *lane, fetched *gitops.Fetched) (*ground, *target) {
	start, to := fetched.Base, &target{}
	push := fetched.Push[l.push]
	found, built := &owned{}, push != nil && (l.isBase || l.mayBeOthers(push.Commits))
	if push != nil && !built {
		found = c.own(ctx, l, fetched, func(string) string { return "" })[l.push]
	}
	switch {
	case push == nil && fetched.Base.Ref() == "refs/heads/"+l.push:
		to.lease = fetched.Base.Hash()
	case push == nil: // the branch is made
	case built, found.err != nil:
		start, to.lease = push.Head, push.Head.Hash()
	default:
		to.shown, to.lease = newShown(push, found), push.Head.Hash()
	}
	g := newGround(l, start)
	g.shown = func(pinsetter.Site) *shown { return to.shown }
	return g, to
}

// request is the push that moves the lane's branch to head, without refspec and
// options.
func (t *target) request(l *lane, head *gitops.Snapshot) gitops.Push {
	return gitops.Push{Snapshot: head, Branch: l.push, Lease: t.lease, Rebuilt: t.shown != nil}
}

// made reports whether a commit says that a made it: as author and as committer,
// and with its trailer where a writes one. Anybody can write that.
func made(a *fleet.Automation, commit gitops.CommitInfo) bool {
	me := author(a)
	mine := commit.Author == me && commit.Committer == me
	if a.PullRequest != nil && a.PullRequest.Forge.Provider == fleet.ForgeGitHub {
		mine = mine || madeByForge(commit) // also where it was to verify commits, and isn't any more
	}
	if !mine || len(commit.Parents) != 1 {
		return false
	}
	return !a.Trailers || message.ParseTrailers(commit.Message).Automation == a.Name
}

// view returns a site with what is known of it without asking.
func (g *ground) view(ctx context.Context, site pinsetter.Site) decide.View {
	v := decide.View{Site: site, Reviewed: g.groups}
	if twin, found := g.twin(ctx, site); found {
		v.Proposal = &twin
	}
	if g.history == nil || !g.isForgotten(site) { // else trailers are read, which costs a fetch
		shown := g.lastShown(site)
		v.Shown = &shown
	}
	return v
}

// twin returns the site of the proposal that is site in the base.
func (g *ground) twin(ctx context.Context, site pinsetter.Site) (pinsetter.Site, bool) {
	if g.shown == nil {
		return pinsetter.Site{}, false
	}
	shown := g.shown(site)
	if shown == nil {
		return pinsetter.Site{}, false
	}
	return twinIn(shown.sitesOf(ctx, site.Path), site)
}
