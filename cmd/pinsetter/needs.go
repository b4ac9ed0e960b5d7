package main

import (
	"slices"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/fleet"
)

// needs are the objects that a command that writes nothing to Git was asked about.
type needs map[pinsetter.Object]bool

func (n needs) add(kind string, name pinsetter.Name) {
	n[pinsetter.Object{Kind: kind, Namespace: name.Namespace, Name: name.Name}] = true
}

// needsOfRepositories returns what it takes to list tags.
func needsOfRepositories(picked []*fleet.Repository) needs {
	n := needs{}
	for _, r := range picked {
		n.add(r.Kind(), r.Name)
	}
	return n
}

// needsOfPolicies returns what it takes to select.
func needsOfPolicies(picked []*fleet.Policy) needs {
	n := needs{}
	for _, p := range picked {
		n.add(policies.name, p.Name)
		if p.Repository != nil {
			n.add(p.Repository.Kind(), p.Repository.Name)
		}
	}
	return n
}

// addWriters adds what it takes to read where a policy is written.
func (n needs) addWriters(p *fleet.Policy, writers []*fleet.Automation) {
	for _, a := range writers {
		if !a.Selects(p) {
			continue
		}
		n.add(a.Kind(), a.Name)
		if a.Delivery != nil && a.Delivery.Source != nil {
			n.add("OCIRepository", a.Delivery.Source.Name)
		}
		if a.Git != nil {
			n.add("GitRepository", a.Git.Name)
		}
	}
}

// unguarded are the kinds of objects that hold no write back: one that isn't needed
// may be wrong.
var unguarded = []string{
	"ImageRepository", "ChartRepository", "ImagePolicy", "ImageUpdateAutomation", "ArtifactAutomation", "GitRepository", "OCIRepository", "Receiver", "Provider", "Alert",
	"Secret", "ServiceAccount", "Namespace",
}

// judge returns the findings of loading with what concerns only other objects as
// warnings. What may hold a write back stays an error: a source that can't be read, a
// document that can't be told, a Gate, a PullRequest.
func (n needs) judge(findings []pinsetter.Finding) []pinsetter.Finding {
	judged := slices.Clone(findings)
	for i, f := range judged {
		if n[f.Object] {
			continue
		}
		if slices.Contains(unguarded, f.Object.Kind) || config.IsSecretToWrite(f) {
			judged[i].Severity = pinsetter.Warning
		}
	}
	return judged
}
