package config

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/pinsetter/pinsetter/claim"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/strict"
)

// maxListDepth bounds lists in lists.
const maxListDepth = 4

// object reads one object, or the items of a list. What it doesn't say of its
// version and kind it takes from the list around it.
func (l *loader) object(d document, n *strict.Node, apiVersion, kind string) {
	if *d.left--; *d.left < 0 || n.Kind != strict.Mapping || len(n.Content) == 0 {
		return
	}
	apiVersion = cmp.Or(header(d, n, "apiVersion"), apiVersion)
	kind = cmp.Or(header(d, n, "kind"), kind)
	o := &object{
		kind: kind, template: d.template, node: n, offset: d.offset,
		origin: fleet.Origin{Path: d.path, Line: n.Content[0].Line + d.offset},
	}
	if claim.GuardOf(apiVersion, kind) == 0 { // else its other keys are an error of it
		l.runTogether(d, n)
	}
	how := claim.Classify(apiVersion, kind)
	if l.passesOver(kind) {
		return
	}
	if how != claim.ReadNot && how != claim.ReadList && !l.onlyUsed(kind) {
		l.filled[l.source] = true
	}
	if claim.IsNotification(apiVersion) && how != claim.ReadMisspelt {
		if l.opts.Notifications == NotificationsIgnored {
			return
		}
		o.advisory = l.opts.Notifications == NotificationsChecked
	}
	switch how {
	case claim.ReadNot:
		l.strays(d, o)
		return
	case claim.ReadList:
		l.list(d, o, apiVersion)
		return
	}
	if err := strict.Measure(n, d.left); err != nil {
		if m := strict.Target(strict.Direct(n, "metadata")); m != nil && m.Kind == strict.Mapping {
			l.name(o, strict.Text(strict.Target(strict.Direct(m, "name"))), strict.Text(strict.Target(strict.Direct(m, "namespace"))))
		}
		o.fail(codeTooLarge, "", "%v", err)
		l.findings = append(l.findings, o.said()...)
		o.node = nil
		l.lose(o, apiVersion)
		return
	}
	named := l.identify(o)
	if l.onlyUsed(kind) && (!named || how != claim.ReadObject) {
		return // who refers to it is told that it isn't there
	}
	if how == claim.ReadObject {
		l.warnVersion(o, apiVersion)
	} else {
		o.failKind(how, apiVersion)
	}
	if !named || how != claim.ReadObject && how != claim.ReadOutdated {
		l.findings = append(l.findings, o.said()...)
		l.lose(o, apiVersion)
		return
	}
	o.outdated = how == claim.ReadOutdated
	if l.register(o) {
		l.read(o)
	}
	o.node = nil
}

// runTogether reports a guard that stands in one mapping with something else: a
// second apiVersion or kind, also behind other characters, as in "---kind".
func (l *loader) runTogether(d document, n *strict.Node) {
	var versions, kinds []string
	line := 0
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], strict.Text(strict.Target(n.Content[i+1]))
		list := &kinds
		switch {
		case strings.HasSuffix(key.Value, "apiVersion"):
			list = &versions
		case !strings.HasSuffix(key.Value, "kind"):
			continue
		}
		if *list = append(*list, value); line == 0 && (len(*list) > 1 || key.Value != "apiVersion" && key.Value != "kind") {
			line = key.Line + d.offset
		}
	}
	var guard fleet.Guard
	for _, version := range versions {
		for _, kind := range kinds {
			guard |= claim.GuardOf(version, kind)
		}
	}
	if line == 0 || guard == 0 {
		return
	}
	l.fault(codeDuplicateKey, d.path, line, "a Gate or PullRequest stands in one document with something else: write --- on a line of its own between them")
	l.lost = append(l.lost, lostObject{place: fmt.Sprintf("%s:%d", d.path, line), guard: guard})
}

