package bot

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/decide"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/lint"
	"github.com/pinsetter/pinsetter/plan"
	"github.com/pinsetter/pinsetter/selector"
	"github.com/pinsetter/pinsetter/store"
)

// decide is step 3: every site takes an image, or stays, or is held.
func (c *cycle) decide(ctx context.Context, p *plan.Plan) {
	policies := c.policies(p)
	c.selector.All(ctx, policies)
	c.selector.Again(ctx, c.outrun(ctx, p, policies), p.Ground.ReadAt)
	p.Policies = map[pinsetter.Name]*decide.Policy{}
	for _, policy := range policies {
		sel := c.selector.Selection(ctx, policy)
		p.Policies[policy.Name] = &sel.Policy
		switch {
		case errors.Is(sel.Err, selector.ErrSuspended):
			p.Result.Findings = append(p.Result.Findings, lint.Suspended(policy))
		case sel.Err != nil:
			p.Result.Fail(sel.Err)
		}
	}
	c.recall(ctx, p)
	c.sight(ctx, p)
	said := map[*selector.Selection]bool{}
	places := c.places(ctx, p)
	if c.rechecks {
		c.recheck(ctx, p, places)
	}
	for _, at := range places {
		d, sel := at.decision, at.selection
		if d.Moved != "" {
			c.o.Log.Warn(d.Moved, "imagePolicy", sel.Object.Name, "path", at.view.Site.Path, "line", at.view.Site.Line())
		}
		if d.Err != nil && !said[sel] {
			said[sel] = true
			p.Result.Fail(d.Err)
		}
		at.file.Take(at.index, d)
		switch {
		case d.Hold == nil:
		case d.Hold.Soon:
			p.Result.Soon = append(p.Result.Soon, *d.Hold)
			c.selector.LookAgain(p.Automation.Name)
		default:
			p.Result.Held = append(p.Result.Held, *d.Hold)
		}
	}
}

// place is a site of a plan, and what is decided for it.
type place struct {
	file      plan.File
	index     int                 // of the site in the file
	selection *selector.Selection // of its policy; nil where the plan doesn't decide for that
	view      decide.View
	decision  decide.Decision
}

// places decides the sites of a plan, in their order: those of a policy together,
// policies in parallel.
func (c *cycle) places(ctx context.Context, p *plan.Plan) []*place {
	var places []*place
	of := map[*selector.Selection][]*place{}
	for _, file := range p.Marked {
		for i, site := range file.Sites {
			at := &place{file: file, index: i, selection: c.selector.Of(p.Policies[site.Policy])}
			places = append(places, at)
			switch {
			case at.selection != nil:
				at.view = p.Ground.View(ctx, site)
				of[at.selection] = append(of[at.selection], at)
			case c.set.Missing.MayHide():
				at.decision = decide.Hidden(p.Ground.View(ctx, site))
			}
		}
	}
	selector.Each(slices.Collect(maps.Keys(of)), func(sel *selector.Selection) any {
		views := make([]decide.View, len(of[sel]))
		for i, at := range of[sel] {
			views[i] = at.view
		}
		for i, d := range sel.Inquire().Decide(ctx, views, p.Ground.LookUp) {
			of[sel][i].decision = d
		}
		return nil
	})
	return places
}

// outrun returns the policies with a site whose tag is missing from a list that is older
// than the branch. Somebody may have pushed an image since and then committed its tag:
// an older list must not overrule that.
func (c *cycle) outrun(ctx context.Context, p *plan.Plan, policies []*fleet.Policy) []*fleet.Policy {
	older := map[pinsetter.Name]*selector.Selection{}
	for _, policy := range policies {
		if sel := c.selector.Selection(ctx, policy); sel.Err == nil && sel.Listing.ScannedAt.Before(p.Ground.ReadAt) {
			older[policy.Name] = sel
		}
	}
	lacking := map[pinsetter.Name]bool{}
	for _, file := range p.Marked {
		for _, site := range file.Sites {
			if sel := older[site.Policy]; sel != nil && sel.Lacks(site) {
				lacking[site.Policy] = true
			}
		}
	}
	return keep(policies, func(policy *fleet.Policy) bool { return lacking[policy.Name] })
}

// policies returns the policies that p's markers name and its automation
// selects, sorted by name; the markers that lead to none become findings.
func (c *cycle) policies(p *plan.Plan) []*fleet.Policy {
	var policies []*fleet.Policy
	seen := map[*fleet.Policy]bool{}
	for _, file := range p.Marked {
		for _, site := range file.Sites {
			policy, finding := c.resolve(p.Automation, site)
			if finding != nil {
				p.Result.Findings = append(p.Result.Findings, *finding)
			}
			if p.Only != nil && policy != p.Only {
				continue
			}
			if policy != nil {
				p.Result.Findings = append(p.Result.Findings, lint.Replaced(site, policy)...)
			}
			if policy != nil && !seen[policy] {
				seen[policy] = true
				policies = append(policies, policy)
			}
		}
	}
	slices.SortFunc(policies, func(a, b *fleet.Policy) int { return a.Name.Compare(b.Name) })
	return policies
}

// recall asks the ledger what was written at the sites of a plan, and tells it what the
// base shows there now. If the ledger fails, it warns, and the plan goes on as if
// nothing was written before.
func (c *cycle) recall(ctx context.Context, p *plan.Plan) {
	if c.selector.Failing.Now() {
		return
	}
	g := p.Ground
	written, err := c.o.Ledger.Sites().Written(ctx, g.Repository, g.Base)
	if err == nil {
		if g.Forgets != nil {
			maps.DeleteFunc(written, func(site store.Site, _ store.Written) bool { return g.Forgets(site) })
		}
		g.Written = written
		err = c.o.Ledger.Sites().Show(ctx, c.now, g.Outdated(p, c.now))
	}
	if err != nil {
		c.selector.Failing.Failed(err)
	}
}

// sight tells the ledger of the candidates that rank above what the plan's sites
// show.
func (c *cycle) sight(ctx context.Context, p *plan.Plan) {
	if !c.o.Ledger.Remembers() || c.selector.Failing.Now() {
		return
	}
	var seen []store.Tag
	once := map[store.Tag]bool{}
	for _, file := range p.Marked {
		for _, site := range file.Sites {
			sel := c.selector.Of(p.Policies[site.Policy])
			if sel == nil || sel.Err != nil {
				continue
			}
			for _, tag := range sel.TagsAbove(site) {
				if !once[tag] {
					once[tag] = true
					seen = append(seen, tag)
				}
			}
		}
	}
	c.selector.See(ctx, seen)
}
