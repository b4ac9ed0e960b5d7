package config

import (
	"bytes"
	"regexp"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/strict"
)

// claim says what the bytes of a document may hold.
type claim uint8

const (
	claimNone claim = iota
	claimCore       // a Secret, a ServiceAccount or a Namespace
	claimFlux       // one of Flux's objects that we read, or one of our own
)

var (
	kindWord = []byte("kind")
	groups   = [][]byte{[]byte(imageGroup + "/"), []byte(ownGroup), []byte(notificationGroup + "/")}
	names    = [][]byte{
		[]byte("ImageRepository"), []byte("ImagePolicy"), []byte("ImageUpdateAutomation"), []byte("GitRepository"), []byte("HelmRepository"), []byte("Gate"), []byte("PullRequest"),
		[]byte("Secret"), []byte("ServiceAccount"), []byte("Namespace"),
	}
)

// MayHold reports whether bytes can hold an object that Load reads: they name one
// of our groups, or a line has "kind" and after it the name of a known kind. It
// is the cheap screen that keeps most of a tree from being parsed.
func MayHold(data []byte) bool {
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

// isOfFlux reports whether bytes hold an object of Flux, whatever its kind, or a
// marker.
func isOfFlux(data []byte) bool {
	return bytes.Contains(data, markerWord) || bytes.Contains(data, []byte(fluxDomain)) && fluxVersion().Match(data)
}

// MayConcern is MayHold for those who account for markers and for other objects of
// Flux too.
func MayConcern(data []byte) bool { return MayHold(data) || isOfFlux(data) }

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

// claimed says what a document that can't be parsed says it is. A document with
// "{{" that claims a core kind claims nothing: charts are full of them.
func claimed(data []byte) claim {
	switch {
	case fluxLine().Match(data):
		return claimFlux
	case sourceLine().Match(data) && bytes.Contains(data, []byte(sourceGroup+"/")):
		return claimFlux
	case coreLine().Match(data) && !strict.IsTemplate(data):
		return claimCore
	}
	return claimNone
}
