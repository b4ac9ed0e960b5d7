package config

import (
	"fmt"
	"slices"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/config/index"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gate"
	"github.com/pinsetter/pinsetter/policy"
	"github.com/pinsetter/pinsetter/spec"
	"github.com/pinsetter/pinsetter/strict"
)

// gateDraft is a Gate of which it isn't known yet what it selects.
type gateDraft struct {
	*index.Object
	out *fleet.Gate
}

func (l reader) readGate(o *index.Object, n *strict.Node) {
	g := &fleet.Gate{Name: o.Name, Origin: o.Origin}
	l.gates = append(l.gates, &gateDraft{o, g})
	d := gateDecoder{l.strictSpec(o, n, &g.Spec)}
	g.Selector = d.gateSelector(g.Spec.PolicySelector)
	d.age(&g.Spec)
	d.platforms(g.Spec.Platforms)
	d.windows(g.Spec.Windows)
	d.freeze(g.Spec.Freeze)
	d.maxBump(g.Spec.MaxBump)
	d.holds(g.Spec.Hold)
	d.verify(g.Spec.Verify)
	d.enclosingVerify(g.Spec.EnclosingVerify)
	if !o.Broken() && idle(g.Spec) {
		d.fail(codeMissingField, "spec", "lets everything pass: write minAge, platforms, windows, freeze, maxBump, allowDowngrade, hold, verify or enclosingVerify")
	}
	if !d.Blamed("spec") {
		var err error
		g.Rule, err = gate.New(g.Name, g.Spec, policy.Range)
		d.wrong(codeGate, err)
	}
	o.Remember("spec.policySelector")
}

// idle reports whether a gate with this spec does nothing.
func idle(s spec.GateSpec) bool {
	return s.MinAge == nil && s.Platforms == nil && s.Windows == nil && s.Freeze == nil &&
		s.MaxBump == "" && s.Hold == nil && s.Verify == nil && s.EnclosingVerify == "" && s.AllowDowngrade == nil
}

// gateSelector compiles a selector; nil where it can't be relied on.
func (d gateDecoder) gateSelector(selector *spec.LabelSelector) *fleet.Selector {
	const path = "spec.policySelector"
	if d.Blamed(path) {
		return nil
	}
	compiled, err := fleet.NewSelector(selector)
	if err != nil {
		d.fail(codeBadValue, path, "%v", err)
		return nil
	}
	return compiled
}

func (d gateDecoder) age(s *spec.GateSpec) {
	switch s.MinAgeFrom {
	case "", spec.AgeFromFirstSeen, spec.AgeFromCreated, spec.AgeFromSignature:
	default:
		d.fail(codeBadValue, "spec.minAgeFrom", "%q is not %s, %s or %s%s",
			s.MinAgeFrom, spec.AgeFromFirstSeen, spec.AgeFromCreated, spec.AgeFromSignature, d.object.Hint(string(s.MinAgeFrom)))
	}
	if s.MinAgeFrom == spec.AgeFromSignature && len(s.Verify) == 0 {
		d.fail(codeMissingField, "spec.verify", "is missing, and minAgeFrom: %s counts from a signature that it verified: say whom it trusts", spec.AgeFromSignature)
	}
	switch {
	case s.MinAge == nil && s.MinAgeFrom != "":
		d.fail(codeMissingField, "spec.minAge", "is missing, and minAgeFrom says where it counts from")
	case s.MinAge != nil && s.MinAgeFrom == "":
		s.MinAgeFrom = spec.AgeFromFirstSeen
	}
	if s.MinAge != nil && s.MinAge.Duration <= 0 {
		d.fail(codeDuration, "spec.minAge", "lets everything pass: write how long a tag must have been there, such as %q", "72h")
	}
}

// platformGrammar is "os/arch[/variant]" in the words that Go and the OCI image
// index use.
var platformGrammar = pinsetter.Pattern(`^[a-z0-9]+/[a-z0-9_]+(/[a-z0-9._-]+)?$`)

