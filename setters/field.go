package setters

import (
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// Field is where a value stands: what its bytes alone don't say. The zero Field
// says nothing.
type Field struct {
	Object pinsetter.Object // that the document or item holds
	Path   []string         // keys from the object's root; "[]" is an item of a sequence

	Chart  bool // Helm reads it as the version of a chart
	Sealed bool // an encryption covers it: changing it makes the file unreadable
	Twice  bool // its key, or one above it, stands twice in its mapping
}

// key returns the name of the field in lower case, "" for an item of a sequence.
func (f Field) key() string {
	if len(f.Path) == 0 || f.Path[len(f.Path)-1] == "[]" {
		return ""
	}
	return strings.ToLower(f.Path[len(f.Path)-1])
}

// at reports whether this is the field of a kind of object.
func (f Field) at(kind string, path ...string) bool {
	return f.Object.Kind == kind && slices.Equal(f.Path, path)
}

// holds returns the kind that the field's name promises, KindAny where it
// promises none. It decides where a value alone is no answer: "latest" may be a
// tag and the name of an image.
func (f Field) holds() pinsetter.Kind {
	key := f.key()
	switch {
	case f.Chart, strings.HasSuffix(key, "tag"), strings.HasSuffix(key, "version"), key == "targetrevision":
		return pinsetter.KindTag
	case strings.HasSuffix(key, "digest"):
		return pinsetter.KindDigest
	case strings.HasSuffix(key, "repository"), key == "newname", key == "registry", key == "repo", key == "url", key == "repourl":
		return pinsetter.KindName
	}
	return pinsetter.KindAny
}

// takesRanges reports whether the field may hold a range of versions, so that
// "1.x" is one there. As an image's tag it is a word like others.
func (f Field) takesRanges() bool {
	key := f.key()
	return f.Chart || strings.HasSuffix(key, "version") || key == "targetrevision" || key == "semver" || key == "range"
}

// scheme returns the scheme that the field demands of a name. Source-controller
// refuses an OCIRepository without it.
func (f Field) scheme() string {
	if f.at("OCIRepository", "spec", "url") {
		return "oci://"
	}
	return ""
}

// field returns the field that is visited.
func (s *search) field() Field {
	f := Field{Object: s.scope.object, Path: s.path, Sealed: s.scope.sealed, Twice: s.isTwice()}
	f.Chart = !f.Twice && s.isChartVersion()
	return f
}

// step is a key on the way to the node that is visited, or an item.
type step struct {
	in    *yaml.Node // the mapping; nil for an item
	known bool
	twice bool // once known: the key stands twice in its mapping, or one above does
}

func (s *search) push(key string, in *yaml.Node) {
	s.path = append(s.path, key)
	s.steps = append(s.steps, step{in: in})
}

func (s *search) pop() {
	s.path = s.path[:len(s.path)-1]
	s.steps = s.steps[:len(s.steps)-1]
}

// around returns the mapping that holds the visited value, nil for an item.
func (s *search) around() *yaml.Node {
	if len(s.steps) == 0 {
		return nil
	}
	return s.steps[len(s.steps)-1].in
}

// isTwice reports whether a key on the way to the node stands twice in its
// mapping. Each step is looked at once, however many markers are below it.
func (s *search) isTwice() bool {
	i := len(s.steps)
	for i > 0 && !s.steps[i-1].known {
		i--
	}
	twice := i > 0 && s.steps[i-1].twice
	for ; i < len(s.steps); i++ {
		in := s.steps[i].in
		twice = twice || in != nil && s.standsTwice(in, s.path[i])
		s.steps[i].known, s.steps[i].twice = true, twice
	}
	return twice
}

// fewKeys is up to how many keys a mapping is read anew for each of them, which
// is cheaper than a set; in a larger one that would take quadratic time.
const fewKeys = 32

// standsTwice reports whether a key stands more than once in a mapping.
func (s *search) standsTwice(mapping *yaml.Node, key string) bool {
	if len(mapping.Content) <= 2*fewKeys {
		n := 0
		for i := 0; i < len(mapping.Content); i += 2 {
			if k := mapping.Content[i]; k.Kind == yaml.ScalarNode && k.Value == key {
				n++
			}
		}
		return n > 1
	}
	keys, counted := s.counts[mapping]
	if !counted {
		keys = map[string]int{}
		for i := 0; i < len(mapping.Content); i += 2 {
			if k := mapping.Content[i]; k.Kind == yaml.ScalarNode {
				keys[k.Value]++
			}
		}
		if s.counts == nil {
			s.counts = map[*yaml.Node]map[string]int{}
		}
		s.counts[mapping] = keys
	}
	return keys[key] > 1
}

// isChartVersion reports whether Helm reads the visited field as the version of
// a chart: in a HelmRelease or HelmChart, among the dependencies of a Chart.yaml,
// among kustomize's helmCharts, and in an Argo CD source that names a chart. Only
// there a tag's "_" stands for "+".
func (s *search) isChartVersion() bool {
	path := s.path
	switch last := len(path) - 1; {
	case last < 0:
		return false
	case path[last] == "targetRevision":
		return isArgo(s.scope.object) && text(s.around(), "chart") != ""
	case path[last] != "version":
		return false
	case s.scope.object.Kind == "HelmRelease":
		return slices.Equal(path, []string{"spec", "chart", "spec", "version"})
	case s.scope.object.Kind == "HelmChart":
		return slices.Equal(path, []string{"spec", "version"})
	case s.scope.chart:
		return slices.Equal(path, []string{"dependencies", "[]", "version"})
	}
	return slices.Equal(path, []string{"helmCharts", "[]", "version"})
}

// isArgo reports whether an object deploys sources with Argo CD.
func isArgo(object pinsetter.Object) bool {
	return strings.HasPrefix(object.APIVersion, "argoproj.io/") &&
		(object.Kind == "Application" || object.Kind == "ApplicationSet")
}

// isSealed reports whether SOPS covers every value of a document with its MAC,
// the values that it left clear among them, so that none can change without the
// key.
func isSealed(root *yaml.Node) bool {
	sops := child(root, "sops")
	return text(sops, "mac") != "" && text(sops, "mac_only_encrypted") != "true"
}

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
