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
			return r.unknownStep(written.Tag, tag)
		case slices.Index(bumps, size) > slices.Index(bumps, r.spec.MaxBump):
			return &Refusal{Rule: pinsetter.RuleBump, Gate: r.gate, Reason: fmt.Sprintf("from %s to %s is a %s step, and maxBump is %s: "+
				"to take it, write %s by hand, or raise maxBump", written.Tag, tag, size, r.spec.MaxBump, tag)}
		}
	}
	return nil
}

// twoNumbers are tags such as 1.4, which SemVer takes for no version.
var twoNumbers = pinsetter.Pattern(`^v?[0-9]+\.[0-9]+([-_+][^.]*)?$`)

// unknownStep refuses a step whose size isn't known. Tags of two numbers have steps
// once a filter makes versions of them, of which none is a patch.
func (r *rules) unknownStep(from, to string) *Refusal {
	why, out := "one of them is no version", ""
	if twoNumbers().MatchString(from) && twoNumbers().MatchString(to) {
		why, out = "tags of two numbers are no versions", ", or make versions of them, as with a semver policy and filterTags with pattern ^([0-9]+\\.[0-9]+)$ and extract $1.0"
		if r.spec.MaxBump == spec.BumpPatch {
			out += ", and set maxBump to minor"
		}
	}
	return &Refusal{Rule: pinsetter.RuleBump, Gate: r.gate, Reason: fmt.Sprintf("from %s to %s is a step of unknown size, since %s, and maxBump is %s: "+
		"write %s by hand, or leave the policy out of the Gate's policySelector%s", from, to, why, r.spec.MaxBump, to, out)}
}
