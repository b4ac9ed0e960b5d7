package setters

import (
	"strings"

	"github.com/pinsetter/pinsetter"
)

// Classify returns the kind of a value. If its bytes could be a tag or the name
// of an image, the field's name decides, then whether it reads as a version.
// KindWord means that none of this decided.
func Classify(value string, f Field) pinsetter.Kind {
	switch {
	case f.Sealed, strings.HasPrefix(value, "ENC["):
		return pinsetter.KindSealed
	case f.Twice:
		return pinsetter.KindTwice
	case holdsVariable(value):
		return pinsetter.KindVariable
	case f.at("OCIRepository", "spec", "ref", "semver"):
		return pinsetter.KindRange
	case value == "":
		return f.holds()
	}
	scheme, rest := pinsetter.CutScheme(value)
	switch {
	case scheme != "":
		return reference(rest, f)
	case isDigest(value):
		return pinsetter.KindDigest
	case isRange(value, f):
		return pinsetter.KindRange
	case isWord(value):
		return word(value, f)
	}
	return reference(value, f)
}

// word returns the kind of a value that may be a tag or an image's name.
func word(value string, f Field) pinsetter.Kind {
	switch holds := f.holds(); {
	case holds == pinsetter.KindDigest:
		return pinsetter.KindText
	case holds != pinsetter.KindAny:
		return holds
	case f.Label:
		return pinsetter.KindLabel
	case isVersion(value):
		return pinsetter.KindTag
	}
	return pinsetter.KindWord
}

// reference returns the kind of "name[:tag][@digest]", and of "tag@digest".
func reference(value string, f Field) pinsetter.Kind {
	before, digest, pinned := strings.Cut(value, "@")
	image := ParseReference(before)
	switch {
	case pinned && !isDigest(digest), strings.HasPrefix(value, "refs/"): // a revision of Git
		return pinsetter.KindText
	case pinned && isWord(before):
		if kind := word(before, f); kind == pinsetter.KindTag || kind == pinsetter.KindText {
			return kind
		}
		return pinsetter.KindReference
	case !isName(image.Name), image.Tag != "" && !isWord(image.Tag):
		return pinsetter.KindText
	case pinned, image.Tag != "":
		return pinsetter.KindReference
	case f.holds() == pinsetter.KindName:
		return pinsetter.KindName
	}
	return pinsetter.KindUntagged
}

// holdsVariable reports whether something else substitutes text in a value
// before it is read: a shell, Flux's substitution, a template, a ResourceSet of
// Flux's operator ("<< inputs.tag >>").
func holdsVariable(value string) bool {
	return strings.IndexByte(value, '$') >= 0 || strings.Contains(value, "{{") || strings.Contains(value, "<<")
}

// isDigest reports whether a value is meant as a digest, well-formed or not.
func isDigest(value string) bool {
	algorithm, hex, ok := strings.Cut(value, ":")
	return ok && strings.HasPrefix(algorithm, "sha") && digits(algorithm[3:]) == len(algorithm)-3 && len(algorithm) > 3 &&
		strings.Trim(hex, "0123456789abcdefABCDEF") == ""
}

// isRange reports whether a value means more than one version.
func isRange(value string, f Field) bool {
	bound := strings.TrimLeft(value, "^~<>=! ")
	switch {
	case strings.Contains(value, "||"), strings.IndexByte(value, '*') >= 0:
		return true
	case len(bound) < len(value): // ">=1.0", "^x"
		return digits(strings.TrimPrefix(bound, "v")) > 0 || bound == "x"
	case strings.ContainsAny(strings.TrimRight(value, " "), " ,"): // "1.2 - 2", "1.0, <2"
		return isVersion(value)
	case !f.takesRanges():
		return false
	}
	for rest := strings.TrimPrefix(value, "v"); ; { // "1.x"
		part, more, dotted := strings.Cut(rest, ".")
		if part == "x" || part == "X" || strings.HasPrefix(part, "x-") {
			return true
		}
		if n := digits(part); n == 0 || n < len(part) || !dotted {
			return false
		}
		rest = more
	}
}

// isVersion reports whether a value begins like a version and unlike a name:
// "1.2.3-alpine", "v1.2", "20240101".
func isVersion(value string) bool {
	rest := strings.TrimPrefix(value, "v")
	n := digits(rest)
	switch {
	case n == 0:
		return false
	case n == len(rest):
		return len(rest) == len(value) // v1 alone may be a name
	case rest[n] == '.':
		return digits(rest[n+1:]) > 0 || strings.HasPrefix(rest[n+1:], "x")
	}
	return rest[n] == ' ' || rest[n] == ','
}

// digits returns the number of digits at the start of a value.
func digits(value string) int {
	n := 0
	for n < len(value) && '0' <= value[n] && value[n] <= '9' {
		n++
	}
	return n
}

// isWord reports whether a value may be a tag or a version: letters, digits and
// their separators, such as the "+" of a chart's version.
func isWord(value string) bool {
	for i := range len(value) {
		switch c := value[i]; {
		case isAlphanumeric(c), c == '_':
		case i > 0 && (c == '.' || c == '-' || c == '+'):
		default:
			return false
		}
	}
	return value != ""
}

// isName is imageName for values that are already in a file.
func isName(value string) bool {
	for i := range len(value) {
		switch c := value[i]; {
		case isAlphanumeric(c), c == '[':
		case i > 0 && (c == '.' || c == '-' || c == '_' || c == ':' || c == ']' || c == '/' && value[i-1] != '/'):
		default:
			return false
		}
	}
	return value != ""
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
