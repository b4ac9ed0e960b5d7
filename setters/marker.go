package setters

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
)

// marker is a parsed marker.
type marker struct {
	policy pinsetter.Name
	part   pinsetter.Part
	setter string // verbatim
}

// markerError says why a comment that holds the token is no marker.
type markerError struct {
	code    string
	message string
}

func (e *markerError) Error() string { return e.message }

// errNoMarker says that a comment is no marker, and wasn't meant as one.
var errNoMarker = errors.New("no marker")

var (
	// attempt matches comments that were meant as markers, unlike prose that
	// mentions the word.
	attempt = pinsetter.Pattern(`(?m)\{[\s\\"'“”‘’]*\$imagepolicy` +
		`|\[\s*["'“”‘’]\s*\$imagepolicy` +
		`|["'“”‘’][\s\\]*\$imagepolicy[\s\\]*["'“”‘’]?\s*[:=]` +
		`|#\s*\$imagepolicy\s*[:=]\s*(\S+[:/]\S+|\S+\s*$)`)

	// bare matches a marker without braces, and captures its value.
	bare = pinsetter.Pattern(`^\$imagepolicy\s*[:=]?[\s"'“”‘’]*([^\s"'“”‘’,}]*)`)

	// objectName is the grammar of a Kubernetes object's name: an RFC 1123
	// subdomain. Anything else names no policy.
	objectName = pinsetter.Pattern(`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`)
)

// parts maps a marker's suffix to the part that it asks for.
var parts = map[string]pinsetter.Part{
	"":       pinsetter.PartReference,
	"name":   pinsetter.PartName,
	"tag":    pinsetter.PartTag,
	"digest": pinsetter.PartDigest,
}

// parseMarker parses a comment with its leading "#". It returns errNoMarker for
// an ordinary comment, and a *markerError for a wrong marker.
func parseMarker(comment string) (marker, error) {
	if !strings.Contains(comment, token) {
		return marker{}, errNoMarker
	}
	text := strings.TrimLeft(comment, "#")
	var fields map[string]string
	if err := json.Unmarshal([]byte(text), &fields); err != nil {
		if !attempt().MatchString(comment) {
			return marker{}, errNoMarker
		}
		return marker{}, &markerError{CodeMalformed, malformed(text)}
	}
	if setter, ok := fields[token]; ok {
		return parseSetter(setter)
	}
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		suffix, longer := strings.CutPrefix(key, token)
		switch {
		case strings.HasPrefix(suffix, ":"): // "$imagepolicy:tag"
			return marker{}, &markerError{CodeMisspelt, misspelt(key, fields[key]+suffix)}
		case longer || isNear(key):
			return marker{}, &markerError{CodeMisspelt, misspelt(key, fields[key])}
		}
	}
	return marker{}, errNoMarker
}

// malformed explains the mistake in a comment that was meant as a marker.
func malformed(text string) string {
	const exactly = `write exactly # {"$imagepolicy": "namespace:policy"}`
	text = strings.TrimSpace(text)
	switch {
	case strings.Contains(text, "'"+token+"'"):
		return "the marker is in single quotes, which JSON does not know: " + exactly
	case strings.Contains(text, "\n"):
		return "the marker shares its comment with other lines: put it alone above the item, or behind the value"
	case strings.Contains(text, "\\"):
		return "backslashes stand in the marker, of which JSON needs none here: " + exactly
	case strings.HasPrefix(text, token):
		return "the marker lacks braces and quotes: write exactly " + form(bare().FindStringSubmatch(text)[1])
	case !strings.HasPrefix(text, "{") || !strings.HasSuffix(text, "}"):
		return "other text stands beside the marker in its comment: " + exactly
	default:
		return "the marker is not one JSON object with string values: " + exactly
	}
}

// parseSetter parses "namespace:policy[:suffix]".
func parseSetter(setter string) (marker, error) {
	fields := strings.Split(setter, ":")
	wrong := func(format string, args ...any) (marker, error) {
		return marker{}, &markerError{CodeSetter, fmt.Sprintf("marker %q: ", setter) + fmt.Sprintf(format, args...)}
	}
	switch {
	case setter == "":
		return wrong("it names no policy: write \"namespace:policy\"")
	case len(fields) == 1 && strings.Contains(setter, "/"):
		return wrong("namespace and policy are separated by a colon: write %q", strings.Replace(setter, "/", ":", 1))
	case len(fields) == 1:
		return wrong("the namespace is missing: write \"namespace:%s\"", setter)
	case len(fields) > 3:
		return wrong("too many colons: write \"namespace:policy\" and one of :tag, :name and :digest")
	case !objectName().MatchString(fields[0]):
		return wrong("%q is no namespace", fields[0])
	case !objectName().MatchString(fields[1]):
		return wrong("%q is no policy's name", fields[1])
	}
	m := marker{policy: pinsetter.Name{Namespace: fields[0], Name: fields[1]}, setter: setter}
	if len(fields) == 2 {
		return m, nil
	}
	part, ok := parts[fields[2]]
	if !ok || fields[2] == "" {
		return marker{}, &markerError{CodeSuffix, fmt.Sprintf("marker %q: suffix %q is none of :tag, :name and :digest", setter, ":"+fields[2])}
	}
	m.part = part
	return m, nil
}
