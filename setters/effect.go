package setters

import (
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
	digest, semver := child(in, "digest"), child(in, "semver")
	switch {
	case isWritten(digest) && !strings.Contains(digest.LineComment, token):
		s.file.report(pinsetter.Warning, CodeNoEffect, m.Line, form, "digest", s.lineOf(digest),
			"mark the digest too, with :digest, or remove it")
	case isWritten(digest), !isWritten(semver):
	case s.scope.object.Kind == "OCIRepository":
		s.file.report(pinsetter.Warning, CodeNoEffect, m.Line, form, "semver range", s.lineOf(semver), "remove one of the two")
	}
}

// isWritten reports whether a node is a scalar with a value.
func isWritten(node *yaml.Node) bool {
	return node != nil && node.Kind == yaml.ScalarNode && node.Value != "" && node.Tag != yaml.NodeTagNull
}

// lineOf returns the line of the file in which a node stands.
func (s *search) lineOf(node *yaml.Node) int { return s.tokens.firstLine + node.Line - 1 }
