package gate

import (
	"context"
	"fmt"

	"github.com/pinsetter/pinsetter"
)

func stepDown(written, tag string) string {
	return fmt.Sprintf("%s is written here and no longer listed, and %s would be a step down: "+
		"to take it, write %s by hand, or exclude %s (ImageRepository spec.exclusionList, or the policy's range or filter)",
		written, tag, tag, written)
}

// above returns the tags that a site shows and that rank above tag.
func above(site pinsetter.Site, tag string, order Order) []string {
	var higher []string
	for _, written := range site.Written {
		if written.Tag != "" && written.Tag != tag && order.Accepts(written.Tag) && order.Above(written.Tag, tag) {
			higher = append(higher, written.Tag)
		}
	}
	return higher
}

// downgrades reports whether sites may go down: one gate at least says so, and
// none says no.
func (g Gates) downgrades() bool {
	allowed := false
	for _, r := range g.rules {
		if says := r.spec.AllowDowngrade; says != nil {
			if !*says {
				return false
			}
			allowed = true
		}
	}
	return allowed
}

// down judges taking a tag at a site that shows a higher one.
//
// A registry that has lost a tag, or answers with half of its list, makes an
// older tag look best. So a site never goes down from a written tag that its
// policy still accepts; where the policy accepts it no more, going down is what
// was asked for, and a gate may allow it. Where the order doesn't tell what is
// newer, this is about written tags that were seen listed once.
func (w *Walk) down(ctx context.Context, site pinsetter.Site, tag string) *Refusal {
	if w.gates.downgrades() {
		return nil
	}
	for _, written := range above(site, tag, w.subject.Order) {
		seen, err := w.listedOnce(ctx, written)
		if err != nil {
			return &Refusal{Rule: pinsetter.RuleUnknown, Reason: fmt.Sprintf("%s is written here, and whether it was ever listed isn't known: %s: mend that, or write %s by hand",
				written, oneLine(err), tag)}
		}
		if seen {
			return &Refusal{Rule: pinsetter.RuleDowngrade, Reason: stepDown(written, tag) + ", or set allowDowngrade in a Gate"}
		}
	}
	return nil
}

// listedOnce reports whether a written tag is more than a word: that the order
// ranks it says so, or that the ledger saw it.
func (w *Walk) listedOnce(ctx context.Context, tag string) (bool, error) {
	if w.subject.Order.Ranked() {
		return true, nil
	}
	if w.subject.Facts == nil {
		return false, nil
	}
	sight, err := w.subject.Facts.Seen(ctx, tag)
	return !sight.Since.IsZero(), err
}
