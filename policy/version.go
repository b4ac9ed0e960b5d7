package policy

import (
	"cmp"
	"math"
	"strings"
)

// maxVersion is the length in bytes past which Masterminds/semver 3.5.0 refuses
// a version (MaxVersionLen).
const maxVersion = 256

// version is what SemVer compares of a tag. pre is a part of the tag's own
// bytes; build metadata is checked and forgotten, since it is never compared.
type version struct {
	major, minor, patch uint64
	pre                 string
}

// parseVersion reads a tag as Flux does: at least three parts between dots,
// counted in the whole string, then semver.NewVersion, which takes a leading
// "v", leading zeros, and missing minor and patch numbers ("9.9-rc.1" has three
// parts and is 9.9.0-rc.1). A tag that does not parse is read once more with
// "_" for "+", as registries store the versions of charts. It allocates
// nothing. FuzzParseVersion holds it to Masterminds/semver.
func parseVersion(s string) (version, bool) {
	v, numbers := readVersion(s, '+')
	if numbers == 0 && strings.IndexByte(s, '_') >= 0 {
		v, numbers = readVersion(s, '_')
	}
	return v, enough(s, numbers)
}

// parseGitVersion is parseVersion for a tag of Git, which may have a "+" and where
// "_" stands for nothing else.
func parseGitVersion(s string) (version, bool) {
	v, numbers := readVersion(s, '+')
	return v, enough(s, numbers)
}

// enough reports whether what begins with so many numbers has three parts.
func enough(s string, numbers int) bool {
	return numbers == 3 || numbers > 0 && strings.Count(s, ".") >= 2
}

// readVersion parses s, with sep before the build metadata, and returns how many
// numbers it begins with: 0 where it does not parse.
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

// cut is strings.Cut for one byte.
func cut(s string, sep byte) (before, after string, found bool) {
	if i := strings.IndexByte(s, sep); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

// leadingNumber reads the decimal digits that s begins with and returns how
// many there are. It is not ok where there are none, or too many for 64 bits.
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

// The two grammars of identifiers in SemVer 2.0.0, sections 9 and 10.
type identifierRule uint8

const (
	anyIdentifier      identifierRule = iota // build metadata
	numericWithoutZero                       // prerelease: a number has no leading zero
)

// validIdentifiers reports whether s is one or more identifiers of letters,
// digits and hyphens with dots between them.
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

// compare orders versions by SemVer precedence: positive where v is higher.
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

// comparePrerelease compares identifier by identifier; the one that ends first
// is lower.
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

// compareIdentifier puts numbers below words. A number that does not fit in 64
// bits counts as a word, as in Masterminds/semver.
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
