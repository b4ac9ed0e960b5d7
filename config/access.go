package config

import (
	"fmt"

	"github.com/pinsetter/pinsetter/config/index"
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
func (l *loader) mayUse(p *index.Object, r *repositoryDraft) bool {
	namespace := p.Name.Namespace
	if namespace == r.Name.Namespace {
		return true
	}
	const field = "spec.imageRepositoryRef"
	access := r.out.Spec.AccessFrom
	if access == nil {
		p.Fail(codeAccessDenied, field, "%s (%s) allows its own namespace alone: add spec.accessFrom.namespaceSelectors there", r, r.Place())
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
	at := fmt.Sprintf("%s:%d", r.Origin.Path, r.Line("spec.accessFrom"))
	if undecided {
		p.Fail(codeNamespaceLabels, field, "spec.accessFrom of %s (%s) selects by labels of Namespace %s, which was not given: hand it in with its labels", r, at, namespace)
	} else {
		p.Fail(codeAccessDenied, field, "spec.accessFrom of %s (%s) does not allow namespace %s: add a selector for it", r, at, namespace)
	}
	return false
}

// mayCross reports whether an object may refer to that namespace, and reports to the
// object if not. At is the field of the reference.
func (l *loader) mayCross(o *index.Object, at string, key index.Key) bool {
	if key.Name.Namespace == o.Name.Namespace || !l.opts.NoCrossNamespaceRefs {
		return true
	}
	o.Fail(codeAccessDenied, at, "%s %s is in another namespace, which --no-cross-namespace-refs forbids: refer to one in %s", key.Kind, key.Name, o.Name.Namespace)
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
		case given == nil || given.Needed().Broken():
			result = unknown
		default:
			if value, found := given.Labels[key]; !found || value != want {
				return no
			}
		}
	}
	return result
}

// missing reports a reference to an object that was not given, and where there
// is one of that name elsewhere.
func (l *loader) missing(o *index.Object, field string, key index.Key) {
	o.Fail(codeMissingObject, field, "%s", l.NotGiven(o, key))
}
