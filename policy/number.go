package policy

import (
	"cmp"
	"strconv"
	"strings"
)

// number is a decimal that is compared without expanding it. Its value is
// 0.DIGITS × 10^exponent; DIGITS are those of whole followed by those of
// fraction, without zeros at either end. Zero has no digits.
type number struct {
	negative        bool
	exponent        int64
	whole, fraction string
}

// exponentBound is the largest stored exponent. No float64 is finite near it.
// Numbers below 10^-exponentBound are all zero as float64, and are compared
// only by their digits.
const exponentBound = 1 << 50

// maxFloatExponent is the largest exponent e for which 0.DIGITS × 10^e may be a
// finite float64; the largest float64 is about 0.18 × 10^309.
const maxFloatExponent = 309

// parseNumber parses a decimal, such as "20240101", "-1.50", ".5", "1e3" or
// "20240601_1230", that is finite as a float64. Underscores are allowed between
// two digits, where strconv.ParseFloat allows them. Go's other spellings
// (hexadecimal, inf, nan) are not. It allocates nothing for numbers without
// underscores. FuzzParseNumber compares it with strconv.ParseFloat and
// math/big.
func parseNumber(s string) (number, bool) {
	var n number
	rest := s
	if rest != "" && (rest[0] == '+' || rest[0] == '-') {
		n.negative, rest = rest[0] == '-', rest[1:]
	}
	n.whole, rest = leadingGroups(rest)
	if rest != "" && rest[0] == '.' {
		n.fraction, rest = leadingGroups(rest[1:])
	}
	if n.whole == "" && n.fraction == "" {
		return number{}, false
	}
	shift, ok := parseExponent(rest)
	if !ok {
		return number{}, false
	}
	n.normalize(shift)
	if n.exponent > maxFloatExponent {
		return number{}, false
	}
	if n.exponent == maxFloatExponent {
		if _, err := strconv.ParseFloat(s, 64); err != nil {
			return number{}, false
		}
	}
	return n, true
}

// leadingDigits splits s after its leading decimal digits.
func leadingDigits(s string) (digits, rest string) {
	i := 0
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	return s[:i], s[i:]
}

// leadingGroups splits s after its leading decimal digits. Single underscores
// between digits are allowed, and removed from the result.
func leadingGroups(s string) (digits, rest string) {
	digits, rest = leadingDigits(s)
	for digits != "" && len(rest) > 1 && rest[0] == '_' && isDigit(rest[1]) {
		_, rest = leadingDigits(rest[1:])
		digits = s[:len(s)-len(rest)]
	}
	return strings.ReplaceAll(digits, "_", ""), rest
}

// parseExponent parses "", or "e" and a whole number, which is limited to
// exponentBound.
func parseExponent(s string) (int64, bool) {
	if s == "" {
		return 0, true
	}
	if s[0]|0x20 != 'e' {
		return 0, false
	}
	s, negative := s[1:], false
	if s != "" && (s[0] == '+' || s[0] == '-') {
		s, negative = s[1:], s[0] == '-'
	}
	digits, rest := leadingGroups(s)
	if digits == "" || rest != "" {
		return 0, false
	}
	var e int64
	for i := range len(digits) {
		e = min(e*10+int64(digits[i]-'0'), exponentBound)
	}
	if negative {
		e = -e
	}
	return e, true
}

// normalize removes zeros from both ends of the digits and sets the exponent.
// Shift is the power of ten that the number was written with.
func (n *number) normalize(shift int64) {
	n.fraction = strings.TrimRight(n.fraction, "0")
	n.whole = strings.TrimLeft(n.whole, "0")
	shift += int64(len(n.whole))
	if n.whole == "" {
		significant := strings.TrimLeft(n.fraction, "0")
		shift -= int64(len(n.fraction) - len(significant))
		n.fraction = significant
	}
	if n.fraction == "" {
		n.whole = strings.TrimRight(n.whole, "0")
	}
	if n.whole == "" && n.fraction == "" {
		*n = number{}
		return
	}
	n.exponent = max(shift, -exponentBound)
}

// compare is positive if n is greater than m, and 0 if they are equal, however
// they are spelled.
func (n number) compare(m number) int {
	switch {
	case n.sign() != m.sign():
		return cmp.Compare(n.sign(), m.sign())
	case n.negative:
		return m.compareMagnitude(n)
	}
	return n.compareMagnitude(m)
}

// sign is -1, 0 or 1.
func (n number) sign() int {
	switch {
	case n.whole == "" && n.fraction == "":
		return 0
	case n.negative:
		return -1
	}
	return 1
}

func (n number) compareMagnitude(m number) int {
	if n.exponent != m.exponent {
		return cmp.Compare(n.exponent, m.exponent)
	}
	if n.fraction == "" && m.fraction == "" {
		return strings.Compare(n.whole, m.whole)
	}
	for i := range n.len() + m.len() {
		if i >= n.len() || i >= m.len() {
			return cmp.Compare(n.len(), m.len())
		}
		if a, b := n.digit(i), m.digit(i); a != b {
			return cmp.Compare(a, b)
		}
	}
	return 0
}

// len returns the number of digits.
func (n number) len() int { return len(n.whole) + len(n.fraction) }

// digit returns the i-th digit, from 0.
func (n number) digit(i int) byte {
	if i < len(n.whole) {
		return n.whole[i]
	}
	return n.fraction[i-len(n.whole)]
}

// hasDigit reports whether s contains a decimal digit.
func hasDigit(s string) bool { return strings.ContainsAny(s, "0123456789") }
