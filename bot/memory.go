package bot

import (
	"context"
	"maps"

	"github.com/pinsetter/pinsetter/plan"
	"github.com/pinsetter/pinsetter/store"
)

// recall asks the ledger what was written at the sites of a plan, and tells it
// what the base shows there now where it doesn't know. A ledger that fails is said, and the plan goes
// on as one that nobody remembers anything of.
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
