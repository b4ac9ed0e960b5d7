package bot

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/resolve"
	"github.com/pinsetter/pinsetter/selector"
	"github.com/pinsetter/pinsetter/verify"
)

// Scanned is the list of tags of one ImageRepository.
type Scanned struct {
	Namespace string    `json:"namespace"`
	Name      string    `json:"name"`
	Image     string    `json:"image"`
	Suspended bool      `json:"suspended,omitempty"`
	Tags      []string  `json:"tags"` // without those of the exclusion list and reserved names, sorted descending by bytes
	ScannedAt time.Time `json:"scannedAt,omitzero"`
	Error     string    `json:"error,omitempty"`

	Err error `json:"-"`
}

// Scan lists the tags of repositories and returns a result for each, in their
// order. Suspended ones are not asked for.
func (b *Bot) Scan(ctx context.Context, repositories []*fleet.Repository) []*Scanned {
	c := b.newCycle(Propose)
	return selector.Each(repositories, func(repo *fleet.Repository) *Scanned { return c.scanned(ctx, repo) })
}

// scanned returns what a registry lists for one ImageRepository.
func (c *cycle) scanned(ctx context.Context, repo *fleet.Repository) *Scanned {
	r := &Scanned{
		Namespace: repo.Name.Namespace, Name: repo.Name.Name, Image: repo.Image,
		Suspended: repo.Suspended, Tags: []string{},
	}
	err := repo.Err
	if err == nil && !repo.Suspended {
		listing, scanErr := c.selector.Scan(ctx, repo, time.Time{})
		if err = scanErr; err == nil {
			r.Tags, r.ScannedAt = listing.Tags, listing.ScannedAt
		} else {
			err = fmt.Errorf("%s %s: %w", repo.Kind(), repo.Name, err)
		}
	}
	if err != nil {
		r.Err, r.Error = err, pinsetter.OneLine(err)
	}
	return r
}

// Selected is the best candidate of one ImagePolicy now. Tag is empty if there is
// none; then there is an error or a hold, or the policy is suspended.
type Selected struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Image     string `json:"image,omitempty"`
	Suspended bool   `json:"suspended,omitempty"`
	Tag       string `json:"tag,omitempty"`
	Digest    string `json:"digest,omitempty"` // where the policy reflects digests
	Ref       string `json:"ref,omitempty"`    // what a marker without suffix would show
	Held      string `json:"held,omitempty"`   // why something better isn't written; see settle
	Error     string `json:"error,omitempty"`

	Err error `json:"-"`
}

// Select returns the selections of policies, in their order. If no candidate of a
// policy passes its gates, the branches of automations are fetched to see whether the
// best one is written already. A branch that can't be fetched counts as without it.
func (b *Bot) Select(ctx context.Context, policies []*fleet.Policy, automations []*fleet.Automation) []*Selected {
	c := b.newCycle(Propose)
	defer c.selector.Tell(ctx)
	var closed []*fleet.Policy
	results := selector.Each(policies, func(p *fleet.Policy) *Selected { return c.selected(ctx, p) })
	for i, r := range results {
		if r.Held != "" {
			closed = append(closed, policies[i])
		}
	}
	if len(closed) == 0 || len(automations) == 0 {
		return results
	}
	sites, err := c.destinations(ctx, closed, automations)
	if err != nil {
		c.o.Log.Warn("not everything could be read to see what is written", "error", err)
	}
	for i, p := range policies {
		if found := sites[p.Name]; results[i].Held != "" && len(found) > 0 {
			results[i].settle(c.selector.Selection(ctx, p), whyHeldAt(found))
		}
	}
	return results
}

// selected returns the best candidate of one policy, without looking at what is
// written.
func (c *cycle) selected(ctx context.Context, p *fleet.Policy) *Selected {
	r := &Selected{Namespace: p.Name.Namespace, Name: p.Name.Name, Suspended: isSuspended(p)}
	if p.Repository != nil {
		r.Image = p.Repository.Image
	}
	if r.Suspended && p.Err == nil {
		return r
	}
	sel := c.selector.Selection(ctx, p)
	image, held, err := sel.Image(ctx)
	if err != nil {
		r.Err, r.Error = err, pinsetter.OneLine(err)
		return r
	}
	if r.Held = held; held == "" {
		r.Tag, r.Digest, r.Ref = image.Tag, image.Digest, image.String()
	}
	return r
}

