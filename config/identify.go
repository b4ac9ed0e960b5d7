package config

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/pinsetter/pinsetter"
)

// maxListDepth bounds lists in lists.
const maxListDepth = 4

// object reads one object, or the items of a list. What it doesn't say of its
// version and kind it takes from the list around it.
func (l *loader) object(d document, n *yaml.Node, apiVersion, kind string) {
	if n.Kind != yaml.MappingNode || len(n.Content) == 0 {
		return
	}
	apiVersion = cmp.Or(text(target(direct(n, "apiVersion"))), apiVersion)
	kind = cmp.Or(text(target(direct(n, "kind"))), kind)
	o := &object{
		kind: kind, template: d.template, node: n, offset: d.offset,
		origin: Origin{Path: d.path, Line: n.Content[0].Line + d.offset},
	}
	how := classify(apiVersion, kind)
	switch how {
	case readNot:
		return
	case readList:
		l.list(d, o, apiVersion)
		return
	}
	if err := measure(n); err != nil {
		if m := target(direct(n, "metadata")); m != nil && m.Kind == yaml.MappingNode {
			l.name(o, text(target(direct(m, "name"))), text(target(direct(m, "namespace"))))
		}
		o.fail(codeTooLarge, "", "%v", err)
		l.findings = append(l.findings, o.findings...)
		return
	}
	named := l.identify(o)
	if how == readObject {
		l.warnVersion(o, apiVersion)
	} else {
		o.failKind(how, apiVersion)
	}
	if !named || how != readObject && how != readOutdated {
		l.findings = append(l.findings, o.findings...)
		return
	}
	o.outdated = how == readOutdated
	if l.register(o) {
		l.read(o)
	}
	o.node = nil
}

// direct returns the value of a mapping's own field, without looking at merge
// keys, so that it is safe before measure.
func direct(n *yaml.Node, name string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}

// failKind reports why an object can't be read as what it claims to be.
func (o *object) failKind(how reading, apiVersion string) {
	group, _, _ := strings.Cut(apiVersion, "/")
	switch {
	case how == readOutdated:
		o.fail(codeAPIVersion, "apiVersion", "%q is not read: write %s/v1 and its fields%s", apiVersion, group, o.hint(apiVersion))
	case how == readMisspelt:
		o.fail(codeAPIVersion, "apiVersion", "%q is not a group of Flux; did you mean %q?", apiVersion, imageGroup+"/v1")
	case how == readVersionless:
		o.fail(codeAPIVersion, "apiVersion", "is missing: write %q", imageGroup+"/v1")
	case o.kind == "":
		o.fail(codeUnknownKind, "kind", "is missing")
	case group == ownGroup:
		o.fail(codeUnknownKind, "kind", "%s has no kind %q in this version of pinsetter", group, o.kind)
	default:
		near := suggest(o.kind, imageKinds)
		o.fail(codeUnknownKind, "kind", "%s has no kind %q; did you mean %s?%s", group, o.kind,
			cmp.Or(near, strings.Join(imageKinds, ", ")), o.hint(o.kind))
	}
}

// warnVersion reports a version that Flux has removed.
func (l *loader) warnVersion(o *object, apiVersion string) {
	if _, version, _ := strings.Cut(apiVersion, "/"); strings.HasPrefix(version, "v1beta") {
		o.warn(codeOldVersion, "apiVersion", "%s is no longer served by Flux and is read as v1: write v1 (flux migrate -f rewrites files)", apiVersion)
	}
}

// list reads the items of a list.
func (l *loader) list(d document, o *object, apiVersion string) {
	items := target(direct(o.node, "items"))
	switch {
	case items == nil || text(items) == "" && items.Kind == yaml.ScalarNode:
		return
	case items.Kind != yaml.SequenceNode:
		o.fail(codeType, "items", "should be a list")
	case d.depth == maxListDepth:
		o.fail(codeTooLarge, "items", "lists stand in lists more than %d deep", maxListDepth)
	}
	if len(o.findings) > 0 {
		l.findings = append(l.findings, o.findings...)
		return
	}
	kind := strings.TrimSuffix(o.kind, kindList)
	if kind == "" {
		apiVersion = ""
	}
	d.depth++
	for _, item := range items.Content {
		l.object(d, target(item), apiVersion, kind)
	}
}

// read decodes an object by its kind. One of an outdated version is kept
// without what it says.
func (l *loader) read(o *object) {
	spec := child(o.node, "spec")
	if o.outdated {
		spec = nil
	}
	switch o.kind {
	case kindRepository:
		l.readRepository(o, spec)
	case kindPolicy:
		l.readPolicy(o, spec)
	case kindAutomation:
		l.readAutomation(o, spec)
	case kindGit:
		l.readGit(o, spec)
	case kindSecret:
		l.readSecret(o)
	case kindAccount:
		l.readAccount(o)
	case kindNamespace:
		l.namespaces[o.name.Name] = o
	}
}

