package bot

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/gate"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/message"
	"github.com/pinsetter/pinsetter/setters"
	"github.com/pinsetter/pinsetter/store"
)

// ground is what a lane's commits are built on, and how they may be pushed:
//
//   - the push branch is the base, or isn't there yet: on the base;
//   - every commit that it has and the base hasn't was made by the lane's
//     automations: on the base again, so that the branch never falls behind;
//   - somebody else's commit is on it: on top of that, without force.
type ground struct {
	start    *gitops.Snapshot
	lease    string // what the push branch must be at when the push arrives; "": it must not exist
	revision string // of start, for people: "branch@sha1:hash"

	repository, branch string                       // where the sites are, for the ledger
	written            map[store.Site]store.Written // what the ledger knows of them

	// history is what trailers say was written; nil: there is none to ask.
	history func() map[store.Site]pinsetter.Image

	// shown is the proposal: the push branch's head where the branch is rebuilt
	// from the base, else nil.
	shown   *gitops.Snapshot
	commits []gitops.CommitInfo         // of the proposal, newest first
	sites   map[string][]pinsetter.Site // of shown, by path, as they are asked for
}

func newGround(l *lane, fetched *gitops.Fetched) *ground {
	g := &ground{start: fetched.Base, sites: map[string][]pinsetter.Site{}}
	push := fetched.Push[l.push]
	switch {
	case push == nil && fetched.Base.Ref() == "refs/heads/"+l.push:
		g.lease = fetched.Base.Hash()
	case push == nil: // the branch is made
	case l.isBase || push.Truncated || !l.owns(push.Commits):
		g.start, g.lease = push.Head, push.Head.Hash()
	default:
		g.shown, g.commits, g.lease = push.Head, push.Commits, push.Head.Hash()
	}
	g.branch = strings.TrimPrefix(g.start.Ref(), "refs/heads/")
	g.repository, _ = gitops.Key(l.git.URL) // lanes has it already
	g.revision = fmt.Sprintf("%s@sha1:%s", g.branch, g.start.Hash())
	return g
}

// key names a site for the ledger.
func (g *ground) key(site pinsetter.Site) store.Site {
	return store.SiteOf(g.repository, g.branch, site)
}

// owns reports whether the lane's automations made all commits.
func (l *lane) owns(commits []gitops.CommitInfo) bool {
	for _, commit := range commits {
		if !slices.ContainsFunc(l.automations, func(a *config.Automation) bool { return made(a, commit) }) {
			return false
		}
	}
	return true
}

// made reports whether a made commit: as author and as committer, so that an
// amended commit is not taken for it, and with its trailer where it writes one.
func made(a *config.Automation, commit gitops.CommitInfo) bool {
	me := author(a)
	if commit.Author != me || commit.Committer != me || len(commit.Parents) != 1 {
		return false
	}
	return !a.Trailers || message.ParseTrailers(commit.Message).Automation == a.Name
}

// proposed returns what the proposal shows at site, so that a site about which
// nothing can be decided now stays proposed. The image has no tag where there is
// no proposal, or it shows nothing else than the base.
func (g *ground) proposed(site pinsetter.Site) pinsetter.Image {
	twin, found := g.twin(site)
	if !found || len(twin.Written) != 1 || len(site.Written) == 1 && twin.Written[0] == site.Written[0] {
		return pinsetter.Image{}
	}
	return twin.Written[0]
}

// stays reports whether a site about which nothing new is decided stays as it is
// proposed: where nothing can be decided now, for the reason that undecided is,
// where nothing at all may be written, and where what is proposed may be. A
// candidate that a gate refuses is taken out of the proposal, so that it isn't
// written again; so is one that the base has gone past, or taken back.
func (g *ground) stays(ctx context.Context, site pinsetter.Site, sel *selection, proposed pinsetter.Image, undecided error) bool {
	shown := g.lastShown(site)
	if sel.rules != nil && sel.policy.Repository != nil {
		if sel.isBelow(site, proposed.Tag) || gate.Reverted(site, shown, proposed, sel) != "" {
			return false
		}
	}
	if undecided != nil || sel.walk.Closed() {
		return true
	}
	c := pinsetter.Candidate{Tag: proposed.Tag, Value: proposed.Tag}
	return sel.walk.Confirm(ctx, site, shown, proposed, c) == nil
}

