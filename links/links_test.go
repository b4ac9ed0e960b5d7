package links_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/links"
	"github.com/pinsetter/pinsetter/parts/budget"
	"github.com/pinsetter/pinsetter/source"
)

// source of a kind, with that name and the rest of its spec.
func sourceOf(kind, name, spec string) string {
	return "---\napiVersion: source.toolkit.fluxcd.io/v1\nkind: " + kind + "\nmetadata: {" + name + "}\nspec: {" + spec + "}\n"
}

func release(name, spec string) string {
	return "---\napiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {" + name + "}\nspec: {" + spec + "}\n"
}

const (
	chartRef = "chartRef: {kind: OCIRepository, name: app}"
	layer    = "url: oci://r/app, layerSelector: {mediaType: application/vnd.cncf.helm.chart.content.v1.tar+gzip, operation: copy}"
)

func sourceRef(ref string) string { return "chart: {spec: {chart: app, sourceRef: {" + ref + "}}}" }

func TestFindings(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"right", sourceOf("OCIRepository", "name: app", layer) + release("name: app", chartRef), ""},
		{"right, of a range", sourceOf("OCIRepository", "name: app", layer+", ref: {semver: 1.x}") + release("name: app", chartRef), ""},
		{"no layer", sourceOf("OCIRepository", "name: app, namespace: x", "url: oci://r/app") + release("name: app, namespace: x", chartRef),
			"warning in.yaml:10: HelmRelease x/app: spec.chartRef: OCIRepository x/app (in.yaml:2) has no layerSelector, so that Flux takes its first layer, which may be the chart's signature: write layerSelector: {mediaType: application/vnd.cncf.helm.chart.content.v1.tar+gzip, operation: copy} there [chart-layer]"},
		{"a layer without media type", sourceOf("OCIRepository", "name: app", "layerSelector: {operation: copy}") + release("name: app", chartRef), "has no layerSelector"},
		{"a patch has the layer", sourceOf("OCIRepository", "name: app", "url: oci://r/app") + sourceOf("OCIRepository", "name: app", layer) + release("name: app", chartRef), ""},
		{"no layer, of manifests", sourceOf("OCIRepository", "name: app", "url: oci://r/app"), ""},

		{"nowhere", sourceOf("OCIRepository", "name: ap", layer) + release("name: app", chartRef),
			"warning in.yaml:10: HelmRelease app: spec.chartRef: OCIRepository app was not given; did you mean ap?: mend the name, or hand in what holds it (-f, --dir) [leads-nowhere]"},
		{"nowhere in that namespace", sourceOf("OCIRepository", "name: app, namespace: y", layer) + release("name: app, namespace: x", chartRef),
			"OCIRepository x/app was not given; there is one in namespace y (in.yaml:2): mend"},
		{"with the namespace", sourceOf("OCIRepository", "name: app, namespace: y", layer) + release("name: app, namespace: x", "chartRef: {kind: OCIRepository, name: app, namespace: y}"), ""},
		{"a namespace that a kustomization sets", sourceOf("OCIRepository", "name: app", layer) + release("name: app, namespace: x", chartRef), ""},
		{"nothing of that kind", release("name: a", chartRef) + release("name: b", chartRef),
			"HelmRelease a: spec.chartRef: OCIRepository app was not given, nor any other OCIRepository: hand in what holds it (-f, --dir); so do 1 other reference"},
		{"a variable", sourceOf("OCIRepository", "name: x", layer) + release("name: app", "chartRef: {kind: OCIRepository, name: '${app}'}"), ""},
		{"a chart", sourceOf("HelmChart", "name: app", "chart: app, sourceRef: {kind: HelmRepository, name: r}") + sourceOf("HelmRepository", "name: r", "url: https://x") + release("name: app", "chartRef: {kind: HelmChart, name: app}"), ""},
		{"a chart that leads nowhere", sourceOf("HelmChart", "name: app", "chart: app, sourceRef: {kind: HelmRepository, name: r}") + sourceOf("HelmRepository", "name: s", "url: https://x"),
			"HelmChart app: spec.sourceRef: HelmRepository r was not given"},
		{"a repository", sourceOf("HelmRepository", "name: r", "url: https://x") + release("name: app", sourceRef("kind: HelmRepository, name: r")), ""},
		{"a repository that leads nowhere", sourceOf("HelmRepository", "name: s", "url: https://x") + release("name: app", sourceRef("kind: HelmRepository, name: r")),
			"HelmRelease app: spec.chart.spec.sourceRef: HelmRepository r was not given"},
		{"an OCIRepository as sourceRef", sourceOf("OCIRepository", "name: app", layer) + release("name: app", sourceRef("kind: OCIRepository, name: app")),
			"error in.yaml:10: HelmRelease app: spec.chart.spec.sourceRef: Flux refuses kind OCIRepository here: write spec.chartRef: {kind: OCIRepository, name: app} in place of spec.chart"},
		{"an OCIRepository of a chart", sourceOf("HelmChart", "name: app", "sourceRef: {kind: OCIRepository, name: app}"), "error in.yaml:5: HelmChart app: spec.sourceRef: Flux refuses kind OCIRepository here"},
		{"a repository as chartRef", sourceOf("HelmRepository", "name: app", "url: https://x") + release("name: app", "chartRef: {kind: HelmRepository, name: app}"),
			"Flux refuses kind HelmRepository here: write spec.chart.spec.sourceRef"},
		{"another kind", release("name: app", sourceRef("kind: Kustomization, name: app")), `Flux refuses kind "Kustomization" here`},
		{"of another group", strings.ReplaceAll(release("name: app", chartRef), "helm.toolkit", "x.toolkit"), ""},
		{"a template", "# {{ x }}\n" + strings.TrimPrefix(release("name: app", chartRef), "---\n"), ""},
		{"no YAML", release("name: app", chartRef+", ["), ""},
		{"in a list", "apiVersion: v1\nkind: List\nitems:\n- apiVersion: helm.toolkit.fluxcd.io/v2\n  kind: HelmRelease\n  metadata: {name: app}\n  spec: {" + chartRef + "}\n",
			"warning in.yaml:7: HelmRelease app: spec.chartRef: OCIRepository app was not given"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var g links.Graph
			g.Add(links.Read(source.File{Path: "in.yaml", Data: []byte(test.text)})...)
			said := ""
			for _, f := range g.Findings() {
				said += string(f.Severity) + " " + f.String() + " [" + f.Code + "]\n"
			}
			if !strings.Contains(said, test.want) || test.want == "" && said != "" || strings.Count(said, "\n") > 1 {
				t.Errorf("said\n%s, not\n%s", said, test.want)
			}
		})
	}
}

