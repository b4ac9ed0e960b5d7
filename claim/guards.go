package claim

import (
	"bytes"
	"cmp"
	"regexp"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/strict"
)

// AnyGuard is what may be any of the guards.
const AnyGuard = fleet.GuardGate | fleet.GuardPullRequest

// GuardOf says which guard something with this apiVersion and kind may be that is
// not read as one. Of our own group, or nearly, it may be whatever its kind is
// nearly; elsewhere it is one only where no other project has such a kind. Behind a
// kind that is encrypted anything may be.
func GuardOf(apiVersion, kind string) fleet.Guard {
	group, version, grouped := strings.Cut(apiVersion, "/")
	kind = strings.TrimSuffix(kind, KindList)
	if IsEncrypted(kind) {
		return AnyGuard
	}
	if NearOwnGroup(group) || NearOwnGroup(version) {
		meant := strict.Suggest(kind, OwnKinds)
		if meant == KindChartRepository || meant == KindArtifactAutomation {
			return 0 // it holds nothing back
		}
		return cmp.Or(guardNamed(meant), AnyGuard)
	}
	if !grouped || strings.HasSuffix("."+group, fluxDomain) || !isGroup().MatchString(group) {
		return guardNamed(kind)
	}
	return 0
}

// isGroup matches what can be an API group: a domain, or one word of it. A variable
// or a template that nothing has filled in yet can't.
var isGroup = pinsetter.Pattern(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`)

// IsEncrypted reports whether SOPS has encrypted a value.
func IsEncrypted(value string) bool { return strings.HasPrefix(value, encrypted) }

// encrypted begins every value that SOPS has encrypted.
const encrypted = "ENC["

// GuardBelow is GuardOf for what stands in lists, or in the items of something, at
// any depth: as an object, or as a text that holds some. Elsewhere it knows a guard
// only by our group. The nodes that it visits are taken off those that are left, and so
// is a part of each text that it searches. Left is negative after what is too large, or
// deeper than maxDepth: then nothing is known of the rest.
func GuardBelow(n *strict.Node, left *int) fleet.Guard { return guardBelow(n, true, left, 0) }

// GuardWithin is GuardBelow for all that is in an object but itself.
func GuardWithin(object *strict.Node, left *int) fleet.Guard { return guardWithin(object, left, 0) }

const (
	itemsKey = "items"

	// maxDepth bounds levels, which an alias to a node around it makes endless.
	maxDepth = 1000

	// bytesOfNode are searched in the time that visiting a node takes, about.
	bytesOfNode = 16
)

func guardWithin(object *strict.Node, left *int, depth int) fleet.Guard {
	var guard fleet.Guard
	for i := 0; i+1 < len(object.Content); i += 2 {
		guard |= guardBelow(object.Content[i+1], object.Content[i].Value == itemsKey, left, depth+1)
	}
	return guard
}

func guardBelow(n *strict.Node, listed bool, left *int, depth int) fleet.Guard {
	n = strict.Target(n)
	if *left--; depth > maxDepth {
		*left = -1
	}
	if n == nil || *left < 0 {
		return 0
	}
	switch {
	case n.Kind == strict.Sequence:
		var guard fleet.Guard
		for _, element := range n.Content {
			guard |= guardBelow(element, listed, left, depth+1)
		}
		return guard
	case n.Kind == strict.Mapping:
		return guardHere(n, listed) | guardWithin(n, left, depth)
	case listed && strings.Contains(n.Value, "\n"):
		*left -= len(n.Value) / bytesOfNode
		return GuardIn([]byte(n.Value))
	}
	return 0
}

// guardHere returns the guard that a mapping is. What isn't listed must be an object
// of our group: others may refer to one by apiVersion, kind and name.
func guardHere(n *strict.Node, listed bool) fleet.Guard {
	apiVersion := strict.Text(strict.Target(strict.Direct(n, "apiVersion")))
	group, _, _ := strings.Cut(apiVersion, "/")
	if listed || NearOwnGroup(group) && (strict.Direct(n, "metadata") != nil || strict.Direct(n, "spec") != nil) {
		return GuardOf(apiVersion, strict.Text(strict.Target(strict.Direct(n, "kind"))))
	}
	return 0
}

// fluxDomain ends the groups of Flux, none of which has our kinds.
const fluxDomain = ".fluxcd.io"

// NearOwnGroup reports whether a group was probably meant to be ours.
func NearOwnGroup(group string) bool {
	group = strings.ToLower(group)
	name, _, _ := strings.Cut(OwnGroup, ".")
	if strings.Contains(group, name) {
		return true
	}
	const typos = 3
	longer := len(group) - len(OwnGroup)
	return -typos <= longer && longer <= typos && strict.Distance(group, OwnGroup) <= typos
}

// guardNamed returns the guard of a kind, 0 for other kinds. Case doesn't count.
func guardNamed(kind string) fleet.Guard {
	switch {
	case strings.EqualFold(kind, KindGate):
		return fleet.GuardGate
	case strings.EqualFold(kind, KindPullRequest):
		return fleet.GuardPullRequest
	}
	return 0
}

// What bytes that can't be parsed may say of the objects in them.
var (
	kindValue    = pinsetter.Pattern(`(?i)\bkind["']?\s*[:=]?\s*["']?([a-z]+)`)
	versionValue = pinsetter.Pattern(`(?i)\bapiVersion["']?\s*[:=]?\s*["']?([^\s"',{}\[\]]+)`)

	// guardWords are the kinds of guards: bytes without them and our group hold none.
	guardWords = [][]byte{[]byte(KindGate), []byte(KindPullRequest)}

	// commentLine is a line that is no more than a comment.
	commentLine = pinsetter.Pattern(`(?m)^[ \t]*#[^\r\n]*`)

	// ownAnnotation is what other objects have of our group.
	ownAnnotation = pinsetter.Pattern(regexp.QuoteMeta(OwnGroup) + `/(trailers|schedule|unused)\b`)
)

// maxSearched bounds the bytes that are searched for what they say: more may be
// every guard if they name our group.
const maxSearched = 1 << 20

// GuardIn is GuardOf for bytes that are not read.
func GuardIn(data []byte) fleet.Guard {
	named := bytes.Contains(data, []byte(OwnGroup))
	switch {
	case len(data) > maxSearched && named:
		return AnyGuard
	case len(data) > maxSearched, !named && !containsAny(data, guardWords):
		return 0
	}
	data = commentLine().ReplaceAll(data, nil)
	if ownAnnotation().Match(data) {
		data = ownAnnotation().ReplaceAll(data, nil)
	}
	near, foreign := false, false
	for _, match := range versionValue().FindAllSubmatch(data, -1) {
		group, _, grouped := strings.Cut(string(match[1]), "/")
		near = near || NearOwnGroup(group)
		foreign = foreign || grouped && !NearOwnGroup(group) && isGroup().MatchString(group) && !strings.HasSuffix("."+group, fluxDomain)
	}
	// What says of another project that it is its may name our group too: a role.
	ours := near || !foreign && bytes.Contains(data, []byte(OwnGroup))
	var guard fleet.Guard
	for _, match := range kindValue().FindAllSubmatch(data, -1) {
		kind := strings.TrimSuffix(string(match[1]), KindList)
		if ours {
			kind = strict.Suggest(kind, OwnKinds)
		}
		if ours || !foreign {
			guard |= guardNamed(kind)
		}
	}
	if ours && guard == 0 {
		return AnyGuard
	}
	return guard
}
