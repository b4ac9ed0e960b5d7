package index

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/claim"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/strict"
)

// Lost is where something stands that may be a guard and can't be read as
// one. What it may forbid isn't done.
type Lost struct {
	Place     string      // "path:line", or a source
	Guard     fleet.Guard // what it may be
	Namespace string      // "" where that isn't known
	About     string      // the automation that it names; "" where it names none
	Until     string      // the way out; "" is UntilMended
}

// lose remembers that an object which may be a guard can't be read. Its node
// must have been measured, or be nil.
func (x *Index) lose(o *Object, apiVersion string) {
	if guard := claim.GuardOf(apiVersion, o.Kind); guard != 0 {
		x.LoseAs(o, guard)
	}
}

// LoseAs is lose for an object that may be such a guard.
func (x *Index) LoseAs(o *Object, guard fleet.Guard) {
	lost := Lost{Place: o.Place(), Guard: guard}
	if o.Kind != "" && !strings.HasSuffix(o.Kind, claim.KindList) && ValidName(o.Name.Namespace) {
		lost.Namespace = o.Name.Namespace
	}
	if o.Node != nil {
		lost.About = strict.Text(strict.Child(strict.Child(strict.Child(o.Node, "spec"), "automationRef"), "name"))
	}
	x.Lost = append(x.Lost, lost)
}

// loseBytes is lose for bytes that are not read.
func (x *Index) loseBytes(path string, line int, data []byte) {
	if guard := claim.GuardIn(data); guard != 0 {
		x.Lost = append(x.Lost, Lost{Place: fmt.Sprintf("%s:%d", path, max(line, 1)), Guard: guard})
	}
}

// UntilMended is the way out of most mistakes, behind the word "until".
const UntilMended = "it is mended"

// Gap returns what it may forbid of what it reaches.
func (l Lost) Gap(r fleet.Reach) fleet.Gap {
	g := fleet.Gap{Place: l.Place, Guard: l.Guard, WayOut: cmp.Or(l.Until, UntilMended), Hides: true}
	if l.Namespace == "" && l.About == "" {
		g.Scope.Everything = true
		return g
	}
	g.Scope = r.InNamespace(l.Guard, l.Namespace)
	if l.Guard&fleet.GuardPullRequest != 0 && l.About != "" {
		g.Scope.Automations = r.OfAutomation(pinsetter.Name{Namespace: l.Namespace, Name: l.About}).Automations
	}
	return g
}
