package setters

import (
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// outweighed reports a marked tag beside something unmarked that wins over it, so
// that a new tag alone changes nothing.
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

// winners are the fields of spec.ref that source-controller reads rather than
// tag, by the kind of its object; the first one that is written wins. Of a
// GitRepository's semver the API says so too, but the tag wins
// (fluxcd/pkg/git v0.57.0, gogit.Client.clone).
var winners = map[string][]struct{ key, noun string }{
	"OCIRepository": {{"semver", "semver range"}},
	"GitRepository": {{"commit", "commit"}, {"name", "name"}},
}

// isWritten reports whether a node is a scalar with a value.
func isWritten(node *yaml.Node) bool {
	return node != nil && node.Kind == yaml.ScalarNode && node.Value != "" && node.Tag != yaml.NodeTagNull
}

// lineOf returns the line of the file in which a node stands.
func (s *search) lineOf(node *yaml.Node) int { return s.tokens.firstLine + node.Line - 1 }
