package bot

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/plan"
	"github.com/pinsetter/pinsetter/selector"
)

// destinations returns the sites of policies that automations write, and what they
// take, by the name of the policy. Those of each are sorted by automation, path and
// line. Each repository is fetched once for all policies, but for automations that
// propose.
func (c *cycle) destinations(ctx context.Context, policies []*fleet.Policy, automations []*fleet.Automation) (map[pinsetter.Name][]pinsetter.Destination, error) {
	automations = keep(automations, func(a *fleet.Automation) bool { return slices.ContainsFunc(policies, a.Selects) })
	repositories, unusable := c.lanes(automations)
	var errs []error
	for _, r := range unusable {
		errs = append(errs, r.Err)
	}
	sites := map[pinsetter.Name][]pinsetter.Destination{}
	for _, lanes := range repositories {
		for _, l := range lanes {
			errs = append(errs, c.destinationsIn(ctx, policies, l, sites))
		}
	}
	for _, found := range sites {
		slices.SortFunc(found, func(a, b pinsetter.Destination) int {
			return cmp.Or(cmp.Compare(a.Automation, b.Automation), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line))
		})
	}
	return sites, errors.Join(errs...)
}

// destinationsIn adds the sites in a lane's target. If its automation proposes, what
// people refused is known once the forge was asked, for one policy at a time.
func (c *cycle) destinationsIn(ctx context.Context, policies []*fleet.Policy, l *lane, sites map[pinsetter.Name][]pinsetter.Destination) error {
	if l.proposes != nil {
		var errs []error
		for _, p := range keep(policies, l.automations[0].Selects) {
			errs = append(errs, c.destinationsProposed(ctx, p, l, sites))
		}
		return errors.Join(errs...)
	}
	t := c.target(l)
	defer t.close()
	if err := readIn(ctx, t); err != nil {
		return l.failed(err)[0].Err
	}
	var errs []error
	for _, a := range l.automations {
		found := t.find(ctx, a)
		for _, p := range keep(policies, a.Selects) {
			planned := found.For(p)
			c.decide(ctx, planned)
			sites[p.Name] = append(sites[p.Name], destinations(planned, nil)...)
		}
		// What is wrong with the policy is said already: what is left is about files.
		errs = append(errs, found.FileErr)
	}
	return errors.Join(errs...)
}

// readIn fetches and reads a target.
func readIn(ctx context.Context, t target) error {
	if err := t.fetch(ctx); err != nil {
		return err
	}
	return t.read(ctx)
}

// destinationsProposed is destinationsIn for one policy in a lane whose automation
// proposes.
func (c *cycle) destinationsProposed(ctx context.Context, p *fleet.Policy, l *lane, sites map[pinsetter.Name][]pinsetter.Destination) error {
	t := &proposals{reading: reading{cycle: c, lane: l}, only: p}
	defer t.close()
	err := readIn(ctx, t)
	if err == nil {
		whole := t.find(ctx, l.automations[0])
		c.decide(ctx, whole)
		err = t.apply(ctx, whole)
	}
	if err != nil {
		return l.failed(err)[0].Err
	}
	err = t.Whole.FileErr
	for _, g := range t.Groups {
		g.Only = p
		owns := func(site pinsetter.Site) bool { return t.Owns(g, site) }
		sites[p.Name] = append(sites[p.Name], destinations(g.Plan, owns)...)
		if g.Failed {
			err = errors.Join(err, g.Result.Err)
		}
	}
	return err
}

// destinations returns what the sites of a plan's one policy take, of those that the
// plan owns; nil: all.
func destinations(p *plan.Plan, owns func(pinsetter.Site) bool) []pinsetter.Destination {
	var sites []pinsetter.Destination
	for _, file := range p.Marked {
		for i, site := range file.Sites {
			if site.Policy != p.Only.Name || owns != nil && !owns(site) {
				continue
			}
			current := site.Current()
			d := pinsetter.Destination{
				Automation: p.Automation.Name.String(), Group: p.Result.Group,
				Path: site.Path, Line: site.Line(), Current: current, Next: current,
			}
			sel := p.Policies[site.Policy]
			if image, ok := file.Takes[i]; ok {
				d.Next = pinsetter.Site{Written: []pinsetter.Image{image}}.Current()
				d.Line = site.LineOf(image)
			} else if sel != nil && sel.Err != nil && !errors.Is(sel.Err, selector.ErrSuspended) {
				d.Next = ""
			}
			for _, u := range p.Result.Unverified {
				if u.Policy == site.Policy.String() && u.Path == site.Path && u.Line == site.Line() {
					d.Unverified = u.Rule + ": " + u.Reason
				}
			}
			if hold := p.Hold(site); hold != nil {
				d.Held = hold.Reason
				if hold.Rule == pinsetter.RuleShape {
					d.Current, d.Next = hold.Current, hold.Current // what it shows is no version
				}
			}
			sites = append(sites, d)
		}
	}
	return sites
}
