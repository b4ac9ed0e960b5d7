// Package gate holds what a candidate must pass before a site takes it. Policy
// gates, which Gate objects ask for, rank out candidates for all sites; site
// rules decide what one site may take. A [Walk] goes through a policy's
// candidates, best first, and gives each site the first that may be taken there.
//
// It is pure: it judges by an [Order] of tags and by what is [Known] of them, and
// time is an argument. Where a fact is missing it returns a [Question], the
// cheapest first, and judges anew once that is answered. A gate that can't know
// says no. Every refusal ends with the ways out.
//
// It is the only door to the cron parser.
package gate

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/spec"
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

// Ranges compiles a SemVer range to a function that reports whether a tag, or
// what a policy extracted from one, is a version inside. Package policy has it.
type Ranges func(text string) (inside func(tag string) bool, err error)

// Gates are what the Gate objects of one policy demand together: all of them
// apply. The zero Gates demand nothing. They are safe for concurrent use.
type Gates struct {
	rules  []rules  // of one gate each, sorted by its name
	broken *Refusal // nil, or why nothing passes
}

// Rule is what one Gate object demands, compiled. It is safe for concurrent use.
type Rule struct{ rules rules }

// rules is a Gate that was compiled.
type rules struct {
	gate    string // "namespace/name"
	spec    spec.GateSpec
	holds   []hold
	windows []window
	trust   []string // what spec.verify trusts, an identity an entry
}

// New compiles the Gate of that name. Its error says what is wrong with
// schedules, time zones and ranges: *spec.FieldError values, joined.
func New(name pinsetter.Name, s spec.GateSpec, ranges Ranges) (*Rule, error) {
	r := &Rule{rules{gate: name.String(), spec: s}}
	var holdErr, windowErr error
	r.rules.holds, holdErr = compileHolds(s.Hold, ranges)
	r.rules.windows, windowErr = compileWindows(s.Windows)
	if err := errors.Join(holdErr, windowErr); err != nil {
		return nil, err
	}
	return r, nil
}

// Trust says what the entries and attestations of spec.verify trust, by an identity that is equal for
// equal trust. Until it is called, nothing passes a Gate that has some. Call it
// before the rule is used.
func (r *Rule) Trust(identities []string) { r.rules.trust = identities }

// Join returns what the rules of one policy demand together, which are sorted by
// name. Where one of them is nil, which a gate that is wrong has, nothing passes.
func Join(all []*Rule) Gates {
	var gates Gates
	for _, r := range all {
		if r == nil {
			gates.broken = &Refusal{Rule: pinsetter.RuleUnknown, Reason: "a Gate has errors: mend the Gate"}
			continue
		}
		gates.rules = append(gates.rules, r.rules)
	}
	return gates
}

// Remembering returns the names of the gates, "namespace/name", whose minAge
// counts from the first sight of a tag. Without a ledger, no candidate ever
// passes them.
func (g Gates) Remembering() []string {
	var names []string
	for _, r := range g.rules {
		if r.fromSight() {
			names = append(names, r.gate)
		}
	}
	return names
}

// Dating reports whether the age of a candidate counts from its signature.
func (g Gates) Dating() bool { return g.oldest((*rules).fromSignature) != nil }

// Refusal is why a candidate may not be written now. The zero Stage is
// pinsetter.StageGate.
type Refusal struct {
	Stage  pinsetter.Stage // pinsetter.StageGate or StageHold
	Rule   pinsetter.Rule  // that it breaks
	Gate   string          // "namespace/name" of the Gate object, "" where none asked for it
	Reason string          // for people; ends with the ways out
	Until  time.Time       // when what refuses ends, nothing else changing; zero where no time ends it

	unasked bool // the registry isn't asked about the candidate: a bound is reached
	moved   bool // the tag's present digest is too young, and it had others before
	soon    bool // see pinsetter.Hold.Soon
	unread  bool // the registry was asked for the digest, and gave no answer
	failed  bool // who signed the candidate got no answer: no lower one is taken either
}

// verdict returns what r makes of a candidate.
func (r *Refusal) verdict(c pinsetter.Candidate) pinsetter.Verdict {
	v := pinsetter.Verdict{
		Tag: c.Tag, Value: c.Value, Verdict: pinsetter.Rejected,
		Stage: pinsetter.StageGate, Gate: r.Gate, Reason: r.Reason,
	}
	if !r.Until.IsZero() {
		v.Until = &r.Until
	}
	if r.Stage != "" {
		v.Stage = r.Stage
	}
	return v
}

// Hold returns what r means for a site that doesn't take what it refuses.
func (r *Refusal) Hold(site pinsetter.Site, candidate string) *pinsetter.Hold {
	reason := r.Reason
	if r.Gate != "" {
		reason = "Gate " + r.Gate + ": " + reason
	}
	return &pinsetter.Hold{
		Policy: site.Policy.String(), Path: site.Path, Line: site.Line(),
		Current: site.Current(), Candidate: candidate, Reason: reason, Until: r.Until, Rule: r.Rule, Soon: r.soon, Failed: r.failed,
	}
}

// unknown refuses what a gate could not find out.
func (r *rules) unknown(what string, err error) *Refusal {
	return &Refusal{
		Rule: pinsetter.RuleUnknown, Gate: r.gate,
		Reason: fmt.Sprintf("%s isn't known: %s: mend that, or take the rule out of the Gate",
			what, oneLine(err)),
	}
}

// oneLine returns an error's text on one line.
func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
