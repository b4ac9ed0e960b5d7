package policy

import (
	"cmp"
	"math"
	"strings"
)

// maxVersion is the length in bytes above which Masterminds/semver 3.5.0
// refuses a version (MaxVersionLen).
const maxVersion = 256

// version holds the parts of a tag that SemVer compares. pre points into the
// tag. Build metadata is only validated, since it is never compared.
type version struct {
	major, minor, patch uint64
	pre                 string
}

// parseVersion parses a tag as Flux does. The whole string must have at least
// three parts separated by dots. The rest follows semver.NewVersion, which
// allows a leading "v", leading zeros, and missing minor and patch numbers
// ("9.9-rc.1" has three parts and is 9.9.0-rc.1). A tag that doesn't parse is
// tried again with "_" for "+", as registries store the versions of charts. It
// allocates nothing. FuzzParseVersion compares it with Masterminds/semver.
func parseVersion(s string) (version, bool) {
	v, numbers := readVersion(s, '+')
	if numbers == 0 && strings.IndexByte(s, '_') >= 0 {
		v, numbers = readVersion(s, '_')
	}
	return v, enough(s, numbers)
}

// parseGitVersion is parseVersion for a Git tag, which may contain "+", so that
// "_" has no special meaning.
func parseGitVersion(s string) (version, bool) {
	v, numbers := readVersion(s, '+')
	return v, enough(s, numbers)
}

// enough reports whether s has three parts; numbers is the count of its leading
// numbers.
func enough(s string, numbers int) bool {
	return numbers == 3 || numbers > 0 && strings.Count(s, ".") >= 2
}

// readVersion parses s, with sep before the build metadata. It returns the
// number of leading numbers, 0 if s isn't a version.
func readVersion(s string, sep byte) (v version, numbers int) {
	if len(s) > maxVersion {
		return v, 0
	}
	rest := strings.TrimPrefix(s, "v")
	for _, field := range [...]*uint64{&v.major, &v.minor, &v.patch} {
		if numbers > 0 {
			if rest == "" || rest[0] != '.' {
				break
			}
			rest = rest[1:]
		}
		n, size, ok := leadingNumber(rest)
		if !ok {
			return v, 0
		}
		*field, rest = n, rest[size:]
		numbers++
	}
	if rest != "" {
		core, build, found := cut(rest, sep)
		if found && !validIdentifiers(build, anyIdentifier) {
			return v, 0
		}
		if core != "" {
			v.pre = core[1:]
			if core[0] != '-' || !validIdentifiers(v.pre, numericWithoutZero) {
				return v, 0
			}
		}
	}
	return v, numbers
}

// cut is strings.Cut for a single byte.
func cut(s string, sep byte) (before, after string, found bool) {
	if i := strings.IndexByte(s, sep); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

// leadingNumber parses the leading decimal digits of s and returns their count.
// It returns false if there are none, or too many for 64 bits.
func leadingNumber(s string) (n uint64, size int, ok bool) {
	for size < len(s) && isDigit(s[size]) {
		digit := uint64(s[size] - '0')
		if n > (math.MaxUint64-digit)/10 {
			return 0, 0, false
		}
		n = n*10 + digit
		size++
	}
	return n, size, size > 0
}

// identifierRule is one of the two grammars of identifiers in SemVer 2.0.0,
// sections 9 and 10.
type identifierRule uint8

const (
	anyIdentifier      identifierRule = iota // build metadata
	numericWithoutZero                       // prerelease: a number has no leading zero
)

// validIdentifiers reports whether s is one or more dot-separated identifiers
// of letters, digits and hyphens.
func validIdentifiers(s string, rule identifierRule) bool {
	start, numeric := 0, true
	for i := 0; i <= len(s); i++ {
		switch {
		case i == len(s) || s[i] == '.':
			if i == start || rule == numericWithoutZero && numeric && i-start > 1 && s[start] == '0' {
				return false
			}
			start, numeric = i+1, true
		case isDigit(s[i]):
		case s[i] == '-' || 'a' <= s[i]|0x20 && s[i]|0x20 <= 'z':
			numeric = false
		default:
			return false
		}
	}
	return true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// compare compares by SemVer precedence. It is positive if v is higher.
func (v version) compare(w version) int {
	switch {
	case v.major != w.major:
		return cmp.Compare(v.major, w.major)
	case v.minor != w.minor:
		return cmp.Compare(v.minor, w.minor)
	case v.patch != w.patch:
		return cmp.Compare(v.patch, w.patch)
	case v.pre == w.pre:
		return 0
	case v.pre == "":
		return 1
	case w.pre == "":
		return -1
	}
	return comparePrerelease(v.pre, w.pre)
}

// comparePrerelease compares identifier by identifier; a prefix is lower.
func comparePrerelease(a, b string) int {
	for {
		var x, y string
		var more, also bool
		x, a, more = strings.Cut(a, ".")
		y, b, also = strings.Cut(b, ".")
		if c := compareIdentifier(x, y); c != 0 {
			return c
		}
		switch {
		case !more && !also:
			return 0
		case !more:
			return -1
		case !also:
			return 1
		}
	}
}

// compareIdentifier orders numbers below words. A number that doesn't fit into
// 64 bits counts as a word, as in Masterminds/semver.
func compareIdentifier(a, b string) int {
	x, size, ok := leadingNumber(a)
	numA := ok && size == len(a)
	y, size, ok := leadingNumber(b)
	numB := ok && size == len(b)
	switch {
	case numA && numB:
		return cmp.Compare(x, y)
	case numA:
		return -1
	case numB:
		return 1
	}
	return strings.Compare(a, b)
}