// header returns an object's apiVersion or kind, which may come from a merge key.
func header(d document, n *strict.Node, name string) string {
	value := strict.Target(strict.Direct(n, name))
	if value == nil && strict.Direct(n, "<<") != nil && strict.Measure(n, d.left) == nil {
		value = strict.Child(n, name)
	}
	return strict.Text(value)
}

// failKind reports why an object can't be read as what it claims to be.
func (o *object) failKind(how claim.Reading, apiVersion string) {
	group, _, _ := strings.Cut(apiVersion, "/")
	home := claim.ImageGroup + "/v1"
	if claim.IsOwnKind(strings.TrimSuffix(o.kind, kindList)) || claim.NearOwnGroup(group) || claim.GuardOf(apiVersion, o.kind) != 0 {
		home = claim.OwnGroup + "/" + claim.OwnVersion
	}
	switch {
	case claim.IsEncrypted(o.kind):
		o.fail(codeUnknownKind, "kind", "is encrypted, so that it may be a Gate or PullRequest: encrypt data and stringData alone (sops --encrypted-regex)")
	case how == claim.ReadOutdated && group == claim.OwnGroup:
		o.fail(codeAPIVersion, "apiVersion", "%q is not read: write %s and its fields%s", apiVersion, home, o.hint(apiVersion))
	case how == claim.ReadOutdated && group == claim.NotificationGroup && o.kind != kindReceiver:
		o.fail(codeAPIVersion, "apiVersion", "%q is not read: write %s/v1beta3 and its fields%s", apiVersion, group, o.hint(apiVersion))
	case how == claim.ReadOutdated:
		o.fail(codeAPIVersion, "apiVersion", "%q is not read: write %s/v1 and its fields%s", apiVersion, group, o.hint(apiVersion))
	case how == claim.ReadMisspelt && home == claim.ImageGroup+"/v1":
		o.fail(codeAPIVersion, "apiVersion", "%q is not a group of Flux; did you mean %q?", apiVersion, home)
	case how == claim.ReadMisspelt && apiVersion == claim.OwnGroup:
		o.fail(codeAPIVersion, "apiVersion", "%q lacks its version: write %q", apiVersion, home)
	case how == claim.ReadMisspelt:
		o.fail(codeAPIVersion, "apiVersion", "%q is not our group; did you mean %q?", apiVersion, home)
	case how == claim.ReadVersionless:
		o.fail(codeAPIVersion, "apiVersion", "is missing: write %q", home)
	case o.kind == "":
		o.fail(codeUnknownKind, "kind", "is missing")
	case home == claim.OwnGroup+"/"+claim.OwnVersion:
		o.fail(codeUnknownKind, "kind", "%s has no kind %q in this version of pinsetter; it has %s", group, o.kind, strings.Join(claim.OwnKinds, ", "))
	default:
		near := strict.Suggest(o.kind, claim.ImageKinds)
		o.fail(codeUnknownKind, "kind", "%s has no kind %q; did you mean %s?%s", group, o.kind,
			cmp.Or(near, strings.Join(claim.ImageKinds, ", ")), o.hint(o.kind))
	}
}

// warnVersion reports a version that Flux has removed.
func (l *loader) warnVersion(o *object, apiVersion string) {
	if group, version, _ := strings.Cut(apiVersion, "/"); strings.HasPrefix(version, "v1beta") && group != claim.NotificationGroup {
		o.warn(CodeOldVersion, "apiVersion", "%s is no longer served by Flux and is read as v1: write v1 (flux migrate -f rewrites files)", apiVersion)
	}
}

