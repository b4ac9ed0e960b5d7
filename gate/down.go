package gate

import (
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
func (w *Walk) down(site pinsetter.Site, tag string, known Known) (*Refusal, *Question) {
	if w.gates.downgrades() {
		return nil, nil
	}
	for _, written := range above(site, tag, w.subject.Order) {
		listed, told := w.listedOnce(written, known)
		switch {
		case !told:
			return nil, &Question{Kind: KindSight, Tag: written}
		case listed.Err != nil:
			return &Refusal{Rule: pinsetter.RuleUnknown, Reason: fmt.Sprintf("%s is written here, and whether it was ever listed isn't known: %s: mend that, or write %s by hand",
				written, oneLine(listed.Err), tag)}, nil
		case listed.Value:
			return &Refusal{Rule: pinsetter.RuleDowngrade, Reason: stepDown(written, tag) + ", or set allowDowngrade in a Gate"}, nil
		}
	}
	return nil, nil
}

// listedOnce reports whether the written tag ever existed: it is ranked by version,
// or the ledger saw it listed.
func (w *Walk) listedOnce(tag string, known Known) (listed Answer[bool], told bool) {
	if w.subject.Order.Ranked() {
		return Answer[bool]{Value: true}, true
	}
	sight, told := known.Sights[tag]
	return Answer[bool]{Value: !sight.Value.Since.IsZero(), Err: sight.Err}, told
}
