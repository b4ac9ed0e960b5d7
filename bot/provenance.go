package bot

import (
	"context"
	"log/slog"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/decide"
	"github.com/pinsetter/pinsetter/plan"
	"github.com/pinsetter/pinsetter/selector"
)

// Bounds on asking where the images of one commit come from: each costs up to four
// requests, and the commit waits for the answers.
const (
	maxTraced    = 50
	tracedWithin = 30 * time.Second
)

// applyPlan is step 4 for one plan, with where the images come from if they are written.
func (c *cycle) applyPlan(ctx context.Context, l *lane, p *plan.Plan) {
	p.Apply()
	if c.mode == Push {
		l.seat.Away(func() { c.trace(ctx, p) })
	}
}

// trace finds out where the images come from that a plan is about to write. A source
// that can't be read is left out and holds nothing back.
func (c *cycle) trace(ctx context.Context, p *plan.Plan) {
	policies := map[pinsetter.Image]*decide.Policy{}
	var images []pinsetter.Image
	for _, w := range p.Written {
		if policies[w.Image] == nil && len(images) < maxTraced {
			policies[w.Image], images = p.Policies[w.Policy], append(images, w.Image)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, tracedWithin)
	defer cancel()
	found := selector.Each(images, func(image pinsetter.Image) pinsetter.Provenance {
		return c.selector.Provenance(ctx, policies[image], image)
	})
	origins := map[pinsetter.Image]pinsetter.Provenance{}
	for i, image := range images {
		origins[image] = found[i]
	}
	p.Trace(origins)
}

// sayUntraced says of pushed images that it could not be read where they come from.
func sayUntraced(log *slog.Logger, results []*Result) {
	for _, r := range results {
		if r.Pushed == nil {
			continue
		}
		for _, image := range r.Images {
			if image.Unread != "" {
				log.Warn("it could not be read where a written image comes from; it was written all the same",
					"automation", r.Automation(), "image", image.Ref, "error", image.Unread)
			}
		}
	}
}
