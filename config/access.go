package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/strict"
)

// namespaceNameLabel is on every Namespace; a cluster sets it to the name.
const namespaceNameLabel = "kubernetes.io/metadata.name"

// answer is what a selector says of a namespace.
type answer uint8

const (
	no      answer = iota
	unknown        // the Namespace's labels would have to be known
	yes
)

// mayUse reports whether a policy may refer to r, and reports to the policy why
// not.
func (l *loader) mayUse(p *object, r *repositoryDraft) bool {
	namespace := p.name.Namespace
	if namespace == r.name.Namespace {
		return true
	}
	const field = "spec.imageRepositoryRef"
	access := r.out.Spec.AccessFrom
	if access == nil {
		p.fail(codeAccessDenied, field, "%s (%s) allows its own namespace alone: add spec.accessFrom.namespaceSelectors there", r, r.place())
		return false
	}
	undecided := false
	for _, selector := range access.NamespaceSelectors {
		switch l.selects(selector.MatchLabels, namespace) {
		case yes:
			return true
		case unknown:
			undecided = true
		}
	}
	at := fmt.Sprintf("%s:%d", r.origin.Path, r.line("spec.accessFrom"))
	if undecided {
		p.fail(codeNamespaceLabels, field, "spec.accessFrom of %s (%s) selects by labels of Namespace %s, which was not given: hand it in with its labels", r, at, namespace)
	} else {
		p.fail(codeAccessDenied, field, "spec.accessFrom of %s (%s) does not allow namespace %s: add a selector for it", r, at, namespace)
	}
	return false
}

// mayCross reports whether an object may refer to that namespace, and reports to the
// object if not. At is the field of the reference.
func (l *loader) mayCross(o *object, at string, key objectKey) bool {
	if key.name.Namespace == o.name.Namespace || !l.opts.NoCrossNamespaceRefs {
		return true
	}
	o.fail(codeAccessDenied, at, "%s %s is in another namespace, which --no-cross-namespace-refs forbids: refer to one in %s", key.kind, key.name, o.name.Namespace)
	return false
}

// selects says whether a selector's labels, ANDed, match a namespace. No labels
// match all.
func (l *loader) selects(labels map[string]string, namespace string) answer {
	given := l.namespaces[namespace]
	result := yes
	for key, want := range labels {
		switch {
		case key == namespaceNameLabel:
			if want != namespace {
				return no
			}
		case given == nil || given.needed().broken():
			result = unknown
		default:
			if value, found := given.labels[key]; !found || value != want {
				return no
			}
		}
	}
	return result
}

// missing reports a reference to an object that was not given, and where there
// is one of that name elsewhere.
func (l *loader) missing(o *object, field string, key objectKey) {
	o.fail(codeMissingObject, field, "%s", l.notGiven(o, key))
}

func (l *loader) notGiven(o *object, key objectKey) string {
	return fmt.Sprintf("%s %s was not given%s%s", key.kind, key.name, o.hint(key.name.Name), l.elsewhere(o, key))
}

// maxPlaces is how many places one message names.
const maxPlaces = 3

// elsewhere returns what to add to a message about a missing object if objects of
// that kind and name are in other namespaces, or one of nearly that name is there.
func (l *loader) elsewhere(o *object, key objectKey) string {
	others := l.sameName(key)
	if len(others) == 0 {
		return l.misspelt(key)
	}
	var places []string
	unplaced := !o.namespaced
	for i, other := range others {
		if i == maxPlaces {
			places = append(places, "and others")
			break
		}
		places = append(places, fmt.Sprintf("%s (%s)", other.name.Namespace, other.place()))
		unplaced = unplaced || !other.namespaced
	}
	hint := "; there is one in namespace " + strings.Join(places, ", ")
	if unplaced {
		return hint + ": a kustomization may have set the namespace that is missing here, so build it (-k DIR), or set metadata.namespace"
	}
	if o.kind == kindProposal { // its reference has no namespace
		return hint + ": it is looked for in the object's own namespace, so set metadata.namespace, if it is meant"
	}
	if key.kind == kindSecret || key.kind == kindAccount {
		return hint + fmt.Sprintf(", and a %s is looked for in the namespace of what uses it", key.kind)
	}
	return hint + ": set the reference's namespace, if it is meant"
}

// misspelt returns what to add where a name is nearly that of an object beside it.
func (l *loader) misspelt(key objectKey) string {
	var names []string
	for k := range l.objects {
		if k.kind == key.kind && k.name.Namespace == key.name.Namespace {
			names = append(names, k.name.Name)
		}
	}
	slices.Sort(names) // of equally near ones the first is meant
	if near := strict.Suggest(key.name.Name, names); near != "" {
		return fmt.Sprintf("; did you mean %s?", near)
	}
	return ""
}

// sameName returns the objects of a kind and name, whatever their namespace,
// sorted.
func (l *loader) sameName(key objectKey) []*object {
	if l.byName == nil {
		l.byName = map[objectKey][]*object{}
		for k, o := range l.objects {
			k.name.Namespace = ""
			l.byName[k] = append(l.byName[k], o)
		}
	}
	key.name = pinsetter.Name{Name: key.name.Name}
	return slices.SortedFunc(slices.Values(l.byName[key]), func(a, b *object) int { return a.name.Compare(b.name) })
}
