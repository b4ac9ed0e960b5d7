package bot

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops"
)

// Codes are the findings of this package: those that need objects and markers
// together. The value is one line of explanation.
var Codes = map[string]string{
	"unknown-policy":    "a marker names a policy that was not loaded",
	"out-of-scope":      "no automation that was loaded writes this marker",
	"no-digest":         "a :digest marker of a policy that reflects no digest",
	"digest-only":       "a :digest marker without a tag beside it: IfNotPresent acts as Always there",
	"other-image":       "a marked value shows another image than the policy's",
	"digest-dropped":    "a tag has a digest behind it, which a policy that reflects none drops",
	"image-passed-over": "kustomize leaves a resource's image alone that a marked entry of its images means",
	"unused-policy":     "no marker names this policy",
	"unused-repository": "no policy uses this image repository",
	"unused-automation": "this automation selects no policy",
	"marker-elsewhere":  "a marker stands in a file whose name says that markers are not looked for in it",
	"suspended":         "the object is suspended, and nothing is done for it",
}

// resolve returns the policy of a site if a writes it. Otherwise it may return
// a finding: the policy is unknown, or no automation writes the site.
func (b *Bot) resolve(a *fleet.Automation, site pinsetter.Site) (*fleet.Policy, *pinsetter.Finding) {
	policy := b.set.Policy(site.Policy)
	switch {
	case policy == nil:
		return nil, b.unknownPolicy(site)
	case a.Selects(policy):
		return policy, nil
	case b.covered(a.Git, site, policy):
		return nil, nil
	}
	return nil, outOfScope(site, policy)
}

func (b *Bot) unknownPolicy(site pinsetter.Site) *pinsetter.Finding {
	names := make([]string, 0, len(b.set.Policies))
	for _, p := range b.set.Policies {
		names = append(names, p.Name.String())
	}
	return warn(site, "unknown-policy", fmt.Sprintf("marker names ImagePolicy %s, which was not loaded%s", site.Policy, config.DidYouMean(site.Policy.String(), names)))
}

// covered reports whether any automation that was loaded writes the site.
func (b *Bot) covered(source *fleet.GitSource, site pinsetter.Site, policy *fleet.Policy) bool {
	return slices.ContainsFunc(b.set.Automations, func(a *fleet.Automation) bool {
		return a.Selects(policy) && below(a, site.Path) && sameRepository(a.Git, source)
	})
}

func outOfScope(site pinsetter.Site, policy *fleet.Policy) *pinsetter.Finding {
	return warn(site, "out-of-scope", fmt.Sprintf(
		"no automation writes this marker: ImagePolicy %s needs an ImageUpdateAutomation in its own namespace whose policySelector matches it and whose update.path holds this file", policy.Name))
}

func warn(site pinsetter.Site, code, message string) *pinsetter.Finding {
	return &pinsetter.Finding{Severity: pinsetter.Warning, Code: code, Path: site.Path, Line: site.Line(), Message: message}
}

// suspended is the finding of a policy whose markers are left alone.
func suspended(p *fleet.Policy) pinsetter.Finding {
	return pinsetter.Finding{
		Severity: pinsetter.Warning, Code: "suspended", Path: p.Origin.Path, Line: p.Origin.Line,
		Message: fmt.Sprintf("ImagePolicy %s or its ImageRepository is suspended: its markers are left alone", p.Name),
	}
}

// below reports whether a repository's file is in the scope of a's update.path.
func below(a *fleet.Automation, file string) bool {
	dir := a.Path
	return dir == "." || file == dir || strings.HasPrefix(file, dir+"/")
}

// RepositoryOf returns the key of the repository that an automation writes to, which
// is the same for all forms of its URL; "" if it has none.
func RepositoryOf(a *fleet.Automation) string {
	if a.Git == nil {
		return ""
	}
	key, err := gitops.Key(a.Git.URL)
	if err != nil {
		return "" // lanes says so
	}
	return key
}

// ObjectOf is how events and findings name an automation.
func ObjectOf(a *fleet.Automation) pinsetter.Object {
	return pinsetter.Object{
		APIVersion: "image.toolkit.fluxcd.io/v1", Kind: "ImageUpdateAutomation",
		Namespace: a.Name.Namespace, Name: a.Name.Name,
	}
}

func sameRepository(a, b *fleet.GitSource) bool {
	if a == nil || b == nil {
		return a == b
	}
	x, errX := gitops.Key(a.URL)
	y, errY := gitops.Key(b.URL)
	return errX == nil && errY == nil && x == y
}

// keep returns the elements of list that pass, in order.
func keep[T any](list []T, pass func(T) bool) []T {
	return slices.DeleteFunc(slices.Clone(list), func(t T) bool { return !pass(t) })
}

// SortFindings returns findings in order of place, each once.
func SortFindings(findings []pinsetter.Finding) []pinsetter.Finding {
	seen := map[pinsetter.Finding]bool{}
	for _, f := range findings {
		seen[f] = true
	}
	return slices.SortedFunc(maps.Keys(seen), pinsetter.Finding.Compare)
}
