package config

import (
	"cmp"
	"errors"
	"maps"
	"regexp"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/claim"
	"github.com/pinsetter/pinsetter/config/index"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/spec"
	"github.com/pinsetter/pinsetter/strict"
)

// alertSpec is what is used of an Alert's spec.
type alertSpec struct {
	ProviderRef   spec.LocalObjectReference `json:"providerRef"`
	EventSeverity string                    `json:"eventSeverity"`
	EventSources  []objectReference         `json:"eventSources"`
	InclusionList []string                  `json:"inclusionList"`
	ExclusionList []string                  `json:"exclusionList"`
	EventMetadata map[string]string         `json:"eventMetadata"`
	Summary       string                    `json:"summary"`
	Suspend       bool                      `json:"suspend"`
}

// alertDraft is an Alert whose references are not yet resolved.
type alertDraft struct {
	*index.Object
	spec alertSpec
	out  *fleet.Alert
}

func (l reader) readAlert(o *index.Object, n *strict.Node) {
	a := &alertDraft{Object: o, out: &fleet.Alert{Name: o.Name, Origin: o.Origin}}
	l.alerts = append(l.alerts, a)
	d := l.lenientSpec(o, n, &a.spec)
	if d == nil {
		return
	}
	d.reference("spec.providerRef.name", a.spec.ProviderRef.Name)
	if s := cmp.Or(a.spec.EventSeverity, "info"); s != "info" && s != "error" {
		d.fail(codeBadValue, "spec.eventSeverity", "%q is not info or error%s", s, o.Hint(s))
	}
	if len(a.spec.EventSources) == 0 {
		d.missing("spec.eventSources")
	}
	for i, ref := range a.spec.EventSources {
		d.objectReference(strict.Item("spec.eventSources", i), ref, toldKinds)
	}
	a.out.ErrorsOnly = a.spec.EventSeverity == "error"
	a.out.Include = d.patterns("spec.inclusionList", a.spec.InclusionList)
	a.out.Exclude = d.patterns("spec.exclusionList", a.spec.ExclusionList)
	if len(a.out.Exclude) == len(a.spec.ExclusionList) { // else there is an error
		for i, pattern := range a.out.Exclude {
			d.excludesAll(strict.Item("spec.exclusionList", i), pattern)
		}
	}
	a.out.Metadata = maps.Clone(a.spec.EventMetadata)
	if _, found := a.out.Metadata["summary"]; !found && a.spec.Summary != "" {
		if a.out.Metadata == nil {
			a.out.Metadata = map[string]string{}
		}
		a.out.Metadata["summary"] = a.spec.Summary
	}
	a.out.Suspended = a.spec.Suspend
	o.Remember("spec.providerRef.name")
}

// patterns compiles a list of regular expressions, those that can be.
func (d *decoder) patterns(path string, patterns []string) []*regexp.Regexp {
	var compiled []*regexp.Regexp
	for i, pattern := range patterns {
		expression, err := regexp.Compile(pattern)
		if err != nil {
			d.fail(codeRegexp, strict.Item(path, i), "%v%s", err, d.object.Hint(pattern))
			continue
		}
		compiled = append(compiled, expression)
	}
	return compiled
}

// resolveAlert finds out what the alert selects and where it sends that.
func (l messenger) resolveAlert(a *alertDraft) {
	const field = "spec.providerRef.name"
	a.out.Sources = l.sources(a)
	name := pinsetter.Name{Namespace: a.Name.Namespace, Name: a.spec.ProviderRef.Name}
	provider := l.providers[name]
	switch {
	case len(a.out.Sources) == 0, a.out.Suspended, !index.ValidName(name.Name):
	case provider == nil:
		l.missing(a.Object, field, index.Key{Kind: claim.KindProvider, Name: name})
	default:
		a.out.Provider = l.provider(provider)
	}
	a.out.Err = a.Err()
	if a.out.Provider != nil {
		a.out.Err = errors.Join(a.out.Err, dependency(a.Object, field, provider.Object))
	}
}
