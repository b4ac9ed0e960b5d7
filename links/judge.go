package links

import (
	"fmt"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/spec"
	"github.com/pinsetter/pinsetter/strict"
)

// The codes of findings.
const (
	CodeNowhere    = "leads-nowhere"
	CodeChartLayer = "chart-layer"
	CodeSourceKind = "source-kind"
)

// Codes explains each code of a finding in one line.
var Codes = map[string]string{
	CodeNowhere:    "a HelmRelease or HelmChart refers to a source that was not given",
	CodeChartLayer: "a HelmRelease takes its chart from an OCIRepository without layerSelector",
	CodeSourceKind: "a HelmRelease or HelmChart refers to a kind of source that Flux refuses there",
}

// Graph is the objects of all files that were handed in.
type Graph struct {
	objects []*Object
	byName  map[string][]*Object // by kind and name, whatever their namespace
	kinds   map[string]bool
	renamed bool // some kustomization puts something before or behind names
}

// Add adds the objects of a file.
func (g *Graph) Add(objects ...*Object) {
	if g.byName == nil {
		g.byName, g.kinds = map[string][]*Object{}, map[string]bool{}
	}
	for _, o := range objects {
		g.objects = append(g.objects, o)
		key := o.Kind + "/" + o.Name.Name
		g.byName[key] = append(g.byName[key], o)
		g.kinds[o.Kind] = true
	}
}

// Rename says that names of the objects may get a prefix or suffix.
func (g *Graph) Rename() { g.renamed = true }

// Findings says what can't work, in the order in which the objects were added.
func (g *Graph) Findings() []pinsetter.Finding {
	var findings []pinsetter.Finding
	absent := map[string][]pinsetter.Finding{} // by a kind of which nothing was given
	for _, o := range g.objects {
		for _, ref := range o.Refs {
			if strings.Contains(ref.Name.Name, "$") || strings.Contains(ref.Kind, "$") {
				continue
			}
			switch found := g.find(ref); {
			case refused(o, ref) != "":
				findings = append(findings, say(o, ref, pinsetter.Error, CodeSourceKind, refused(o, ref)))
			case len(found) == 0 && !g.mayBeRenamed(ref) && g.kinds[ref.Kind]:
				findings = append(findings, say(o, ref, pinsetter.Warning, CodeNowhere, fmt.Sprintf(
					"%s %s was not given%s: mend the name, or hand in what holds it (-f, --dir)", ref.Kind, shown(ref.Name), g.near(ref))))
			case len(found) == 0 && !g.kinds[ref.Kind]:
				absent[ref.Kind] = append(absent[ref.Kind], say(o, ref, pinsetter.Warning, CodeNowhere, fmt.Sprintf(
					"%s %s was not given, nor any other %s: hand in what holds it (-f, --dir)", ref.Kind, shown(ref.Name), ref.Kind)))
			case ref.Field == "spec.chartRef" && ref.Kind == KindOCI && len(found) > 0 && layerless(found):
				findings = append(findings, say(o, ref, pinsetter.Warning, CodeChartLayer, fmt.Sprintf(
					"%s (%s:%d) has no layerSelector, so that Flux takes its first layer, which may be the chart's signature: "+
						"write layerSelector: {mediaType: %s, operation: copy} there", found[0], found[0].Path, found[0].Line, spec.ChartLayer)))
			}
		}
	}
	for _, each := range absent { // sorted with all others
		first := each[0]
		if n := len(each) - 1; n > 0 {
			first.Message += fmt.Sprintf("; so do %s", pinsetter.Count(n, "other reference"))
		}
		findings = append(findings, first)
	}
	return findings
}

func say(o *Object, ref Ref, severity pinsetter.Severity, code, text string) pinsetter.Finding {
	return pinsetter.Finding{Severity: severity, Code: code, Path: o.Path, Line: ref.Line,
		Message: pinsetter.Printable(fmt.Sprintf("%s: %s: %s", o, ref.Field, text))}
}

// refused says why Flux's schema refuses a kind of source in a field, "" if it takes
// it. helm-controller 1.5 and source-controller 1.9 have these kinds.
func refused(o *Object, ref Ref) string {
	if ref.Field == "spec.chartRef" {
		switch ref.Kind {
		case KindOCI, KindHelmChart, "ExternalArtifact":
			return ""
		case KindHelm, KindGit, KindBucket:
			return fmt.Sprintf("Flux refuses kind %s here: write spec.chart.spec.sourceRef, with the chart's name and version beside it", ref.Kind)
		}
		return fmt.Sprintf("Flux refuses kind %q here: write OCIRepository or HelmChart", ref.Kind)
	}
	switch ref.Kind {
	case KindHelm, KindGit, KindBucket:
		return ""
	case KindOCI:
		if o.Kind == KindHelmRelease {
			return "Flux refuses kind OCIRepository here: write spec.chartRef: {kind: OCIRepository, name: " + ref.Name.Name + "} in place of spec.chart; the version moves to the OCIRepository's spec.ref"
		}
		return "Flux refuses kind OCIRepository here: a HelmRelease refers to it by spec.chartRef, without a HelmChart"
	}
	return fmt.Sprintf("Flux refuses kind %q here: write HelmRepository, GitRepository or Bucket", ref.Kind)
}

// find returns what a reference may lead to. A namespace that isn't written may be
// any: a kustomization sets it.
func (g *Graph) find(ref Ref) []*Object {
	var found []*Object
	for _, o := range g.byName[ref.Kind+"/"+ref.Name.Name] {
		if o.Name.Namespace == "" || ref.Name.Namespace == "" || o.Name.Namespace == ref.Name.Namespace {
			found = append(found, o)
		}
	}
	return found
}

// mayBeRenamed reports whether a kustomization may give a source the name that is
// referred to.
func (g *Graph) mayBeRenamed(ref Ref) bool {
	for _, o := range g.objects {
		if g.renamed && o.Kind == ref.Kind && strings.Contains(ref.Name.Name, o.Name.Name) {
			return true
		}
	}
	return false
}

// near returns what to add where there is one of that name elsewhere, or of nearly
// that name.
func (g *Graph) near(ref Ref) string {
	for _, o := range g.byName[ref.Kind+"/"+ref.Name.Name] {
		return fmt.Sprintf("; there is one in namespace %s (%s:%d)", o.Name.Namespace, o.Path, o.Line)
	}
	var names []string
	for _, o := range g.objects {
		if o.Kind == ref.Kind {
			names = append(names, o.Name.Name)
		}
	}
	if meant := strict.Suggest(ref.Name.Name, names); meant != "" {
		return "; did you mean " + meant + "?"
	}
	return ""
}

// layerless reports whether no object of a name says which layer is the chart: one
// file may have the object, and another a patch of it.
func layerless(objects []*Object) bool {
	for _, o := range objects {
		if o.Layer != "" {
			return false
		}
	}
	return true
}
