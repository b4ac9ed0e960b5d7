package config

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/pinsetter/pinsetter"
)

// Kubernetes' types in our own objects, under short names.
type (
	LabelSelector = metav1.LabelSelector
	Duration      = metav1.Duration
)

// Gate is what candidates of the policies that it selects must pass before they
// are written. It is our own object, of pinsetter.dev/v1alpha1. All gates that
// select a policy apply.
type Gate struct {
	Name   pinsetter.Name
	Origin Origin
	Spec   GateSpec // with the default of minAgeFrom

	// Err is nil when the gate is usable. Everything it joins is also in
	// Set.Findings.
	Err error

	selector labels.Selector // nil: what it selects isn't known
}

// Selects reports whether the gate may apply to p: they share a namespace and
// spec.policySelector, if any, matches p's labels. A gate whose selector can't
// be relied on selects every policy of its namespace.
func (g *Gate) Selects(p *Policy) bool {
	return g.Name.Namespace == p.Name.Namespace && g.matches(p)
}

// matches is Selects whatever the namespace.
func (g *Gate) matches(p *Policy) bool {
	return g.selector == nil || g.selector.Matches(labels.Set(p.Labels))
}

// GateSpec is a Gate's spec. What is absent lets everything pass.
type GateSpec struct {
	PolicySelector *LabelSelector `json:"policySelector,omitempty"` // nil: every policy of the namespace

	MinAge     *Duration `json:"minAge,omitempty"`
	MinAgeFrom AgeFrom   `json:"minAgeFrom,omitempty"` // set where MinAge is

	Platforms []string     `json:"platforms,omitempty"` // "os/arch[/variant]"
	Windows   []GateWindow `json:"windows,omitempty"`   // open while one of them is
	Freeze    *GateFreeze  `json:"freeze,omitempty"`
	MaxBump   Bump         `json:"maxBump,omitempty"`
	Hold      []GateHold   `json:"hold,omitempty"`

	// AllowDowngrade lets a site go down from a tag that is listed no more. Of
	// several gates one must say true and none false.
	AllowDowngrade *bool `json:"allowDowngrade,omitempty"`
}

// AgeFrom says where a candidate's age counts from.
type AgeFrom string

// Where an age counts from.
const (
	AgeFromFirstSeen AgeFrom = "firstSeen" // the ledger's first sight of the tag as it is
	AgeFromCreated   AgeFrom = "created"   // the date in the image
)

// Bump is the size of a step from one version to another: the leftmost of its
// three numbers that differs, or BumpPatch where none does.
type Bump string

// The sizes of a step, from small to large.
const (
	BumpPatch Bump = "patch"
	BumpMinor Bump = "minor"
	BumpMajor Bump = "major"
)

// GateWindow is a time of writing that returns: it opens as the schedule says
// and stays open for the duration.
type GateWindow struct {
	Schedule string   `json:"schedule"` // five fields of cron, or @daily and the like
	Duration Duration `json:"duration"`
	TimeZone string   `json:"timeZone,omitempty"` // of the IANA database; "" is UTC
}

// GateFreeze is a time without writing, from From until just before To.
type GateFreeze struct {
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	Reason string    `json:"reason"`
}

// GateHold keeps tags from being written: those that it lists, or whose version
// is in a range.
type GateHold struct {
	Tags   []string  `json:"tags,omitempty"`  // exact
	Range  string    `json:"range,omitempty"` // SemVer, as in a policy
	Reason string    `json:"reason"`
	Until  time.Time `json:"until,omitzero"` // zero: no end
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
	return keepIf(s.Gates, func(g *Gate) bool { return g.Selects(p) }), nil
}
