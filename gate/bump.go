package gate

import (
	"fmt"
	"slices"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/spec"
)

// bumps are the sizes of a step, from small to large.
var bumps = []spec.Bump{spec.BumpPatch, spec.BumpMinor, spec.BumpMajor}

// smallest returns the gate that allows the smallest steps; nil where none
// bounds them.
func (g Gates) smallest() *rules {
	var strictest *rules
	for i := range g.rules {
		r := &g.rules[i]
		if r.spec.MaxBump != "" && (strictest == nil ||
			slices.Index(bumps, r.spec.MaxBump) < slices.Index(bumps, strictest.spec.MaxBump)) {
			strictest = r
		}
	}
	return strictest
}

// bump refuses a step, up or down, that is larger than the gates allow from what
// a site shows. A site that shows no tag makes no step; one whose tag has no
// version makes one of unknown size.
func (w *Walk) bump(site pinsetter.Site, tag string) *Refusal {
	r := w.gates.smallest()
	if r == nil {
		return nil
	}
	for _, written := range site.Written {
		if written.Tag == "" || written.Tag == tag {
			continue
		}
		var size spec.Bump
		known := false
		if w.subject.Bump != nil {
			size, known = w.subject.Bump(written.Tag, tag)
		}
		switch {
		case !known:
			return &Refusal{Rule: pinsetter.RuleBump, Gate: r.gate, Reason: fmt.Sprintf("from %s to %s is a step of unknown size, since one of them is no version, and maxBump is %s: "+
				"write %s by hand, or leave the policy out of the Gate's policySelector", written.Tag, tag, r.spec.MaxBump, tag)}
		case slices.Index(bumps, size) > slices.Index(bumps, r.spec.MaxBump):
			return &Refusal{Rule: pinsetter.RuleBump, Gate: r.gate, Reason: fmt.Sprintf("from %s to %s is a %s step, and maxBump is %s: "+
				"to take it, write %s by hand, or raise maxBump", written.Tag, tag, size, r.spec.MaxBump, tag)}
		}
	}
	return nil
}
