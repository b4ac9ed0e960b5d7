package fleet

import (
	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/spec"
)

// Gate is what candidates of the policies that it selects must pass before they
// are written. It is our own object, of pinsetter.dev/v1alpha1. All gates that
// select a policy apply.
type Gate struct {
	Name   pinsetter.Name
	Origin Origin
	Spec   spec.GateSpec // with the default of minAgeFrom

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
// candidate of p may be written: that of Missing.StopsPolicy.
func (s *Set) GatesFor(p *Policy) ([]*Gate, error) {
	if err := s.Missing.StopsPolicy(p); err != nil {
		return nil, err
	}
	var gates []*Gate
	for _, g := range s.Gates {
		if g.Selects(p) {
			gates = append(gates, g)
		}
	}
	return gates, nil
}
