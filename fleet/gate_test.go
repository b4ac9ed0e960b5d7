package fleet_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gate"
)

// A gate with an error lets nothing of a policy pass, even where nobody noted that
// it is missing.
func TestBrokenGateStopsItsPolicies(t *testing.T) {
	p := &fleet.Policy{Name: pinsetter.Name{Namespace: "ns", Name: "app"}}
	g := &fleet.Gate{Name: pinsetter.Name{Namespace: "ns", Name: "g"}, Err: errors.New("x")}
	set := &fleet.Set{Policies: []*fleet.Policy{p}, Gates: []*fleet.Gate{g}}
	demands, err := set.DemandsOn(p)
	if err == nil || !strings.Contains(err.Error(), "its Gate ns/g: x") {
		t.Errorf("error %v", err)
	}
	candidate := pinsetter.Candidate{Tag: "2", Value: "2"}
	walk := demands.Walk(gate.Subject{Candidates: func(yield func(pinsetter.Candidate) bool) { yield(candidate) }})
	if got, _ := walk.Judge(candidate, gate.Known{}); got.Verdict != pinsetter.Rejected {
		t.Errorf("a broken gate says %+v", got)
	}
	g.Name.Namespace = "other"
	if gates, err := set.GatesFor(p); err != nil || len(gates) > 0 {
		t.Errorf("a gate of another namespace: %v, %v", gates, err)
	}
}
