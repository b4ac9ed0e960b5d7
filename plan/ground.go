package plan

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/decide"
	"github.com/pinsetter/pinsetter/gate"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/store"
)

// Ground is what commits are built on, and what is known of the sites there.
type Ground struct {
	Start    *gitops.Snapshot
	ReadAt   time.Time // when it was, or before
	Revision string    // of Start, for people: "branch@sha1:hash"

	Repository, Base string                       // where the sites are, for the ledger
	Written          map[store.Site]store.Written // what the ledger knows of them

	// History is what trailers say was written; nil: there is none to ask.
	History func() map[store.Site]pinsetter.Image

	// Proposal returns the branch that proposes a site, where it is to be built
	// from the base again; nil: none. A nil func proposes nothing.
	Proposal func(pinsetter.Site) *Branch

	// Forgets reports whether the ledger's memory of a site counts for nothing, since
	// it isn't what was built on; nil: it counts.
	Forgets func(store.Site) bool

	// Reviewed says that what is proposed stays as it is while a gate refuses it
	// now: people decide about a pull request.
	Reviewed bool
}

// NewGround returns the ground of commits on start, a snapshot of the repository
// with that key, which was read no earlier than at readAt.
func NewGround(repository string, start *gitops.Snapshot, readAt time.Time) *Ground {
	g := &Ground{Start: start, ReadAt: readAt, Repository: repository}
	g.Base = strings.TrimPrefix(start.Ref(), "refs/heads/")
	g.Revision = fmt.Sprintf("%s@sha1:%s", g.Base, start.Hash())
	return g
}

// Key names a site for the ledger.
func (g *Ground) Key(site pinsetter.Site) store.Site {
	return store.SiteOf(g.Repository, g.Base, site)
}

// View returns a site with what is known of it without asking.
func (g *Ground) View(ctx context.Context, site pinsetter.Site) decide.View {
	v := decide.View{Site: site, Reviewed: g.Reviewed}
	if twin, found := g.twin(ctx, site); found {
		v.Proposal = &twin
	}
	if g.History == nil || !g.IsForgotten(site) { // else trailers are read, which costs a fetch
		shown := g.LastShown(site)
		v.Shown = &shown
	}
	return v
}

// twin returns the site of the proposal that is site in the base.
func (g *Ground) twin(ctx context.Context, site pinsetter.Site) (pinsetter.Site, bool) {
	if g.Proposal == nil {
		return pinsetter.Site{}, false
	}
	branch := g.Proposal(site)
	if branch == nil {
		return pinsetter.Site{}, false
	}
	return TwinIn(branch.sitesOf(ctx, site.Path), site)
}

// IsForgotten reports whether the ledger knows nothing of what was written at a
// site.
func (g *Ground) IsForgotten(site pinsetter.Site) bool {
	_, remembered := g.Written[g.Key(site)]
	return !remembered
}

// Outdated returns what the base shows at those sites of a plan of which the
// ledger knows something else, or has not heard for long.
func (g *Ground) Outdated(p *Plan, now time.Time) map[store.Site]pinsetter.Image {
	shows := map[store.Site]pinsetter.Image{}
	for _, file := range p.Marked {
		for _, site := range file.Sites {
			key := g.Key(site)
			written, remembered := g.Written[key]
			image, agreed := gate.Shows(site)
			if !agreed {
				image = pinsetter.Image{}
			}
			if image = gate.Standing(site, image); remembered && written.Outdated(image, now) {
				shows[key] = image
			}
		}
	}
	return shows
}

// LastShown returns the last reference of ours that the base showed at a site,
// or the zero Image: from the ledger, else from trailers. What was written and is
// there counts as shown, also where the ledger is only read and so can't be told.
func (g *Ground) LastShown(site pinsetter.Site) pinsetter.Image {
	written, remembered := g.Written[g.Key(site)]
	if !remembered && g.History != nil {
		if image := g.History()[g.Key(site)]; known(site, image) {
			return gate.Standing(site, image)
		}
		return pinsetter.Image{}
	}
	if shows, agreed := gate.Shows(site); agreed && gate.Standing(site, shows) == written.Image {
		return written.Image
	}
	return written.Shown
}

// LookUp completes the views of sites with what trailers say was shown.
func (g *Ground) LookUp(views []decide.View) {
	for i := range views {
		if views[i].Shown == nil {
			shown := g.LastShown(views[i].Site)
			views[i].Shown = &shown
		}
	}
}
