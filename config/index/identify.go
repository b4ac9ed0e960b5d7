package index

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
func (x *Index) object(d document, n *strict.Node, apiVersion, kind string) {
	if *d.left--; *d.left < 0 || n.Kind != strict.Mapping || len(n.Content) == 0 {
		return
	}
	apiVersion = cmp.Or(header(d, n, "apiVersion"), apiVersion)
	kind = cmp.Or(header(d, n, "kind"), kind)
	o := &Object{
		Kind: kind, Template: d.template, Node: n, Offset: d.offset,
		Origin: fleet.Origin{Path: d.path, Line: n.Content[0].Line + d.offset},
	}
	if claim.GuardOf(apiVersion, kind) == 0 { // else its other keys are an error of it
		x.runTogether(d, n)
	}
	how := claim.Classify(apiVersion, kind)
	if x.passesOver(kind) {
		return
	}
	if how != claim.ReadNot && how != claim.ReadList && !x.opts.onlyUsed(kind) {
		x.filled[x.source] = true
	}
	if claim.IsNotification(apiVersion) && how != claim.ReadMisspelt {
		if x.opts.NoNotifications {
			return
		}
		o.advisory = x.opts.Advisory
	}
	switch how {
	case claim.ReadNot:
		x.strays(d, o)
		return
	case claim.ReadList:
		x.list(d, o, apiVersion)
		return
	}
	if err := strict.Measure(n, d.left); err != nil {
		if m := strict.Target(strict.Direct(n, "metadata")); m != nil && m.Kind == strict.Mapping {
			x.opts.name(o, strict.Text(strict.Target(strict.Direct(m, "name"))), strict.Text(strict.Target(strict.Direct(m, "namespace"))))
		}
		o.Fail(strict.CodeTooLarge, "", "%v", err)
		x.Findings = append(x.Findings, o.Said()...)
		o.Node = nil
		x.lose(o, apiVersion)
		return
	}
	named := x.identify(o)
	if x.opts.onlyUsed(kind) && (!named || how != claim.ReadObject) {
		return // who refers to it is told that it isn't there
	}
	if how == claim.ReadObject {
		o.warnVersion(apiVersion)
	} else {
		o.failKind(how, apiVersion)
	}
	if !named || how != claim.ReadObject && how != claim.ReadOutdated {
		x.Findings = append(x.Findings, o.Said()...)
		x.lose(o, apiVersion)
		return
	}
	o.Outdated = how == claim.ReadOutdated
	if x.register(o) {
		x.opts.Take(o)
	}
	o.Node = nil
}

