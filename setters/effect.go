package setters

import (
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// outweighed reports a marked tag beside an unmarked field that wins over it,
// so that a new tag alone changes nothing.
func (s *search) outweighed(m pinsetter.Marker) {
	in, last := s.around(), len(s.path)-1
	if m.Part != pinsetter.PartTag || m.Kind != pinsetter.KindTag || in == nil || s.path[last] != "tag" && s.path[last] != "newTag" {
		return
	}
	const form = "the new tag has no effect beside the %s of line %d, which wins over it: %s"
	if digest := child(in, "digest"); isWritten(digest) {
		if !strings.Contains(digest.LineComment, token) {
			s.file.report(pinsetter.Warning, CodeNoEffect, m.Line, form, "digest", s.lineOf(digest),
				"mark the digest too, with :digest, or remove it")
		}
		return
	}
	for _, w := range winners[s.scope.object.Kind] {
		if over := child(in, w.key); isWritten(over) && slices.Equal(s.path, []string{"spec", "ref", "tag"}) {
			s.file.report(pinsetter.Warning, CodeNoEffect, m.Line, form, w.noun, s.lineOf(over), "remove one of the two")
			return
		}
	}
}

// winners are the fields of spec.ref that source-controller prefers to tag, by
// kind of object; the first one that is set wins. The API says the same about a
// GitRepository's semver, but in fact the tag wins (fluxcd/pkg/git v0.57.0,
// gogit.Client.clone).
var winners = map[string][]struct{ key, noun string }{
	"OCIRepository": {{"semver", "semver range"}},
	"GitRepository": {{"commit", "commit"}, {"name", "name"}},
}

// isWritten reports whether a node is a scalar with a value.
func isWritten(node *yaml.Node) bool {
	return node != nil && node.Kind == yaml.ScalarNode && node.Value != "" && node.Tag != yaml.NodeTagNull
}

// lineOf returns the line of the file that a node is on.
func (s *search) lineOf(node *yaml.Node) int { return s.tokens.firstLine + node.Line - 1 }
