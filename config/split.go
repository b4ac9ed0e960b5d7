package config

import (
	"bytes"
	"regexp"
)

// chunk is the bytes of one document of a file, with the line of its first byte,
// from 1.
type chunk struct {
	data []byte
	line int
}

// byteOrderMark may start a UTF-8 file; YAML readers drop it.
var byteOrderMark = []byte("\xef\xbb\xbf")

// split cuts a file at its document markers, so that a document that doesn't
// parse can't hide the others. A line that starts with "---" or "..." ends a
// document wherever it stands (YAML 1.2.2, section 9.1.2), so no parser is needed
// to find it. Directives (%YAML) are a document of their own here, and so without
// effect.
func split(data []byte) []chunk {
	data = bytes.TrimPrefix(data, byteOrderMark)
	var chunks []chunk
	start, startLine, line := 0, 1, 1
	for at := 0; at < len(data); line++ {
		end := len(data)
		if i := bytes.IndexByte(data[at:], '\n'); i >= 0 {
			end = at + i + 1
		}
		if at > start && isMarker(data[at:end]) {
			chunks = append(chunks, chunk{data[start:at], startLine})
			start, startLine = at, line
		}
		if start == at && data[at] == '.' && isMarker(data[at:end]) {
			start, startLine = end, line+1 // a marker that only ends a document
		}
		at = end
	}
	if start < len(data) {
		chunks = append(chunks, chunk{data[start:], startLine})
	}
	return chunks
}

// isMarker reports whether a line starts or ends a document.
func isMarker(line []byte) bool {
	if !bytes.HasPrefix(line, []byte("---")) && !bytes.HasPrefix(line, []byte("...")) {
		return false
	}
	return len(line) == 3 || line[3] == ' ' || line[3] == '\t' || line[3] == '\n' || line[3] == '\r'
}

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
		[]byte("ImageRepository"), []byte("ImagePolicy"), []byte("ImageUpdateAutomation"), []byte("GitRepository"), []byte("Gate"), []byte("PullRequest"),
		[]byte("Secret"), []byte("ServiceAccount"), []byte("Namespace"),
	}
)

// mayHold reports whether bytes can hold an object that Load reads: they name one
// of our groups, or a line has "kind" and after it the name of a known kind. It
// is the cheap screen that keeps most of a tree from being parsed.
func mayHold(data []byte) bool {
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

func containsAny(data []byte, words [][]byte) bool {
	for _, word := range words {
		if bytes.Contains(data, word) {
			return true
		}
	}
	return false
}

var (
	fluxLine = regexp.MustCompile(`(?m)^[\s\-"'{,]*(apiVersion["']?\s*:\s*["']?(image\.toolkit\.fluxcd\.io|pinsetter\.dev)/` +
		`|kind["']?\s*:\s*["']?(ImageRepository|ImagePolicy|ImageUpdateAutomation)(List)?\b)`)
	sourceLine = regexp.MustCompile(`(?m)^["'{]*kind["']?\s*:\s*["']?GitRepository(List)?\b`)
	coreLine   = regexp.MustCompile(`(?m)^["'{]*kind["']?\s*:\s*["']?(Secret|ServiceAccount|Namespace)\b`)
)

// claimed says what a document that can't be parsed says it is. A document with
// "{{" that claims a core kind claims nothing: charts are full of them.
func claimed(data []byte) claim {
	switch {
	case fluxLine.Match(data):
		return claimFlux
	case sourceLine.Match(data) && bytes.Contains(data, []byte(sourceGroup+"/")):
		return claimFlux
	case coreLine.Match(data) && !isTemplate(data):
		return claimCore
	}
	return claimNone
}

// isTemplate reports whether bytes look like a Helm or Go template.
func isTemplate(data []byte) bool { return bytes.Contains(data, []byte("{{")) }