// list reads the items of a list.
func (l *loader) list(d document, o *object, apiVersion string) {
	items := strict.Target(strict.Direct(o.node, "items"))
	guard := misplaced(o.node, d.left)
	switch {
	case items == nil && (guard != 0 || o.kind != kindList && strict.Direct(o.node, "spec") != nil):
		o.fail(codeMissingField, "items", "is missing: a list has items, and one object is a %s", strings.TrimSuffix(o.kind, kindList))
	case items == nil || guard == 0 && strict.Text(items) == "" && items.Kind == strict.Scalar:
		return
	case items.Kind != strict.Sequence:
		o.fail(codeType, "items", "should be a list")
	case d.depth == maxListDepth:
		o.fail(codeTooLarge, "items", "lists stand in lists more than %d deep", maxListDepth)
		guard |= claim.GuardBelow(items, d.left)
	case guard != 0:
		o.fail(codeType, "items", "objects stand in this list, and not as elements of items: write each as one")
	}
	if len(o.findings) > 0 {
		l.findings = append(l.findings, o.said()...)
		l.lose(o, apiVersion)
		if guard != 0 {
			l.lost = append(l.lost, lostObject{place: o.place(), guard: guard})
		}
		return
	}
	kind := strings.TrimSuffix(o.kind, kindList)
	if kind == "" {
		apiVersion = ""
	}
	d.depth++
	for _, item := range items.Content {
		if *d.left < 0 {
			return
		}
		l.object(d, strict.Target(item), apiVersion, kind)
	}
}

// misplaced returns the guards in a list that are not elements of its items.
func misplaced(list *strict.Node, left *int) fleet.Guard {
	var guard fleet.Guard
	for i := 0; i+1 < len(list.Content); i += 2 {
		value := strict.Target(list.Content[i+1])
		if list.Content[i].Value != "items" || value.Kind != strict.Sequence {
			guard |= claim.GuardBelow(value, left)
			continue
		}
		for _, element := range value.Content {
			if element = strict.Target(element); element.Kind != strict.Mapping {
				guard |= claim.GuardBelow(element, left)
			}
		}
	}
	return guard
}

// strays reports guards in something that is not read.
func (l *loader) strays(d document, o *object) {
	if claim.GuardWithin(o.node, d.left) == 0 {
		return
	}
	o.fail(codeUnknownKind, "kind", "a Gate or PullRequest stands in it, where none is read: write it as a document of its own, or its list with apiVersion: v1 and kind: List")
	l.findings = append(l.findings, o.said()...)
	l.lost = append(l.lost, lostObject{place: o.place(), guard: claim.AnyGuard})
}

// read decodes an object by its kind. One of an outdated version is kept
// without what it says.
func (l *loader) read(o *object) {
	spec := strict.Child(o.node, "spec")
	if o.outdated {
		spec = nil
	}
	if (o.kind == kindArtifact || o.kind == kindChart) && strict.Child(spec, "sourceRef") == nil {
		l.loseAs(o, claim.AnyGuard) // it may be one under a wrong kind
	}
	switch o.kind {
	case kindRepository:
		l.readRepository(o, spec)
	case kindPolicy:
		l.readPolicy(o, spec)
	case kindAutomation:
		l.readAutomation(o, spec)
	case kindArtifact:
		l.readArtifactAutomation(o, spec)
	case kindGit:
		l.readGit(o, spec)
	case kindHelm:
		l.readHelm(o, spec)
	case kindChart:
		l.readChart(o, spec)
	case kindOCI:
		l.readOCI(o, spec)
	case kindGate:
		l.readGate(o, spec)
	case kindProposal:
		l.readPullRequest(o, spec)
	case kindReceiver:
		l.readReceiver(o, spec)
	case kindProvider:
		l.readProvider(o, spec)
	case kindAlert:
		l.readAlert(o, spec)
	case kindSecret:
		l.readSecret(o)
	case kindAccount:
		l.readAccount(o)
	case kindNamespace:
		l.namespaces[o.name.Name] = o
	}
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
	if o.place() == first.place() {
		o.fail(codeDuplicateObject, "", "is read twice, and what -k builds differs: leave its folder out of -f, and name one -k")
	} else {
		o.fail(codeDuplicateObject, "", "is also at %s and differs: hand in one cluster's folder, or build the one that is meant with -k", first.place())
	}
	switch o.kind {
	case kindSecret, kindAccount, kindNamespace, kindOCI, kindHelm:
		first.twins = append(first.twins, o.findings...)
		return false
	}
	for _, f := range o.findings {
		first.add(f)
	}
	return false
}
