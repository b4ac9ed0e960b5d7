package fleet

import (
	"regexp"
	"slices"

	"github.com/pinsetter/pinsetter"
)

// Alert says which events are sent to a Provider.
type Alert struct {
	Name   pinsetter.Name
	Origin Origin

	// Provider is nil where the reference leads nowhere, and then Err says so, and
	// where nothing is ever sent: by an alert that is suspended or selects none of
	// the image kinds. Most alerts of a Flux folder are about others.
	Provider *Provider

	ErrorsOnly bool              // spec.eventSeverity is error
	Include    []*regexp.Regexp  // one of them finds a match in a message that is sent; empty: any message
	Exclude    []*regexp.Regexp  // none of them does
	Metadata   map[string]string // to add to events: spec.eventMetadata, and spec.summary as "summary"
	Suspended  bool

	// Err is nil when the alert and its Provider are usable; see Policy.Err.
	Err error

	// Sources are what its references select, sorted: objects, and AnyName for all
	// of a kind and namespace.
	Sources []pinsetter.Object
}

// AnyName stands for all names of a kind and namespace.
const AnyName = "*"

// Selects reports whether the alert is for events about o, whose APIVersion
// doesn't count.
func (a *Alert) Selects(o pinsetter.Object) bool {
	return slices.ContainsFunc(a.Sources, func(s pinsetter.Object) bool {
		return s.Kind == o.Kind && s.Namespace == o.Namespace && (s.Name == o.Name || s.Name == AnyName)
	})
}
