package setters

import (
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// Field is the position of a value in its document, which helps to tell the
// value's kind. The zero Field says nothing.
type Field struct {
	Object pinsetter.Object // the object in the document or item
	Path   []string         // keys from the object's root; "[]" is an item of a sequence

	Chart  bool // Helm reads it as a chart's version
	Label  bool // it is the "name" beside a "value", as of a variable or a parameter
	Sealed bool // encryption covers it: a change would make the file unreadable
	Twice  bool // its key, or one above it, is a duplicate in its mapping
}

// key returns the field's name in lower case, "" for an item of a sequence.
func (f Field) key() string {
	if len(f.Path) == 0 || f.Path[len(f.Path)-1] == "[]" {
		return ""
	}
	return strings.ToLower(f.Path[len(f.Path)-1])
}

// at reports whether this is the field at path in an object of a kind.
func (f Field) at(kind string, path ...string) bool {
	return f.Object.Kind == kind && slices.Equal(f.Path, path)
}

// holds returns the kind that the field's name suggests, or KindAny. It decides
// if a value alone doesn't: "latest" may be a tag or the name of an image.
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
// "1.x" is a range there. In other fields it is a tag.
func (f Field) takesRanges() bool {
	key := f.key()
	return f.Chart || strings.HasSuffix(key, "version") || key == "targetrevision" || key == "semver" || key == "range"
}

// scheme returns the scheme that a name in the field must have.
// Source-controller refuses an OCIRepository without it.
func (f Field) scheme() string {
	if f.at("OCIRepository", "spec", "url") {
		return "oci://"
	}
	return ""
}

// field returns the Field that is being visited.
func (t *trail) field() Field {
	f := Field{Object: t.scope.object, Path: t.path, Sealed: t.scope.sealed, Twice: t.isTwice()}
	f.Chart = !f.Twice && t.isChartVersion()
	f.Label = f.key() == "name" && child(t.around(), "value") != nil
	return f
}

// isChartVersion reports whether Helm reads the visited field as the version of
// a chart: in a HelmRelease or HelmChart, among the dependencies of a
// Chart.yaml, among kustomize's helmCharts, and in an Argo CD source that names
// a chart. Only there does a tag's "_" mean "+".
func (t *trail) isChartVersion() bool {
	path := t.path
	switch last := len(path) - 1; {
	case last < 0:
		return false
	case path[last] == "targetRevision":
		return isArgo(t.scope.object) && text(t.around(), "chart") != ""
	case path[last] != "version":
		return false
	case t.scope.object.Kind == "HelmRelease":
		return slices.Equal(path, []string{"spec", "chart", "spec", "version"})
	case t.scope.object.Kind == "HelmChart":
		return slices.Equal(path, []string{"spec", "version"})
	case t.scope.chart:
		return slices.Equal(path, []string{"dependencies", "[]", "version"})
	}
	return slices.Equal(path, []string{"helmCharts", "[]", "version"})
}

// isArgo reports whether an object deploys sources with Argo CD.
func isArgo(object pinsetter.Object) bool {
	return strings.HasPrefix(object.APIVersion, "argoproj.io/") &&
		(object.Kind == "Application" || object.Kind == "ApplicationSet")
}

// isSealed reports whether SOPS covers every value of a document with its MAC.
// Then not even unencrypted values can change without the key.
func isSealed(root *yaml.Node) bool {
	sops := child(root, "sops")
	return text(sops, "mac") != "" && text(sops, "mac_only_encrypted") != "true"
}