// TestRenamed: a kustomization's prefix may be what makes a reference right.
func TestRenamed(t *testing.T) {
	read := links.Read(source.File{Path: "in.yaml", Data: []byte(sourceOf("OCIRepository", "name: app", layer) + release("name: app", "chartRef: {kind: OCIRepository, name: dev-app}"))})
	var plain, renamed links.Graph
	plain.Add(read...)
	renamed.Add(read...)
	renamed.Rename()
	if len(plain.Findings()) != 1 || len(renamed.Findings()) != 0 {
		t.Errorf("%v, %v", plain.Findings(), renamed.Findings())
	}
}

// FuzzRead: whatever is in a file, each object has a name and a line of the file.
func FuzzRead(f *testing.F) {
	f.Add(sourceOf("OCIRepository", "name: app", layer) + release("name: app", chartRef))
	f.Add("apiVersion: v1\nkind: List\nitems: [{apiVersion: source.toolkit.fluxcd.io/v1, kind: HelmRepository, metadata: {name: a}}]")
	f.Add("a: &a {apiVersion: helm.toolkit.fluxcd.io/v2}\n<<: *a\nkind: HelmRelease\nmetadata: &m {name: x}\nspec: {chartRef: *m}\n")
	f.Fuzz(func(t *testing.T, text string) {
		budget.Affords(t, len(text), func() {
			objects := links.Read(source.File{Path: "in.yaml", Data: []byte(text)})
			lines := strings.Count(text, "\n") + strings.Count(text, "\r") + strings.Count(text, "\u0085") + strings.Count(text, "\u2028") + strings.Count(text, "\u2029") + 1
			if slices.ContainsFunc(objects, func(o *links.Object) bool { return o.Name.Name == "" || o.Line < 1 || o.Line > lines }) {
				t.Errorf("%+v", objects)
			}
			var g links.Graph
			g.Add(objects...)
			g.Findings()
		})
	})
}
