package adopt

import (
	"maps"
	"slices"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/spec"
)

// objects returns the objects of the groups that have references.
func (p *proposer) objects() []Object {
	var all []Object
	repositories := map[string]pinsetter.Name{}
	maps.Copy(repositories, p.o.Repositories)
	ages := map[time.Duration]bool{}
	for _, g := range p.order {
		if len(g.asks) == 0 {
			continue
		}
		repository, there := repositories[g.canonical]
		if !there {
			repository = pinsetter.Name{Namespace: p.o.Namespace, Name: p.base(g)}
			repositories[g.canonical] = repository
			all = append(all, g.repository(repository))
		}
		object := Policy(g.name, spec.ImagePolicySpec{
			ImageRepositoryRef:     spec.NamespacedObjectReference{Name: repository.Name},
			Policy:                 g.rung.Policy,
			FilterTags:             g.rung.Filter,
			DigestReflectionPolicy: reflected(g.reflects),
		})
		object.Labels = maps.Clone(p.o.Labels)
		if g.hint.MinAge > 0 {
			if object.Labels == nil {
				object.Labels = map[string]string{}
			}
			object.Labels[ageLabel] = durationText(g.hint.MinAge)
			if !ages[g.hint.MinAge] {
				ages[g.hint.MinAge] = true
				all = append(all, ageGate(p.o.Namespace, g.hint.MinAge))
			}
		}
		all = append(all, object)
	}
	return all
}

// reflected leaves the default out.
func reflected(r spec.ReflectionPolicy) spec.ReflectionPolicy {
	if r == spec.ReflectNever {
		return ""
	}
	return r
}

// ageLabel selects the policies of a Gate made of Renovate's minimumReleaseAge.
const ageLabel = "pinsetter.dev/min-age"

func ageGate(namespace string, d time.Duration) Object {
	return Gate(pinsetter.Name{Namespace: namespace, Name: "min-age-" + durationText(d)}, spec.GateSpec{
		MinAge:         &spec.Duration{Duration: d},
		PolicySelector: &spec.LabelSelector{MatchLabels: map[string]string{ageLabel: durationText(d)}},
	})
}

// repository returns the new object that lists the group's tags.
func (g *group) repository(name pinsetter.Name) Object {
	if index := g.asks[0].Index; index != nil {
		return ChartRepository(name, *index)
	}
	return Repository(name, spec.ImageRepositorySpec{Image: g.image()})
}

// image returns the spelling of the image's name that most references have which
// show it beside the tag: a marker there writes the policy's.
func (g *group) image() string {
	count := map[string]int{}
	best := g.asks[0].Image.Name
	for _, a := range g.asks {
		if a.Values[0].Part == pinsetter.PartReference {
			count[a.Image.Name]++
		}
	}
	for _, name := range slices.Sorted(maps.Keys(count)) {
		if count[name] > count[best] {
			best = name
		}
	}
	return best
}
