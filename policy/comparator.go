package policy

import (
	"fmt"
	"math"
	"strings"
)

// comparand is the version of a comparator. given is the number of its three
// numbers before the first missing one or wildcard.
type comparand struct {
	at    version
	given int
}

// parseComparator splits a comparator that Masterminds/semver has accepted.
func parseComparator(s string) (operator string, c comparand, err error) {
	text := strings.TrimLeft(s, "=!<>~^")
	operator = s[:len(s)-len(text)]
	core, _, _ := strings.Cut(strings.TrimPrefix(text, "v"), "+")
	core, c.at.pre, _ = strings.Cut(core, "-")
	parts := strings.SplitN(core, ".", 3)
	for i, field := range [...]*uint64{&c.at.major, &c.at.minor, &c.at.patch} {
		if i >= len(parts) || wildcard(parts[i]) {
			break
		}
		n, size, ok := leadingNumber(parts[i])
		if !ok || size < len(parts[i]) {
			return "", comparand{}, fmt.Errorf("improper version %q in comparator %q", text, s)
		}
		*field = n
		c.given++
	}
	return operator, c, nil
}

// isOperator reports whether s is an operator. "" is the operator of a plain
// "1.2.3".
func isOperator(s string) bool {
	switch s {
	case "", "=", "!=", ">", ">=", "=>", "<", "<=", "=<", "~", "~>", "^":
		return true
	}
	return false
}

func wildcard(s string) bool { return s == "x" || s == "X" || s == "*" }

// add narrows the span by one comparator, such as ">=1.2".
func (s *span) add(comparator string) error {
	operator, c, err := parseComparator(comparator)
	if err != nil {
		return err
	}
	s.prereleases = s.prereleases || c.at.pre != ""
	switch operator {
	case "=", "":
		if c.given < 3 {
			s.addTilde(c)
			break
		}
		s.atLeast(bound{c.at, inclusive})
		s.atMost(bound{c.at, inclusive})
	case "!=":
		s.except = append(s.except, exception{c.at, [...]exceptionWidth{exactly, sameMajor, sameMinor, exactly}[c.given]})
	case ">":
		s.addAbove(c)
	case ">=", "=>":
		s.atLeast(bound{c.at, inclusive})
	case "<":
		s.atMost(bound{c.at, exclusive})
	case "<=", "=<":
		s.addUpTo(c)
	case "~", "~>":
		s.addTilde(c)
	case "^":
		s.addCaret(c)
	default:
		return fmt.Errorf("unknown operator %q", operator)
	}
	return nil
}

// addAbove narrows the span by ">". After a version with fewer than three
// numbers, the span begins above the whole line of that version.
func (s *span) addAbove(c comparand) {
	switch c.given {
	case 1, 2:
		next := c.at.next(c.given)
		if next.kind == unbounded {
			next.at, next.kind = version{math.MaxUint64, math.MaxUint64, math.MaxUint64, ""}, exclusive
		} else {
			next.kind = inclusive
		}
		s.atLeast(next)
	default:
		s.atLeast(bound{c.at, exclusive})
	}
}

// addUpTo narrows the span by "<=". Of a version with fewer than three numbers
// the whole line is inside ("<=1.2" includes all of 1.2, "<=*" all of 0.0).
func (s *span) addUpTo(c comparand) {
	switch c.given {
	case 3:
		s.atMost(bound{c.at, inclusive})
	case 0:
		s.atMost(c.at.next(2))
	default:
		s.atMost(c.at.next(c.given))
	}
}

// addTilde narrows the span to one minor line, or to one major line if only a
// major number is given; ~0.0.0 and ~* exclude nothing.
func (s *span) addTilde(c comparand) {
	s.atLeast(bound{c.at, inclusive})
	zero := c.at.major == 0 && c.at.minor == 0 && c.at.patch == 0
	if zero && (c.given == 0 || c.given == 3) {
		return
	}
	s.atMost(c.at.next(max(1, min(c.given, 2))))
}

// addCaret narrows the span to the versions that agree up to the first number
// that isn't zero, or up to the last given number.
func (s *span) addCaret(c comparand) {
	s.atLeast(bound{c.at, inclusive})
	switch {
	case c.at.major > 0 || c.given == 1:
		s.atMost(c.at.next(1))
	case c.at.minor > 0 || c.given == 2:
		s.atMost(c.at.next(2))
	default:
		s.atMost(c.at.next(3))
	}
}

// atLeast raises the span's lower end to b.
func (s *span) atLeast(b bound) {
	c := b.at.compare(s.low.at)
	if s.low.kind == unbounded || c > 0 || c == 0 && b.kind == exclusive {
		s.low = b
	}
}

// atMost lowers the span's upper end to b, which may be unbounded.
func (s *span) atMost(b bound) {
	c := b.at.compare(s.high.at)
	if b.kind != unbounded && (s.high.kind == unbounded || c < 0 || c == 0 && b.kind == exclusive) {
		s.high = b
	}
}

// next returns the end of the line named by v's first count numbers: just below
// the lowest prerelease of the next line. It is unbounded if there is no next
// line.
func (v version) next(count int) bound {
	n := version{v.major, v.minor, v.patch, "0"}
	fields := [...]*uint64{&n.major, &n.minor, &n.patch}
	for i, field := range fields {
		if i >= count {
			*field = 0
		}
	}
	for i := count - 1; i >= 0; i-- {
		if *fields[i] < math.MaxUint64 {
			*fields[i]++
			return bound{n, exclusive}
		}
		*fields[i] = 0
	}
	return bound{}
}