// runTogether reports a guard that stands in one mapping with something else: a
// second apiVersion or kind, also behind other characters, as in "---kind".
func (x *Index) runTogether(d document, n *strict.Node) {
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
	x.Fault(strict.CodeDuplicateKey, d.path, line, "a Gate or PullRequest stands in one document with something else: write --- on a line of its own between them")
	x.Lost = append(x.Lost, Lost{Place: fmt.Sprintf("%s:%d", d.path, line), Guard: guard})
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
func (o *Object) failKind(how claim.Reading, apiVersion string) {
	group, _, _ := strings.Cut(apiVersion, "/")
	home := claim.ImageGroup + "/v1"
	if claim.IsOwnKind(strings.TrimSuffix(o.Kind, claim.KindList)) || claim.NearOwnGroup(group) || claim.GuardOf(apiVersion, o.Kind) != 0 {
		home = claim.OwnGroup + "/" + claim.OwnVersion
	}
	switch {
	case claim.IsEncrypted(o.Kind):
		o.Fail(CodeUnknownKind, "kind", "is encrypted, so that it may be a Gate or PullRequest: encrypt data and stringData alone (sops --encrypted-regex)")
	case how == claim.ReadOutdated && group == claim.OwnGroup:
		o.Fail(CodeAPIVersion, "apiVersion", "%q is not read: write %s and its fields%s", apiVersion, home, o.Hint(apiVersion))
	case how == claim.ReadOutdated && group == claim.NotificationGroup && o.Kind != claim.KindReceiver:
		o.Fail(CodeAPIVersion, "apiVersion", "%q is not read: write %s/v1beta3 and its fields%s", apiVersion, group, o.Hint(apiVersion))
	case how == claim.ReadOutdated:
		o.Fail(CodeAPIVersion, "apiVersion", "%q is not read: write %s/v1 and its fields%s", apiVersion, group, o.Hint(apiVersion))
	case how == claim.ReadMisspelt && home == claim.ImageGroup+"/v1":
		o.Fail(CodeAPIVersion, "apiVersion", "%q is not a group of Flux; did you mean %q?", apiVersion, home)
	case how == claim.ReadMisspelt && apiVersion == claim.OwnGroup:
		o.Fail(CodeAPIVersion, "apiVersion", "%q lacks its version: write %q", apiVersion, home)
	case how == claim.ReadMisspelt:
		o.Fail(CodeAPIVersion, "apiVersion", "%q is not our group; did you mean %q?", apiVersion, home)
	case how == claim.ReadVersionless:
		o.Fail(CodeAPIVersion, "apiVersion", "is missing: write %q", home)
	case o.Kind == "":
		o.Fail(CodeUnknownKind, "kind", "is missing")
	case home == claim.OwnGroup+"/"+claim.OwnVersion:
		o.Fail(CodeUnknownKind, "kind", "%s has no kind %q in this version of pinsetter; it has %s", group, o.Kind, strings.Join(claim.OwnKinds, ", "))
	default:
		near := strict.Suggest(o.Kind, claim.ImageKinds)
		o.Fail(CodeUnknownKind, "kind", "%s has no kind %q; did you mean %s?%s", group, o.Kind,
			cmp.Or(near, strings.Join(claim.ImageKinds, ", ")), o.Hint(o.Kind))
	}
}

// warnVersion reports a version that Flux has removed.
func (o *Object) warnVersion(apiVersion string) {
	if group, version, _ := strings.Cut(apiVersion, "/"); strings.HasPrefix(version, "v1beta") && group != claim.NotificationGroup {
		o.Warn(CodeOldVersion, "apiVersion", "%s is no longer served by Flux and is read as v1: write v1 (flux migrate -f rewrites files)", apiVersion)
	}
}

// list reads the items of a list.
func (x *Index) list(d document, o *Object, apiVersion string) {
	items := strict.Target(strict.Direct(o.Node, "items"))
	guard := misplaced(o.Node, d.left)
	switch {
	case items == nil && (guard != 0 || o.Kind != claim.KindList && strict.Direct(o.Node, "spec") != nil):
		o.Fail(strict.CodeMissingField, "items", "is missing: a list has items, and one object is a %s", strings.TrimSuffix(o.Kind, claim.KindList))
	case items == nil || guard == 0 && strict.Text(items) == "" && items.Kind == strict.Scalar:
		return
	case items.Kind != strict.Sequence:
		o.Fail(strict.CodeType, "items", "should be a list")
	case d.depth == maxListDepth:
		o.Fail(strict.CodeTooLarge, "items", "lists stand in lists more than %d deep", maxListDepth)
		guard |= claim.GuardBelow(items, d.left)
	case guard != 0:
		o.Fail(strict.CodeType, "items", "objects stand in this list, and not as elements of items: write each as one")
	}
	if len(o.Findings) > 0 {
		x.Findings = append(x.Findings, o.Said()...)
		x.lose(o, apiVersion)
		if guard != 0 {
			x.Lost = append(x.Lost, Lost{Place: o.Place(), Guard: guard})
		}
		return
	}
	kind := strings.TrimSuffix(o.Kind, claim.KindList)
	if kind == "" {
		apiVersion = ""
	}
	d.depth++
	for _, item := range items.Content {
		if *d.left < 0 {
			return
		}
		x.object(d, strict.Target(item), apiVersion, kind)
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
func (x *Index) strays(d document, o *Object) {
	if claim.GuardWithin(o.Node, d.left) == 0 {
		return
	}
	o.Fail(CodeUnknownKind, "kind", "a Gate or PullRequest stands in it, where none is read: write it as a document of its own, or its list with apiVersion: v1 and kind: List")
	x.Findings = append(x.Findings, o.Said()...)
	x.Lost = append(x.Lost, Lost{Place: o.Place(), Guard: claim.AnyGuard})
}

// register makes the object known by its name, and reports whether it is the
// first of that name. Two that are identical are one.
func (x *Index) register(o *Object) bool {
	key := Key{o.Kind, o.Name}
	first, found := x.Objects[key]
	if !found {
		x.Objects[key] = o
		return true
	}
	if first.hash == o.hash {
		return false
	}
	if o.Place() == first.Place() {
		o.Fail(CodeDuplicateObject, "", "is read twice, and what -k builds differs: leave its folder out of -f, and name one -k")
	} else {
		o.Fail(CodeDuplicateObject, "", "is also at %s and differs: hand in one cluster's folder, or build the one that is meant with -k", first.Place())
	}
	switch o.Kind {
	case claim.KindSecret, claim.KindServiceAccount, claim.KindNamespace, claim.KindOCIRepository, claim.KindHelmRepository:
		first.Twins = append(first.Twins, o.Findings...)
		return false
	}
	for _, f := range o.Findings {
		first.Add(f)
	}
	return false
}
