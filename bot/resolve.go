package bot

import (
	"context"
	"fmt"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/resolve"
	"github.com/pinsetter/pinsetter/verify"
)

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
