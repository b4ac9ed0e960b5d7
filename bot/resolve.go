package bot

import (
	"context"
	"fmt"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/resolve"
)

// Resolve says what an OCIRepository of the set leads to now, and why.
func (b *Bot) Resolve(ctx context.Context, src *fleet.OCISource) *resolve.Resolution {
	c := b.newCycle(Propose)
	return resolve.OCI(ctx, c.selector.Scanner, b.o.Roots, src, func() (*fleet.Trust, error) {
		return b.set.TrustOf(src.Enclosing, fmt.Sprintf("OCIRepository %s", src.Name), src.Name.Namespace)
	})
}
