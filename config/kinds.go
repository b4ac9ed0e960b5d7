package config

import (
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter/strict"
)

// The API groups that are read, and the kinds in them.
const (
	imageGroup  = "image.toolkit.fluxcd.io"
	sourceGroup = "source.toolkit.fluxcd.io"
	ownGroup    = "pinsetter.dev"

	kindRepository = "ImageRepository"
	kindPolicy     = "ImagePolicy"
	kindAutomation = "ImageUpdateAutomation"
	kindGit        = "GitRepository"
	kindOCI        = "OCIRepository"
	kindHelm       = "HelmRepository"
	kindChart      = "ChartRepository"
	kindGate       = "Gate"
	kindProposal   = "PullRequest"
	kindSecret     = "Secret"
	kindAccount    = "ServiceAccount"
	kindNamespace  = "Namespace"
	kindList       = "List"
)

// ownVersion is the one version of ownGroup.
const ownVersion = "v1alpha1"

// The kinds of imageGroup and of ownGroup.
var (
	imageKinds = []string{kindRepository, kindPolicy, kindAutomation}
	ownKinds   = []string{kindGate, kindProposal, kindChart}
)

// reading says how a document with an apiVersion and a kind is read.
type reading uint8

const (
	readNot         reading = iota // of another kind: passed over
	readObject                     // one of the kinds above
	readList                       // a list of objects, or of one kind of them
	readOutdated                   // a version whose objects mean something else
	readUnknown                    // of a group that is ours to read, and no kind of it
	readMisspelt                   // one of imageKinds in a group that is almost theirs, or what may be a guard (guardOf)
	readVersionless                // one of them without apiVersion
)

// classify says how to read a document.
func classify(apiVersion, kind string) reading {
	group, version, grouped := strings.Cut(apiVersion, "/")
	if !grouped {
		return classifyCore(apiVersion, kind)
	}
	item := strings.TrimSuffix(kind, kindList)
	switch {
	case group == notificationGroup && guardOf(apiVersion, kind) == 0:
		return classifyNotification(version, kind)
	case group == imageGroup && !isImageKind(item), group == ownGroup && !isOwnKind(item):
		return readUnknown
	case group == imageGroup, group == ownGroup, group == sourceGroup && (item == kindGit || item == kindOCI || item == kindHelm):
		if !knownVersion(group, version) {
			return readOutdated
		}
		if item != kind {
			return readList
		}
		return readObject
	case isImageKind(item) && strict.Distance(group, imageGroup) <= 3, guardOf(apiVersion, kind) != 0:
		return readMisspelt
	}
	return readNot
}

// classifyCore is classify for the group without a name.
func classifyCore(version, kind string) reading {
	item := strings.TrimSuffix(kind, kindList)
	switch {
	case version == "" && (isImageKind(item) || guardOf("", kind) != 0):
		return readVersionless
	case guardOf(version, kind) != 0:
		return readMisspelt
	case kind == kindList: // of whatever version: what is in it isn't passed over
		return readList
	case version != "v1":
		return readNot
	case item != kindSecret && item != kindAccount && item != kindNamespace:
		return readNot
	case item != kind:
		return readList
	}
	return readObject
}

func isImageKind(kind string) bool {
	return kind == kindRepository || kind == kindPolicy || kind == kindAutomation
}

func isOwnKind(kind string) bool { return slices.Contains(ownKinds, kind) }

// knownVersion reports whether objects of a group's version are read: of Flux's
// groups, those that are a subset of v1's.
func knownVersion(group, version string) bool {
	if group == ownGroup {
		return version == ownVersion
	}
	return version == "v1" || version == "v1beta1" || version == "v1beta2"
}
