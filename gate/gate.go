// Package gate holds what a candidate must pass before a site takes it. It is
// pure: what it must know about tags it asks of an Order.
//
// Site rules decide what one site may take; they never change which candidate
// is best. Policy gates, which rank out candidates for all sites, find their
// place beside them.
package gate

import (
	"fmt"

	"github.com/pinsetter/pinsetter"
)

// Order is what a policy and its image repository know about tags. None of its
// methods asks a registry.
type Order interface {
	// Accepts reports whether tag passes the exclusion list, filter, parse and
	// range, listed or not.
	Accepts(tag string) bool

	// Above reports whether a ranks strictly above b. Both must be accepted.
	Above(a, b string) bool

	// Ranked reports whether the order of tags says which one is newer although
	// nobody saw them listed. SemVer and numbers do; the alphabet does not, since
	// any word is accepted by it.
	Ranked() bool
}

// Down judges taking tag at a site. It returns the reason to hold the site, or
// "" where the site may take it.
//
// A registry that has lost a tag, or answers with half of its list, makes an
// older tag look best. So a site never goes down from a written tag that its
// policy still accepts; where the policy accepts it no more, going down is what
// was asked for.
func Down(site pinsetter.Site, tag string, order Order) string {
	if !order.Ranked() {
		return ""
	}
	for _, written := range site.Written {
		if written.Tag == "" || written.Tag == tag || !order.Accepts(written.Tag) {
			continue
		}
		if order.Above(written.Tag, tag) {
			return fmt.Sprintf("%s is written here and no longer listed, and %s would be a step down: "+
				"to take it, write %s by hand, or exclude %s (ImageRepository spec.exclusionList, or the policy's range or filter)",
				written.Tag, tag, tag, written.Tag)
		}
	}
	return ""
}

// KeptDigest returns the digest that a site shows beside tag, so that a policy
// that reflects digests only where none is present leaves it alone. It returns
// "" where the site shows another tag, no well-formed digest, or several.
func KeptDigest(site pinsetter.Site, tag string) string {
	var kept string
	for _, written := range site.Written {
		switch {
		case written.Tag != tag:
			return ""
		case !pinsetter.ValidDigest(written.Digest), written.Digest == kept:
		case kept != "":
			return ""
		default:
			kept = written.Digest
		}
	}
	return kept
}
