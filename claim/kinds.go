package claim

import (
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter/strict"
)

// The API groups that are read, and the kinds in them.
const (
	ImageGroup  = "image.toolkit.fluxcd.io"
	SourceGroup = "source.toolkit.fluxcd.io"
	OwnGroup    = "pinsetter.dev"

	KindImageRepository       = "ImageRepository"
	KindImagePolicy           = "ImagePolicy"
	KindImageUpdateAutomation = "ImageUpdateAutomation"
	KindGitRepository         = "GitRepository"
	KindOCIRepository         = "OCIRepository"
	KindHelmRepository        = "HelmRepository"
	KindChartRepository       = "ChartRepository"
	KindGate                  = "Gate"
	KindPullRequest           = "PullRequest"
	KindArtifactAutomation    = "ArtifactAutomation"
	KindSecret                = "Secret"
	KindServiceAccount        = "ServiceAccount"
	KindNamespace             = "Namespace"
	KindList                  = "List"
)

// OwnVersion is the one version of OwnGroup.
const OwnVersion = "v1alpha1"

// The kinds of ImageGroup and of OwnGroup.
var (
	ImageKinds = []string{KindImageRepository, KindImagePolicy, KindImageUpdateAutomation}
	OwnKinds   = []string{KindGate, KindPullRequest, KindChartRepository, KindArtifactAutomation}
)

// Reading says how a document with an apiVersion and a kind is read.
type Reading uint8

// The ways of reading.
const (
	ReadNot         Reading = iota // of another kind: passed over
	ReadObject                     // one of the kinds above
	ReadList                       // a list of objects, or of one kind of them
	ReadOutdated                   // a version whose objects mean something else
	ReadUnknown                    // of a group that is ours to read, and no kind of it
	ReadMisspelt                   // one of ImageKinds in a group that is almost theirs, or what may be a guard (GuardOf)
	ReadVersionless                // one of them without apiVersion
)

// Classify says how to read a document by its apiVersion and kind.
func Classify(apiVersion, kind string) Reading {
	group, version, grouped := strings.Cut(apiVersion, "/")
	if !grouped {
		return classifyCore(apiVersion, kind)
	}
	item := strings.TrimSuffix(kind, KindList)
	switch {
	case group == NotificationGroup && GuardOf(apiVersion, kind) == 0:
		return classifyNotification(version, kind)
	case group == ImageGroup && !IsImageKind(item), group == OwnGroup && !IsOwnKind(item):
		return ReadUnknown
	case group == ImageGroup, group == OwnGroup, group == SourceGroup && (item == KindGitRepository || item == KindOCIRepository || item == KindHelmRepository):
		if !knownVersion(group, version) {
			return ReadOutdated
		}
		if item != kind {
			return ReadList
		}
		return ReadObject
	case IsImageKind(item) && strict.Distance(group, ImageGroup) <= 3, GuardOf(apiVersion, kind) != 0:
		return ReadMisspelt
	}
	return ReadNot
}

// classifyCore is Classify for the group without a name.
func classifyCore(version, kind string) Reading {
	item := strings.TrimSuffix(kind, KindList)
	switch {
	case version == "" && (IsImageKind(item) || GuardOf("", kind) != 0):
		return ReadVersionless
	case GuardOf(version, kind) != 0:
		return ReadMisspelt
	case kind == KindList: // of whatever version: what is in it isn't passed over
		return ReadList
	case version != "v1":
		return ReadNot
	case item != KindSecret && item != KindServiceAccount && item != KindNamespace:
		return ReadNot
	case item != kind:
		return ReadList
	}
	return ReadObject
}

// IsImageKind reports whether a kind is one of ImageKinds.
func IsImageKind(kind string) bool {
	return kind == KindImageRepository || kind == KindImagePolicy || kind == KindImageUpdateAutomation
}

// IsOwnKind reports whether a kind is one of OwnKinds.
func IsOwnKind(kind string) bool { return slices.Contains(OwnKinds, kind) }

// knownVersion reports whether objects of a group's version are read: of Flux's
// groups, those that are a subset of v1's.
func knownVersion(group, version string) bool {
	if group == OwnGroup {
		return version == OwnVersion
	}
	return version == "v1" || version == "v1beta1" || version == "v1beta2"
}
