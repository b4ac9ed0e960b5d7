package claim

import (
	"bytes"
	"regexp"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/strict"
)

// Claim says what the bytes of a document may hold.
type Claim uint8

// The claims.
const (
	None Claim = iota
	Core       // a Secret, a ServiceAccount or a Namespace
	Flux       // one of Flux's objects that we read, or one of our own
)

var (
	kindWord = []byte("kind")
	groups   = [][]byte{[]byte(ImageGroup + "/"), []byte(OwnGroup), []byte(NotificationGroup + "/")}
	names    = [][]byte{
		[]byte("ImageRepository"), []byte("ImagePolicy"), []byte("ImageUpdateAutomation"), []byte("GitRepository"), []byte("HelmRepository"), []byte("OCIRepository"), []byte("Gate"), []byte("PullRequest"),
		[]byte("Secret"), []byte("ServiceAccount"), []byte("Namespace"), []byte(encrypted),
	}
)

// IsElsewhere reports whether a file is a pointer of Git LFS, so that its content is
// elsewhere: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
func IsElsewhere(data []byte) bool { return bytes.HasPrefix(data, lfsPointer) }

var lfsPointer = []byte("version https://git-lfs.github.com/spec/")

// MayHold reports whether bytes can hold an object that is read: they name one
// of our groups, a line has "kind" and after it the name of a known kind, or their
// content is elsewhere. It is the cheap screen that keeps most of a tree from being
// parsed.
func MayHold(data []byte) bool {
	if IsElsewhere(data) {
		return true
	}
	for _, group := range groups {
		if bytes.Contains(data, group) {
			return true
		}
	}
	for {
		i := bytes.Index(data, kindWord)
		if i < 0 {
			return false
		}
		data = data[i+len(kindWord):]
		line := data
		if end := bytes.IndexByte(data, '\n'); end >= 0 {
			line = data[:end]
		}
		if containsAny(line, names) {
			return true
		}
		data = data[len(line):]
	}
}

// fluxVersion is a line with the apiVersion of an object of Flux.
var fluxVersion = pinsetter.Pattern(`(?m)^[ \t]*(- +)?["']?apiVersion["']?[ \t]*:[ \t]*["']?[a-z.]+` + regexp.QuoteMeta(fluxDomain) + `/`)

// markerWord is in every marker.
var markerWord = []byte("$imagepolicy")

// IsOfFlux reports whether bytes hold an object of Flux, whatever its kind, or a
// marker.
func IsOfFlux(data []byte) bool {
	return bytes.Contains(data, markerWord) || bytes.Contains(data, []byte(fluxDomain)) && fluxVersion().Match(data)
}

// MayConcern is MayHold for those who account for markers and for other objects of
// Flux too.
func MayConcern(data []byte) bool { return MayHold(data) || IsOfFlux(data) }

func containsAny(data []byte, words [][]byte) bool {
	for _, word := range words {
		if bytes.Contains(data, word) {
			return true
		}
	}
	return false
}

var (
	fluxLine = pinsetter.Pattern(`(?m)^[\s\-"'{,]*(apiVersion["']?\s*:\s*["']?(image\.toolkit\.fluxcd\.io|pinsetter\.dev)/` +
		`|kind["']?\s*:\s*["']?(ImageRepository|ImagePolicy|ImageUpdateAutomation)(List)?\b)`)
	sourceLine = pinsetter.Pattern(`(?m)^["'{]*kind["']?\s*:\s*["']?GitRepository(List)?\b`)
	coreLine   = pinsetter.Pattern(`(?m)^["'{]*kind["']?\s*:\s*["']?(Secret|ServiceAccount|Namespace)\b`)
)

// MayBeCore reports whether a line of bytes that can't be parsed is the kind of a
// Secret, a ServiceAccount or a Namespace.
func MayBeCore(data []byte) bool { return coreLine().Match(data) }

// Of says what a document that can't be parsed says it is. A document with
// "{{" that claims a core kind claims nothing: charts are full of them.
func Of(data []byte) Claim {
	switch {
	case fluxLine().Match(data):
		return Flux
	case sourceLine().Match(data) && bytes.Contains(data, []byte(SourceGroup+"/")):
		return Flux
	case coreLine().Match(data) && !strict.IsTemplate(data):
		return Core
	}
	return None
}
