package fleet

import (
	"errors"
	"fmt"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/gate"
	"github.com/pinsetter/pinsetter/spec"
)

// Gate is what candidates of the policies that it selects must pass before they
// are written. It is our own object, of pinsetter.dev/v1alpha1. All gates that
// select a policy apply.
type Gate struct {
	Name   pinsetter.Name
	Origin Origin
	Spec   spec.GateSpec // with the default of minAgeFrom

	Rule   *gate.Rule // what it demands; nil where that can't be compiled, and then Err says so
	Trusts []*Trust   // what spec.verify trusts, an element an entry or attestation; fewer only with Err

	// Err is nil when the gate is usable. Everything it joins is also in
	// Set.Findings.
	Err error

	Selector *Selector // nil: what it selects isn't known
}

// Selects reports whether the gate may apply to p: they share a namespace and
// spec.policySelector, if any, matches p's labels. A gate whose selector can't
// be relied on selects every policy of its namespace.
func (g *Gate) Selects(p *Policy) bool {
	return g.Name.Namespace == p.Name.Namespace && g.Matches(p)
}

// Matches is Selects whatever the namespace.
func (g *Gate) Matches(p *Policy) bool {
	return g.Selector == nil || g.Selector.Matches(p.Labels)
}

// Gate returns the Gate of that name, or nil.
func (s *Set) Gate(name pinsetter.Name) *Gate {
	return find(s.Gates, name, func(g *Gate) pinsetter.Name { return g.Name })
}

// GatesFor returns the gates that select p, sorted by name. With an error no
// candidate of p may be written: that of Missing.StopsPolicy, or of a gate.
func (s *Set) GatesFor(p *Policy) ([]*Gate, error) {
	if err := s.Missing.StopsPolicy(p); err != nil {
		return nil, err
	}
	var gates []*Gate
	var errs []error
	for _, g := range s.Gates {
		if !g.Selects(p) {
			continue
		}
		gates = append(gates, g)
		if g.Err != nil {
			errs = append(errs, fmt.Errorf("its Gate %s: %w", g.Name, g.Err))
		}
	}
	return gates, errors.Join(errs...)
}

// DemandsOn returns what the gates that select p demand together. The error is
// that of GatesFor.
func (s *Set) DemandsOn(p *Policy) (gate.Gates, error) {
	gates, err := s.GatesFor(p)
	rules := make([]*gate.Rule, len(gates))
	for i, g := range gates {
		rules[i] = g.Rule
	}
	return gate.Join(rules), err
}

// TrustsOn returns what the gates that select p trust, by its identity. The error
// is that of GatesFor.
func (s *Set) TrustsOn(p *Policy) (map[string]*Trust, error) {
	gates, err := s.GatesFor(p)
	trusts := map[string]*Trust{}
	for _, g := range gates {
		for _, trust := range g.Trusts {
			trusts[trust.ID()] = trust
		}
	}
	return trusts, err
}
