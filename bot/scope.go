package bot

import (
	"slices"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops/address"
	"github.com/pinsetter/pinsetter/lint"
)

// resolve returns the policy of a site if a writes it. Otherwise it may return
// a finding: the policy is unknown, or no automation writes the site.
func (b *Bot) resolve(a *fleet.Automation, site pinsetter.Site) (*fleet.Policy, *pinsetter.Finding) {
	policy := b.set.Policy(site.Policy)
	switch {
	case policy == nil:
		finding := lint.UnknownPolicy(b.set, site)
		return nil, &finding
	case a.Selects(policy):
		return policy, nil
	case b.covered(a, site, policy):
		return nil, nil
	}
	finding := lint.OutOfScope(site, policy)
	return nil, &finding
}

// covered reports whether any automation that was loaded writes the site, which one
// found that reads the same.
func (b *Bot) covered(found *fleet.Automation, site pinsetter.Site, policy *fleet.Policy) bool {
	return slices.ContainsFunc(b.set.Automations, func(a *fleet.Automation) bool {
		return a.Selects(policy) && a.Covers(site.Path) && sameSource(a, found)
	})
}

// sameSource reports whether two automations read the same files.
func sameSource(a, b *fleet.Automation) bool {
	if a.Delivery != nil && b.Delivery != nil {
		return a.Delivery.Source == b.Delivery.Source
	}
	return a.Delivery == nil && b.Delivery == nil && sameRepository(a.Git, b.Git)
}

// RepositoryOf returns the key of the repository that an automation writes to, which
// is the same for all forms of its URL; "" if it has none. Of an artifact it begins with
// "oci://".
func RepositoryOf(a *fleet.Automation) string {
	if a.Delivery != nil {
		return artifactRepository(a)
	}
	if a.Git == nil {
		return ""
	}
	key, err := address.Key(a.Git.URL)
	if err != nil {
		return "" // lanes says so
	}
	return key
}

func artifactRepository(a *fleet.Automation) string {
	if a.Delivery.Repository == nil || a.Delivery.Repository.Image == "" {
		return ""
	}
	return "oci://" + a.Delivery.Repository.Image
}

func sameRepository(a, b *fleet.GitSource) bool {
	if a == nil || b == nil {
		return a == b
	}
	x, errX := address.Key(a.URL)
	y, errY := address.Key(b.URL)
	return errX == nil && errY == nil && x == y
}

// keep returns the elements of list that pass, in order.
func keep[T any](list []T, pass func(T) bool) []T {
	return slices.DeleteFunc(slices.Clone(list), func(t T) bool { return !pass(t) })
}