// metadata is what is read of an object's metadata.
type metadata struct {
	Name         string            `json:"name"`
	GenerateName string            `json:"generateName"`
	Namespace    string            `json:"namespace"`
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
}

// nameGrammar is that of most Kubernetes names: a DNS subdomain (RFC 1123).
var nameGrammar = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)

// validName reports whether s can be the name of an object.
func validName(s string) bool { return len(s) <= 253 && nameGrammar.MatchString(s) }

// identify reads an object's metadata, and reports whether it can be known by its
// name.
func (l *loader) identify(o *object) bool {
	var m metadata
	if n := child(o.node, "metadata"); n != nil {
		// The name comes first, so that errors of the rest can show it.
		l.name(o, text(child(n, "name")), text(child(n, "namespace")))
		l.decoder(o).lenientDecode(n, reflect.ValueOf(&m).Elem(), "metadata")
	}
	l.name(o, m.Name, m.Namespace)
	o.labels, o.annotations = m.Labels, m.Annotations
	l.checkNames(o, m)
	o.hash = contentHash(o)
	return validName(m.Name) && (!o.namespaced || validName(m.Namespace))
}

// name gives the object its name, in the default namespace if it has none.
func (l *loader) name(o *object, name, namespace string) {
	o.name = pinsetter.Name{Namespace: cmp.Or(namespace, l.opts.Namespace), Name: name}
	if o.namespaced = namespace != ""; o.kind == kindNamespace {
		o.name.Namespace = ""
	}
}

func (l *loader) checkNames(o *object, m metadata) {
	switch {
	case m.Name == "" && o.broken(): // a name of another type was reported
	case m.Name == "" && m.GenerateName != "":
		o.fail(codeName, "metadata.generateName", "an object that is read from a file needs metadata.name")
	case m.Name == "":
		o.fail(codeName, "metadata.name", "is missing")
	case !validName(m.Name):
		o.fail(codeName, "metadata.name", "%q is not a name: write lower-case letters, digits, - and .%s", m.Name, o.hint(m.Name))
	}
	if o.namespaced && !validName(m.Namespace) {
		o.fail(codeName, "metadata.namespace", "%q is not a name: write lower-case letters, digits and -%s", m.Namespace, o.hint(m.Namespace))
	}
}

func (l *loader) decoder(o *object) *decoder {
	return &decoder{schema: l.schema, object: o, secret: o.kind == kindSecret}
}

// lenientDecode is decode that passes over unknown fields.
func (d *decoder) lenientDecode(n *yaml.Node, v reflect.Value, path string) {
	d.lenient = true
	d.decode(n, v, path)
	d.lenient = false
}

// register makes the object known by its name, and reports whether it is the
// first of that name. Two that are identical are one.
func (l *loader) register(o *object) bool {
	key := objectKey{o.kind, o.name}
	first, found := l.objects[key]
	if !found {
		l.objects[key] = o
		return true
	}
	if first.hash == o.hash {
		return false
	}
	o.fail(codeDuplicateObject, "", "is also at %s and differs: hand in one cluster's folder, or build the one that is meant with -k", first.place())
	first.findings = append(first.findings, o.findings[len(o.findings)-1])
	return false
}

// contentHash is equal for two objects that say the same: status and what a cluster
// adds to metadata are left out.
func contentHash(o *object) [32]byte {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q %q\n", o.kind, o.name, sorted(o.labels), sorted(o.annotations))
	for _, f := range byKey(o.node) {
		if name := f.key.Value; name != "status" && name != "metadata" {
			writeNode(h, f.key)
			writeNode(h, f.value)
		}
	}
	return [32]byte(h.Sum(nil))
}

// sorted returns a map's keys and values in order of the keys.
func sorted(m map[string]string) []string {
	pairs := make([]string, 0, len(m))
	for key, value := range m {
		pairs = append(pairs, key+"="+value)
	}
	slices.Sort(pairs)
	return pairs
}

func byKey(mapping *yaml.Node) []field {
	list := fields(mapping)
	slices.SortStableFunc(list, func(a, b field) int { return cmp.Compare(a.key.Value, b.key.Value) })
	return list
}

// writeNode writes what a node says, however it is laid out.
func writeNode(h hash.Hash, n *yaml.Node) {
	switch n = target(n); n.Kind {
	case yaml.MappingNode:
		io.WriteString(h, "{")
		for _, f := range byKey(n) {
			writeNode(h, f.key)
			writeNode(h, f.value)
		}
		io.WriteString(h, "}")
	case yaml.SequenceNode:
		io.WriteString(h, "[")
		for _, item := range n.Content {
			writeNode(h, item)
		}
		io.WriteString(h, "]")
	default:
		fmt.Fprintf(h, "%s %d:%s", n.Tag, len(n.Value), n.Value)
	}
}