// isBelow reports whether a site shows an accepted tag that ranks above tag.
func (s *selection) isBelow(site pinsetter.Site, tag string) bool {
	return slices.ContainsFunc(site.Written, func(written pinsetter.Image) bool {
		return written.Tag != tag && s.Accepts(written.Tag) && s.Above(written.Tag, tag)
	})
}

// keptDigest returns the digest that the proposal shows at site beside tag, or
// "".
func (g *ground) keptDigest(site pinsetter.Site, tag string) string {
	twin, found := g.twin(site)
	if !found {
		return ""
	}
	return gate.KeptDigest(twin, tag)
}

// twin returns the site of the proposal that is site in the base.
func (g *ground) twin(site pinsetter.Site) (pinsetter.Site, bool) {
	if g.shown == nil {
		return pinsetter.Site{}, false
	}
	sites, read := g.sites[site.Path]
	if !read {
		sites = sitesOf(g.shown, site.Path)
		g.sites[site.Path] = sites
	}
	return twinIn(sites, site)
}

// twinIn finds site in another version of its file: by object, or by position
// where the document holds none.
func twinIn(sites []pinsetter.Site, site pinsetter.Site) (pinsetter.Site, bool) {
	i := slices.IndexFunc(sites, func(s pinsetter.Site) bool {
		if s.Policy != site.Policy || s.Object != site.Object {
			return false
		}
		return site.Object != pinsetter.Object{} || s.Document == site.Document && s.Item == site.Item
	})
	if i < 0 {
		return pinsetter.Site{}, false
	}
	return sites[i], true
}

// sitesOf returns the sites of a file, none where it can't be read: what is
// wrong with a proposal's file is mended by rebuilding it.
func sitesOf(s *gitops.Snapshot, path string) []pinsetter.Site {
	data, found, err := s.Read(path)
	if err != nil || !found || !setters.HasToken(data) {
		return nil
	}
	return setters.Find(path, data).Sites
}

// wants reports whether the push branch is to be moved to head: where there is a
// proposal, only if it shows other values than head does, or if a file that the
// plans write has changed on the base.
func (g *ground) wants(ctx context.Context, head *gitops.Snapshot, plans []*plan) (bool, error) {
	if g.shown == nil {
		return head.Hash() != g.start.Hash(), nil
	}
	written := map[string]bool{}
	for _, p := range plans {
		for path := range p.files {
			written[path] = true
			same, err := sameFile(g.shown, head, path)
			if err != nil || !same {
				return true, err
			}
		}
	}
	paths, err := g.proposedPaths(ctx, plans)
	if err != nil {
		return false, err
	}
	for _, path := range paths {
		if !written[path] && !sameValues(sitesOf(g.shown, path), sitesOf(head, path)) {
			return true, nil
		}
	}
	return false, nil
}

// proposedPaths returns the files that the proposal's commits wrote: as their
// trailers say, else every marked file of the proposal.
func (g *ground) proposedPaths(ctx context.Context, plans []*plan) ([]string, error) {
	var paths []string
	complete := true
	for _, commit := range g.commits {
		trailers := message.ParseTrailers(commit.Message)
		complete = complete && trailers.Complete
		for _, change := range trailers.Changes {
			paths = append(paths, change.Path)
		}
	}
	if complete {
		return paths, nil
	}
	for _, p := range plans {
		for file, err := range g.shown.Files(ctx, updatePath(p.automation), setters.IsCandidate) {
			if err != nil {
				return nil, err
			}
			if setters.HasToken(file.Data) {
				paths = append(paths, file.Path)
			}
		}
	}
	return paths, nil
}

func sameFile(a, b *gitops.Snapshot, path string) (bool, error) {
	x, foundX, errX := a.Read(path)
	y, foundY, errY := b.Read(path)
	if errX != nil || errY != nil {
		return false, fmt.Errorf("compare %s: %w", path, cmp.Or(errX, errY))
	}
	return foundX == foundY && string(x) == string(y), nil
}

// sameValues reports whether the sites of two versions of a file show the same
// values, as far as both have them.
func sameValues(a, b []pinsetter.Site) bool {
	for _, site := range a {
		twin, found := twinIn(b, site)
		if found && !slices.Equal(site.Written, twin.Written) {
			return false
		}
	}
	return true
}

// request is the push that moves the lane's branch to head, without refspec.
func (g *ground) request(l *lane, head *gitops.Snapshot) gitops.Push {
	return gitops.Push{
		Snapshot: head,
		Branch:   l.push,
		Lease:    g.lease,
		Rebuilt:  g.shown != nil,
		Options:  l.options(),
	}
}
