package cli

import (
	"slices"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/fleet"
)

// Needs are the objects that a command that writes nothing to Git was asked about.
type Needs map[pinsetter.Object]bool

// Add adds an object.
func (n Needs) Add(kind string, name pinsetter.Name) {
	n[pinsetter.Object{Kind: kind, Namespace: name.Namespace, Name: name.Name}] = true
}

// NeedsOfRepositories returns what it takes to list tags.
func NeedsOfRepositories(picked []*fleet.Repository) Needs {
	n := Needs{}
	for _, r := range picked {
		n.Add(r.Kind(), r.Name)
	}
	return n
}

// NeedsOfPolicies returns what it takes to select.
func NeedsOfPolicies(picked []*fleet.Policy) Needs {
	n := Needs{}
	for _, p := range picked {
		n.Add(Policies.Name, p.Name)
		if p.Repository != nil {
			n.Add(p.Repository.Kind(), p.Repository.Name)
		}
	}
	return n
}

// AddWriters adds what it takes to read where a policy is written.
func (n Needs) AddWriters(p *fleet.Policy, writers []*fleet.Automation) {
	for _, a := range writers {
		if !a.Selects(p) {
			continue
		}
		n.Add(a.Kind(), a.Name)
		if a.Delivery != nil && a.Delivery.Source != nil {
			n.Add("OCIRepository", a.Delivery.Source.Name)
		}
		if a.Git != nil {
			n.Add("GitRepository", a.Git.Name)
		}
	}
}

// unguarded are the kinds of objects that hold no write back: one that isn't needed
// may be wrong.
var unguarded = []string{
	"ImageRepository", "ChartRepository", "ImagePolicy", "ImageUpdateAutomation", "ArtifactAutomation", "GitRepository", "OCIRepository", "Receiver", "Provider", "Alert",
	"Secret", "ServiceAccount", "Namespace",
}

// Judge returns the findings of loading with what concerns only other objects as
// warnings. What may hold a write back stays an error: a source that can't be read, a
// document that can't be told, a Gate, a PullRequest.
func (n Needs) Judge(findings []pinsetter.Finding) []pinsetter.Finding {
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