// settle says of a policy that it is held if something better isn't written at one of
// its sites, and why, and else that it isn't: what stands at all of them needs to
// pass no gate, and is the best. A policy without sites is left as its gates are.
func (s *Selected) settle(sel *selector.Selection, why string) {
	s.Held = why
	if best, ok := sel.Ranking.Best(); ok && why == "" && s.Tag == "" {
		s.Tag = best.Tag
		s.Ref = pinsetter.Image{Name: s.Image, Tag: best.Tag}.String()
	}
}

// whyHeldAt says why something better isn't written at sites, "" if it is.
func whyHeldAt(sites []pinsetter.Destination) string {
	for _, site := range sites {
		if site.Held != "" {
			return site.Held
		}
	}
	return ""
}

func isSuspended(p *fleet.Policy) bool {
	return p.Suspended || p.Repository != nil && p.Repository.Suspended
}

// Explanation is a policy's selection with the verdict on each tag and the sites that
// it goes to.
type Explanation struct {
	pinsetter.Explanation

	// Unread says that some sites may be missing, since a repository or a file could
	// not be read; Idle are the kinds and names of the automations that would write it
	// and are suspended.
	Unread bool     `json:"-"`
	Idle   []string `json:"-"`

	Err error `json:"-"` // joined; what could be explained is there all the same
}

// Explain explains one policy. The branches of automations are fetched to find
// the policy's sites; without automations there are none.
func (b *Bot) Explain(ctx context.Context, p *fleet.Policy, automations []*fleet.Automation) *Explanation {
	c := b.newCycle(Propose)
	defer c.selector.Tell(ctx)
	e := &Explanation{Explanation: pinsetter.Explanation{
		Namespace: p.Name.Namespace, Name: p.Name.Name, Suspended: isSuspended(p),
		Tags: []pinsetter.Verdict{}, Sites: []pinsetter.Destination{},
	}}
	if p.Repository != nil {
		e.Image = p.Repository.Image
	}
	sel := c.selector.Selection(ctx, p)
	if !errors.Is(sel.Err, selector.ErrSuspended) {
		e.Err = sel.Err
	}
	if sel.Listing != nil {
		var failed error
		e.Tags, failed = sel.Explain(ctx)
		e.Err = errors.Join(e.Err, failed)
	}
	for _, v := range e.Tags {
		if v.Verdict == pinsetter.Selected {
			e.Selected = v.Tag
		}
	}
	c.rechecks = true
	sites, err := c.destinations(ctx, []*fleet.Policy{p}, automations)
	e.Sites = append(e.Sites, sites[p.Name]...)
	e.Unread, e.Err = err != nil, errors.Join(e.Err, err)
	for _, a := range automations {
		if a.Suspended && a.Selects(p) {
			e.Idle = append(e.Idle, a.Kind()+" "+a.Name.String())
		}
	}
	return e
}

// Resolve says what an OCIRepository of the set leads to now, and why.
func (b *Bot) Resolve(ctx context.Context, src *fleet.OCISource) *resolve.Resolution {
	return b.newCycle(Propose).resolution(ctx, src)
}

// Verify asks who signed an image; see verify.Examiner.
func (b *Bot) Verify(ctx context.Context, image pinsetter.Image, rules []*fleet.Trust, sites []pinsetter.Site) (*verify.Report, error) {
	x := verify.Examiner{Set: b.set, Roots: b.o.Roots, Scanner: b.newCycle(Propose).selector.Scanner}
	return x.Examine(ctx, image, rules, sites)
}

// resolution says what an OCIRepository leads to in this cycle.
func (c *cycle) resolution(ctx context.Context, src *fleet.OCISource) *resolve.Resolution {
	return resolve.OCI(ctx, c.selector.Scanner, c.o.Roots, src, func() (*fleet.Trust, error) {
		return c.set.TrustOf(src.Enclosing, fmt.Sprintf("OCIRepository %s", src.Name), src.Name.Namespace)
	})
}
