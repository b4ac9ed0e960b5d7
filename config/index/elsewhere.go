package index

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/claim"
	"github.com/pinsetter/pinsetter/strict"
)

// NotGiven says of an object that refers to another that the other is not there, and
// where one of that name is.
func (x *Index) NotGiven(o *Object, key Key) string {
	return fmt.Sprintf("%s %s was not given%s%s", key.Kind, key.Name, o.Hint(key.Name.Name), x.Elsewhere(o, key))
}

// maxPlaces is how many places one message names.
const maxPlaces = 3

// Elsewhere returns what to add to a message about a missing object if objects of
// that kind and name are in other namespaces, or one of nearly that name is there.
func (x *Index) Elsewhere(o *Object, key Key) string {
	others := x.sameName(key)
	if len(others) == 0 {
		return x.misspelt(key)
	}
	var places []string
	unplaced := !o.namespaced
	for i, other := range others {
		if i == maxPlaces {
			places = append(places, "and others")
			break
		}
		places = append(places, fmt.Sprintf("%s (%s)", other.Name.Namespace, other.Place()))
		unplaced = unplaced || !other.namespaced
	}
	hint := "; there is one in namespace " + strings.Join(places, ", ")
	if unplaced {
		return hint + ": a kustomization may have set the namespace that is missing here, so build it (-k DIR), or set metadata.namespace"
	}
	if o.Kind == claim.KindPullRequest { // its reference has no namespace
		return hint + ": it is looked for in the object's own namespace, so set metadata.namespace, if it is meant"
	}
	if key.Kind == claim.KindSecret || key.Kind == claim.KindServiceAccount {
		return hint + fmt.Sprintf(", and a %s is looked for in the namespace of what uses it", key.Kind)
	}
	return hint + ": set the reference's namespace, if it is meant"
}

// misspelt returns what to add where a name is nearly that of an object beside it.
func (x *Index) misspelt(key Key) string {
	var names []string
	for k := range x.Objects {
		if k.Kind == key.Kind && k.Name.Namespace == key.Name.Namespace {
			names = append(names, k.Name.Name)
		}
	}
	slices.Sort(names) // of equally near ones the first is meant
	if near := strict.Suggest(key.Name.Name, names); near != "" {
		return fmt.Sprintf("; did you mean %s?", near)
	}
	return ""
}

// sameName returns the objects of a kind and name, whatever their namespace,
// sorted.
func (x *Index) sameName(key Key) []*Object {
	if x.byName == nil {
		x.byName = map[Key][]*Object{}
		for k, o := range x.Objects {
			k.Name.Namespace = ""
			x.byName[k] = append(x.byName[k], o)
		}
	}
	key.Name = pinsetter.Name{Name: key.Name.Name}
	return slices.SortedFunc(slices.Values(x.byName[key]), func(a, b *Object) int { return a.Name.Compare(b.Name) })
}
