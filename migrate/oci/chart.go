package oci

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/migrate"
	"github.com/pinsetter/pinsetter/setters"
	"github.com/pinsetter/pinsetter/spec"
	"github.com/pinsetter/pinsetter/strict"
)

// ociScheme is before the address of a registry.
const ociScheme = "oci://"

// exactVersion matches the version of a chart that is no range.
var exactVersion = pinsetter.Pattern(`^v?[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`)

// chart is what a HelmRelease says of its chart.
type chart struct {
	block
	field, spec, sourceRef *strict.Node
	name, version          string
}

func (c chart) String() string {
	return strings.TrimSpace(fmt.Sprintf("chart %s %s", c.name, c.version))
}

// release moves a HelmRelease whose chart a HelmRepository of type oci has.
func (t *translation) release(user *object) {
	c := chart{field: strict.Target(strict.Child(user.spec, "chart"))}
	if c.field == nil || user.isPatch() {
		return // it has a chartRef, or is judged with what it patches
	}
	c.spec = strict.Target(strict.Child(c.field, "spec"))
	c.sourceRef = strict.Target(strict.Child(c.spec, "sourceRef"))
	c.name, c.version = textOf(c.spec, "chart"), textOf(c.spec, "version")
	from, reason := t.repositoryOf(user, c)
	switch {
	case reason != "":
		t.skip(user, c.String(), "%s", reason)
		return
	case from == nil:
		return
	}
	said := c.String() + " of " + from.String()
	if reason := t.unmovable(user, from, &c); reason != "" {
		t.skip(user, said, "%s", reason)
		return
	}
	line, plain := from.end()
	if !plain {
		t.skip(user, said, "%s marks the ends of documents in a way in which nothing is inserted: write --- between them alone", from.file.Path)
		return
	}
	ref, comment := c.ref(user)
	text := func(name string) []byte { return c.repository(user, from, name, ref, comment) }
	p := t.propose(from, from.file, line, from.name.Namespace, []string{user.name.Name, user.name.Name + "-" + strings.ToLower(c.name)}, text)
	if p == nil {
		t.skip(user, said, "the name that its OCIRepository would get, %s, is taken", user.name.Name)
		return
	}
	t.moves = append(t.moves, &move{
		user: user, from: from, source: p, edits: []edit{c.chartRef(user, p.name.Name)},
		entry: migrate.Entry{Path: user.file.Path, Line: user.line, Kind: user.kind, From: said,
			To: fmt.Sprintf("chartRef to OCIRepository %s: %s/%s, %s", strings.TrimPrefix(p.name.String(), "/"), strings.TrimSuffix(textOf(from.spec, "url"), "/"), c.name, ref)},
	})
}

// repositoryOf returns the HelmRepository of type oci that a chart comes from. It
// is nil, without a reason, if the chart comes from elsewhere.
func (t *translation) repositoryOf(user *object, c chart) (*object, string) {
	ref := pinsetter.Name{Namespace: textOf(c.sourceRef, "namespace"), Name: textOf(c.sourceRef, "name")}
	if ref.Namespace == "" {
		ref.Namespace = user.name.Namespace
	}
	switch kind := textOf(c.sourceRef, "kind"); kind {
	case "HelmRepository":
	case "GitRepository", "Bucket":
		return nil, fmt.Sprintf("its chart is a folder of a %s: push it to a registry (helm push), and write a chartRef to an OCIRepository of it", kind)
	default:
		return nil, ""
	}
	from, problem := nearest(user, t.find("HelmRepository", ref))
	switch {
	case problem != "":
		return nil, fmt.Sprintf("HelmRepository %s %s", strings.TrimPrefix(ref.String(), "/"), problem)
	case textOf(from.spec, "type") != "oci":
		return nil, fmt.Sprintf("%s (%s) is over HTTP: an OCIRepository needs a registry, so push its charts to one, or stay (a ChartRepository follows them)", from, from.place())
	}
	return from, ""
}

// unmovable says why a chart can't move, "" if it can.
func (t *translation) unmovable(user, from *object, c *chart) string {
	if reason := c.withoutCounterpart(from); reason != "" {
		return reason
	}
	var inLines bool
	c.block, inLines = user.blockOf(user.spec, "chart")
	version := strict.Child(c.spec, "version")
	url := textOf(from.spec, "url")
	switch patch := t.patched(user, "chart"); {
	case patch != "":
		return fmt.Sprintf("%s patches its chart, which would stand beside the chartRef: move the patch to the OCIRepository first", patch)
	case strings.HasSuffix(user.version, "/v2beta1"):
		return "its apiVersion " + user.version + " has no chartRef: write helm.toolkit.fluxcd.io/v2"
	case !inLines || !user.isPlainBlock(c.value):
		return "spec.chart is written in braces with a comment or over several lines, with anchors, or with a text over several lines: write its fields on lines of their own"
	case strings.ContainsAny(c.name+c.version+url, "${}"):
		return "its chart, version or repository holds a variable"
	case c.name == "" || !strings.HasPrefix(url, ociScheme):
		return "the chart's name is missing, or the url of its HelmRepository isn't oci://"
	case version != nil && setters.IsMarked(version) && !exactVersion().MatchString(c.version):
		return fmt.Sprintf("its version %q is a range beside a marker: remove one of them first", c.version)
	}
	return ""
}

