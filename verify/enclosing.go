package verify

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/registry"
)

// enclosing is the verify of an object that pulls an image.
type enclosing struct {
	object    pinsetter.Object // with its namespace
	from      string           // the object, for people
	enclosing *pinsetter.Enclosing
	ignored   bool // a Gate says that it doesn't count for the marker there
}

// pullers returns the objects that verify what they pull, and pull an image: those
// with a site of a policy of it, and the OCIRepositories of the set, each once.
func (x Examiner) pullers(canonical string, policies []*fleet.Policy, sites []pinsetter.Site) []enclosing {
	var all []enclosing
	add := func(e enclosing) {
		e.object.APIVersion = ""
		if !slices.ContainsFunc(all, func(known enclosing) bool { return known.object == e.object }) {
			all = append(all, e)
		}
	}
	for _, site := range sites {
		i := slices.IndexFunc(policies, func(p *fleet.Policy) bool { return p.Name == site.Policy })
		if site.Enclosing == nil || i < 0 {
			continue
		}
		object := site.Object
		object.Namespace = cmp.Or(object.Namespace, site.Policy.Namespace)
		from := fmt.Sprintf("%s %s/%s (%s:%d)", object.Kind, object.Namespace, object.Name, site.Path, site.Line())
		add(enclosing{object, from, site.Enclosing, x.Set.IgnoresEnclosing(policies[i])})
	}
	for _, a := range x.Set.Artifacts {
		if a.Enclosing == nil || a.Repository == nil {
			continue
		}
		if name, err := registry.Canonical(a.Repository.Image); err == nil && name == canonical {
			object := pinsetter.Object{Kind: "OCIRepository", Namespace: a.Name.Namespace, Name: a.Name.Name}
			add(enclosing{object, fmt.Sprintf("OCIRepository %s (%s:%d)", a.Name, a.Origin.Path, a.Origin.Line), a.Enclosing, false})
		}
	}
	return slices.DeleteFunc(all, func(e enclosing) bool { return e.ignored })
}

// enclosingRules returns the rules of objects that verify what they pull. One whose
// Secret isn't there becomes an unknown rule of the report.
func (x Examiner) enclosingRules(pullers []enclosing, r *Report) []*fleet.Trust {
	var rules []*fleet.Trust
	for _, e := range pullers {
		trust, err := x.Set.TrustOf(e.enclosing, e.from, e.object.Namespace)
		if err != nil {
			r.unknown(e.from, e.enclosing.Provider, err)
			continue
		}
		rules = append(rules, trust)
	}
	return rules
}

// accessOf returns an OCIRepository's access to an image, nil without a usable one.
func (x Examiner) accessOf(canonical string) *fleet.Repository {
	for _, a := range x.Set.Artifacts {
		if a.Err != nil || a.Repository == nil {
			continue
		}
		if name, err := registry.Canonical(a.Repository.Image); err == nil && name == canonical {
			return a.Repository
		}
	}
	return nil
}
