package setters

import (
	"bytes"
	"strings"
)

// blanks may stand before a comment that fills its line.
const blanks = " \t" + bom

// isCommentedOut reports whether a line was commented out together with its
// marker. Before is the line up to the "#" of the marker:
//
//	# image: x:1 # {"$imagepolicy": "ns:app"}
//	#- x:1 # {"$imagepolicy": "ns:app"}
//
// Other words before a marker are a mistake, since they keep it from being
// read.
func isCommentedOut(before []byte) bool {
	before = bytes.Trim(bytes.TrimRight(before, "#"), blanks)
	if !bytes.HasPrefix(before, []byte("#")) {
		return false
	}
	text := bytes.TrimSpace(bytes.TrimLeft(before, "#"))
	return bytes.HasPrefix(text, []byte("-")) ||
		bytes.HasSuffix(text, []byte(":")) ||
		bytes.Contains(text, []byte(": ")) ||
		!bytes.ContainsAny(text, " \t") // a value on a line of its own, or nothing
}

// splitMarker splits a line at the "#" before its first token. Comment is the
// marker, or an attempt at one; before is the text in front of it. It returns
// false if no "#" stands before the token.
func splitMarker(line []byte) (before, comment []byte, ok bool) {
	i := bytes.Index(line, []byte(token))
	if i < 0 {
		return nil, nil, false
	}
	hash := bytes.LastIndexByte(line[:i], '#')
	if hash < 0 {
		return nil, nil, false
	}
	return line[:hash], line[hash:], true
}

// commentsOut reports whether a line is a commented-out one with a marker.
func commentsOut(line []byte) bool {
	before, comment, ok := splitMarker(line)
	return ok && isCommentedOut(before) && attempt().Match(comment)
}

// isGlued reports whether a line's marker isn't a comment only because no blank
// stands before its "#".
func isGlued(line []byte) bool {
	before, comment, ok := splitMarker(line)
	if !ok || !attempt().Match(comment) {
		return false
	}
	before = bytes.TrimRight(before, "#")
	return len(before) > 0 && !bytes.ContainsAny(before[len(before)-1:], " \t")
}

// missingBlank is the advice for a glued marker.
const missingBlank = `write a blank before the "#": without one it is no comment`

// tokenLine returns the line of a comment that holds the token.
func tokenLine(comment string) (string, bool) {
	if !strings.Contains(comment, token) {
		return "", false
	}
	for line := range strings.Lines(comment) {
		if strings.Contains(line, token) {
			return strings.TrimRight(line, "\n"), true
		}
	}
	return "", false
}

// headLine is tokenLine for a comment above a node. Lines that are commented
// out don't count.
func headLine(comment string) (string, bool) {
	for line := range strings.Lines(comment) {
		if line, ok := tokenLine(line); ok && !commentsOut([]byte(line)) {
			return line, true
		}
	}
	return "", false
}