// withoutCounterpart says which field of the chart or its HelmRepository has no
// counterpart, "" if none.
func (c chart) withoutCounterpart(from *object) string {
	for _, f := range fieldsOf(c.field) {
		if f.Key.Value != "spec" {
			return fmt.Sprintf("spec.chart.%s has no counterpart under chartRef", f.Key.Value)
		}
	}
	for _, f := range fieldsOf(c.spec) {
		switch field := f.Key.Value; {
		case slices.Contains(chartFields, field), field == "reconcileStrategy" && strict.Text(f.Value) == "ChartVersion":
		case field == "valuesFiles":
			return "valuesFiles has no counterpart under chartRef: move what they say to spec.values, or to a ConfigMap in valuesFrom"
		case field == "reconcileStrategy":
			return fmt.Sprintf("reconcileStrategy: %s has no counterpart under chartRef: each new digest is an upgrade there", strict.Text(f.Value))
		default:
			return fmt.Sprintf("spec.chart.spec.%s has no counterpart under chartRef", field)
		}
	}
	for _, f := range fieldsOf(from.spec) {
		if !slices.Contains(helmFields, f.Key.Value) {
			return fmt.Sprintf("spec.%s of %s (%s) has no counterpart in an OCIRepository", f.Key.Value, from, from.place())
		}
	}
	return ""
}

// chartFields are the fields of a chart that have a counterpart, and that which
// means nothing without valuesFiles.
var chartFields = []string{"chart", "version", "sourceRef", "interval", "verify", "ignoreMissingValuesFiles"}

// helmFields are the fields of a HelmRepository that are known. Those that an
// OCIRepository lacks mean nothing for a registry.
var helmFields = []string{"type", "url", "interval", "timeout", "suspend", "provider", "secretRef", "certSecretRef", "insecure", "passCredentials", "accessFrom"}

// ref returns the field of spec.ref, as "tag 1.0.0", and the comment that stands
// behind the version.
func (c chart) ref(user *object) (ref, said string) {
	version := strict.Child(c.spec, "version")
	if version != nil {
		said = comment(user.file.line(user.document.LineOf(version)))
	}
	switch {
	case exactVersion().MatchString(c.version):
		return "tag " + strings.ReplaceAll(c.version, "+", "_"), said // as Helm pushes it
	case c.version == "":
		return "semver *", said // Helm's newest
	}
	return "semver " + c.version, said
}

// repository returns the OCIRepository of the chart.
func (c chart) repository(user, from *object, name, ref, comment string) []byte {
	field, value, _ := strings.Cut(ref, " ")
	s := map[string]any{
		"interval":      "10m",
		"url":           strings.TrimSuffix(textOf(from.spec, "url"), "/") + "/" + c.name,
		"layerSelector": map[string]any{"mediaType": spec.ChartLayer, "operation": spec.LayerCopy},
		"ref":           map[string]any{field: value},
	}
	for _, interval := range []string{textOf(c.spec, "interval"), textOf(user.spec, "interval")} {
		if interval != "" {
			s["interval"] = interval
			break
		}
	}
	copyFields(s, from.spec, "timeout", "suspend", "provider", "secretRef", "certSecretRef", "insecure")
	copyFields(s, c.spec, "verify")
	return document(pinsetter.Name{Namespace: from.name.Namespace, Name: name}, s, field, comment)
}

// chartRef returns the edit of spec.chart. Comments in it stay, above.
func (c chart) chartRef(user *object, name string) edit {
	indent := strings.Repeat(" ", c.key.Column-1)
	var b strings.Builder
	version := 0
	if n := strict.Child(c.spec, "version"); n != nil {
		version = user.document.LineOf(n)
	}
	for n := c.from; n < c.to; n++ {
		if said := comment(user.file.line(n)); said != "" && n != version {
			b.WriteString(indent + said + "\n")
		}
	}
	b.WriteString(indent + "chartRef:\n" + indent + "  kind: OCIRepository\n" + indent + "  name: " + name + "\n")
	if namespace := textOf(c.sourceRef, "namespace"); namespace != "" {
		b.WriteString(indent + "  namespace: " + namespace + "\n")
	}
	return edit{from: c.from, to: c.to, text: b.String()}
}

// copyFields copies fields that are there.
func copyFields(to map[string]any, from *strict.Node, names ...string) {
	for _, name := range names {
		n := strict.Child(from, name)
		var value any
		if n != nil && n.Decode(&value) == nil && value != nil {
			to[name] = value
		}
	}
}

// document returns an OCIRepository, with a comment behind the field of its ref.
func document(name pinsetter.Name, s map[string]any, field, comment string) []byte {
	metadata := map[string]any{"name": name.Name}
	if name.Namespace != "" {
		metadata["namespace"] = name.Namespace
	}
	text, err := strict.Encode(map[string]any{"apiVersion": sourceGroup + "v1", "kind": "OCIRepository", "metadata": metadata, "spec": s})
	if err != nil || comment == "" {
		return text
	}
	lines := strings.SplitAfter(string(text), "\n")
	for i, line := range lines {
		if i > 0 && strings.TrimSpace(lines[i-1]) == "ref:" && strings.HasPrefix(strings.TrimSpace(line), field+":") {
			lines[i] = strings.TrimSuffix(line, "\n") + " " + comment + "\n"
		}
	}
	return []byte(strings.Join(lines, ""))
}
