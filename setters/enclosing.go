package setters

import (
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// Groups of Flux whose objects verify what they pull.
const (
	sourceGroup = "source.toolkit.fluxcd.io/"
	helmGroup   = "helm.toolkit.fluxcd.io/"
)

// pulls are the fields that name what an object itself pulls, with the mapping that
// has its verify.
var pulls = []struct {
	group, kind string
	path        []string
	holder      []string
}{
	{sourceGroup, "OCIRepository", []string{"spec", "url"}, []string{"spec"}},
	{sourceGroup, "OCIRepository", []string{"spec", "ref", "tag"}, []string{"spec"}},
	{sourceGroup, "OCIRepository", []string{"spec", "ref", "digest"}, []string{"spec"}},
	{sourceGroup, "HelmChart", []string{"spec", "version"}, []string{"spec"}},
	{helmGroup, "HelmRelease", []string{"spec", "chart", "spec", "version"}, []string{"spec", "chart", "spec"}},
}

// enclosing returns what the object says of the signatures of what the visited field
// names; nil if it says nothing, or the field names something else.
func (t *trail) enclosing() *pinsetter.Enclosing {
	object := t.scope.object
	for _, p := range pulls {
		if object.Kind != p.kind || !strings.HasPrefix(object.APIVersion, p.group) || !slices.Equal(t.path, p.path) {
			continue
		}
		holder := t.scope.node
		for _, key := range p.holder {
			if hidden(holder, key) {
				return &pinsetter.Enclosing{Unread: "its " + strings.Join(p.holder, ".") + " is given twice, or by a merge key"}
			}
			holder = child(holder, key)
		}
		return verifyIn(holder)
	}
	return nil
}

// hidden reports whether a mapping may have a key that child doesn't find, or has
// it twice.
func hidden(mapping *yaml.Node, key string) bool {
	if mapping == nil || mapping.Kind != yaml.MappingNode {
		return false
	}
	times, merged := 0, false
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		switch mapping.Content[i].Value {
		case key:
			times++
		case "<<":
			merged = true
		}
	}
	return times > 1 || merged && times == 0
}

// nameIn returns the name in a reference, "" without one. It reports whether that is
// what a reader of YAML finds: otherwise nothing is known of what is trusted.
func nameIn(verify *yaml.Node, field string) (string, bool) {
	reference := child(verify, field)
	if reference == nil || reference.Kind == yaml.ScalarNode && reference.Tag == yaml.NodeTagNull {
		return "", true
	}
	if reference.Kind != yaml.MappingNode || hidden(reference, "name") {
		return "", false
	}
	name := text(reference, "name")
	return strings.Clone(name), name != ""
}

// verifyIn reads verify of a mapping, as the CRD has it.
func verifyIn(holder *yaml.Node) *pinsetter.Enclosing {
	if hidden(holder, "verify") {
		return &pinsetter.Enclosing{Unread: "its verify is given twice, or may be by a merge key"}
	}
	verify := child(holder, "verify")
	switch {
	case verify == nil || verify.Kind == yaml.ScalarNode && verify.Tag == yaml.NodeTagNull:
		return nil
	case verify.Kind != yaml.MappingNode:
		return &pinsetter.Enclosing{Unread: "its verify is no mapping"}
	case hidden(verify, "provider"), hidden(verify, "secretRef"), hidden(verify, "matchOIDCIdentity"), hidden(verify, "trustedRootSecretRef"):
		return &pinsetter.Enclosing{Unread: "a field of its verify is given twice, or by a merge key"}
	}
	secret, isSecret := nameIn(verify, "secretRef")
	root, isRoot := nameIn(verify, "trustedRootSecretRef")
	if !isSecret || !isRoot {
		return &pinsetter.Enclosing{Unread: "the name in its secretRef or trustedRootSecretRef isn't one, is given twice, or by a merge key"}
	}
	found := &pinsetter.Enclosing{Provider: "cosign", Secret: secret, Root: root}
	if child(verify, "provider") != nil {
		found.Provider = strings.Clone(text(verify, "provider"))
	}
	identities := child(verify, "matchOIDCIdentity")
	switch {
	case identities == nil || identities.Kind == yaml.ScalarNode && identities.Tag == yaml.NodeTagNull:
		return found
	case identities.Kind != yaml.SequenceNode:
		return &pinsetter.Enclosing{Unread: "matchOIDCIdentity of its verify is no list"}
	}
	for _, item := range identities.Content {
		item = target(item)
		if hidden(item, "issuer") || hidden(item, "subject") {
			return &pinsetter.Enclosing{Unread: "a field of its matchOIDCIdentity is given twice, or by a merge key"}
		}
		issuer, subject := strings.Clone(text(item, "issuer")), strings.Clone(text(item, "subject"))
		found.Identities = append(found.Identities, pinsetter.Identity{Issuer: issuer, Subject: subject})
	}
	return found
}
