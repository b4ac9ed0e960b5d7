package config

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/claim"
	"github.com/pinsetter/pinsetter/config/index"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/strict"
)

// objectReference leads to an object of any namespace, or to several.
type objectReference struct {
	Kind        string            `json:"kind"`
	Name        string            `json:"name"` // or fleet.AnyName
	Namespace   string            `json:"namespace"`
	MatchLabels map[string]string `json:"matchLabels"`
	Filter      string            `json:"filter"` // of a Receiver alone
}

// objectReference checks a reference; known are the kinds that it may mean here,
// others of Flux's being its own affair.
func (d *decoder) objectReference(path string, ref objectReference, known []string) {
	if d.require(path+".kind", ref.Kind) && !slices.Contains(known, ref.Kind) && !slices.Contains(fluxKinds, ref.Kind) {
		if near := strict.Suggest(ref.Kind, known); near != "" {
			d.fail(codeBadValue, path+".kind", "%q is no kind; did you mean %s?", ref.Kind, near)
		} else if !d.Blamed(path + ".kind") {
			d.object.Warn(codeBadValue, path+".kind", "%q is none of the kinds that Flux 2.9 allows here, and is passed over: write one of %s",
				ref.Kind, strings.Join(known, ", "))
		}
	}
	if ref.Name != fleet.AnyName {
		d.reference(path+".name", ref.Name)
	}
	d.namespace(path+".namespace", ref.Namespace)
}

// toldKinds are the kinds that events are about.
var toldKinds = append(slices.Clone(claim.ImageKinds), claim.KindArtifactAutomation)

// fluxKinds are the other kinds that Flux 2.9 allows in a reference
// (notification-controller api/v1, CrossNamespaceObjectReference).
var fluxKinds = []string{
	"Bucket", claim.KindGitRepository, "Kustomization", "HelmRelease", "HelmChart", "HelmRepository", "OCIRepository",
	"ArtifactGenerator", "ExternalArtifact",
}

// labelled returns the objects that were given of a reference's kind, namespace
// and name that have its labels, in no order.
func (l messenger) labelled(ref objectReference) []pinsetter.Object {
	var all []pinsetter.Object
	for key, o := range l.Objects {
		named := ref.Name == fleet.AnyName || ref.Name == key.Name.Name
		if named && key.Kind == ref.Kind && key.Name.Namespace == ref.Namespace && hasLabels(o, ref.MatchLabels) {
			all = append(all, pinsetter.Object{Kind: key.Kind, Namespace: key.Name.Namespace, Name: key.Name.Name})
		}
	}
	return all
}

func hasLabels(o *index.Object, wanted map[string]string) bool {
	for key, value := range wanted {
		if given, found := o.Labels[key]; !found || given != value {
			return false
		}
	}
	return true
}

func compareObjects(a, b pinsetter.Object) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
}

// sources returns what the alert's references select, sorted: objects, and
// fleet.AnyName for all of a kind and namespace.
func (l messenger) sources(a *alertDraft) []pinsetter.Object {
	var all []pinsetter.Object
	for i, ref := range a.spec.EventSources {
		ref.Namespace = cmp.Or(ref.Namespace, a.Name.Namespace)
		key := index.Key{Kind: ref.Kind, Name: pinsetter.Name{Namespace: ref.Namespace, Name: ref.Name}}
		switch {
		case !slices.Contains(toldKinds, ref.Kind):
		case !l.mayCross(a.Object, strict.Item("spec.eventSources", i), key):
		case len(ref.MatchLabels) > 0:
			all = append(all, l.labelled(ref)...)
		default:
			all = append(all, pinsetter.Object{Kind: ref.Kind, Namespace: ref.Namespace, Name: ref.Name})
		}
	}
	slices.SortFunc(all, compareObjects)
	return slices.Compact(all)
}