func (d gateDecoder) platforms(platforms []string) {
	d.notEmpty("spec.platforms", platforms != nil, len(platforms))
	for i, platform := range platforms {
		if !platformGrammar().MatchString(platform) {
			d.fail(codeBadValue, strict.Item("spec.platforms", i), "%q is not a platform: write os/arch or os/arch/variant, such as %q%s",
				platform, "linux/arm64", d.object.Hint(platform))
		}
	}
}

// maxWindow is the longest window: one that is open for a year is none.
const maxWindow = 366 * 24 * time.Hour

func (d gateDecoder) windows(windows []spec.GateWindow) {
	d.notEmpty("spec.windows", windows != nil, len(windows))
	for i, w := range windows {
		path := strict.Item("spec.windows", i)
		d.require(path+".schedule", w.Schedule)
		switch {
		case w.Duration.Duration == 0:
			d.missing(path + ".duration")
		case w.Duration.Duration > maxWindow:
			d.fail(codeDuration, path+".duration", "is longer than a year: leave the window out")
		}
	}
}

func (d gateDecoder) freeze(f *spec.GateFreeze) {
	if f == nil {
		return
	}
	const path = "spec.freeze"
	if f.From.IsZero() {
		d.missing(path + ".from")
	}
	if f.To.IsZero() {
		d.missing(path + ".to")
	}
	if !f.From.IsZero() && !f.To.IsZero() && !f.To.After(f.From) {
		d.fail(codeBadValue, path+".to", "is not after from: nothing would be frozen")
	}
	d.require(path+".reason", f.Reason)
}

func (d gateDecoder) maxBump(b spec.Bump) {
	if sizes := []spec.Bump{"", spec.BumpPatch, spec.BumpMinor, spec.BumpMajor}; !slices.Contains(sizes, b) {
		d.fail(codeBadValue, "spec.maxBump", "%q is not patch, minor or major%s", b, d.object.Hint(string(b)))
	}
}

func (d gateDecoder) holds(holds []spec.GateHold) {
	d.notEmpty("spec.hold", holds != nil, len(holds))
	for i, h := range holds {
		path := strict.Item("spec.hold", i)
		switch {
		case h.Tags == nil && h.Range == "":
			d.fail(codeMissingField, path, "holds nothing: write tags or range")
		case h.Tags != nil && h.Range != "":
			d.fail(codeBadValue, path, "has tags and range: write an entry for each")
		}
		d.notEmpty(path+".tags", h.Tags != nil, len(h.Tags))
		for j, tag := range h.Tags {
			if !pinsetter.ValidTag(tag) {
				d.fail(codeBadValue, strict.Item(path+".tags", j), "%q can't be a tag: write one exactly, or use range%s", tag, d.object.Hint(tag))
			}
		}
		d.require(path+".reason", h.Reason)
	}
}

// notEmpty reports a list that was given without elements.
func (d *decoder) notEmpty(path string, given bool, length int) {
	if given && length == 0 {
		d.fail(codeMissingField, path, "is an empty list: leave it out, or write what it is for")
	}
}

// gap returns what g may mean where it can't be relied on: it has errors, or it
// attaches to nothing, which is one. It is nil otherwise.
func (g *gateDraft) gap(r fleet.Reach) *fleet.Gap {
	if g.Has(index.CodeDuplicateObject) || g.Has(codeDuplicateKey) {
		g.out.Selector = nil // the copy that was left out may select others
	}
	scope, attached := r.OfGate(g.out)
	unused := !attached && len(r.Policies) > 0 && !mayBeUnused(g.Object)
	gap := &fleet.Gap{Guard: fleet.GuardGate, Scope: scope}
	switch cause := g.FirstError(); {
	case cause != nil:
		gap.Place, gap.WayOut = fmt.Sprintf("%s:%d", cause.Path, cause.Line), untilErrors
		gap.Why = fmt.Sprintf("its %s has errors", g)
	case unused:
		gap.Place, gap.WayOut = g.Place(), untilAttached
		gap.Why = fmt.Sprintf("%s selects none of the policies in namespace %s and may be meant for it", g, g.Name.Namespace)
		g.Fail(codeGateUnused, "spec.policySelector", "selects none of the policies in namespace %s, and nothing that it may mean is written until %s",
			g.Name.Namespace, untilAttached)
	default:
		gap = nil
	}
	g.out.Err = g.Err()
	return gap
}
