package pinsetter

import (
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode/utf8"
)

// Matcher is a regular expression that is only run where comparing bytes doesn't
// tell whether it matches. Most patterns for tags begin or end with fixed text, or
// are nothing else, such as "^.*\.sig$". It is safe for concurrent use.
type Matcher struct {
	*regexp.Regexp
	literals literals
}

// NewMatcher returns the matcher of an expression.
func NewMatcher(expression *regexp.Regexp) *Matcher {
	return &Matcher{expression, literalsOf(expression.String())}
}

// MatchString is the expression's.
func (m *Matcher) MatchString(text string) bool {
	switch {
	case !m.literals.mayMatch(text):
		return false
	case m.literals.whole && !strings.Contains(text, "\n"):
		return true
	}
	return m.Regexp.MatchString(text)
}

// FindStringSubmatchIndex is the expression's.
func (m *Matcher) FindStringSubmatchIndex(text string) []int {
	if !m.literals.mayMatch(text) {
		return nil
	}
	return m.Regexp.FindStringSubmatchIndex(text)
}

// literals are fixed texts that every match has: at the start of what is searched,
// at its end, and somewhere. They are "" where there is none.
type literals struct {
	prefix, suffix, inside string

	// whole says that a text without line breaks matches if it has them.
	whole bool
}

// mayMatch reports whether a text has what every match has.
func (l literals) mayMatch(text string) bool {
	return len(text) >= max(len(l.prefix), len(l.suffix)) &&
		strings.HasPrefix(text, l.prefix) && strings.HasSuffix(text, l.suffix) && strings.Contains(text, l.inside)
}

// literalsOf returns the literals of an expression. It has none of one that it
// doesn't understand.
func literalsOf(expression string) literals {
	tree, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return literals{}
	}
	parts := flatten(nil, tree.Simplify())
	begins := len(parts) > 0 && parts[0].Op == syntax.OpBeginText
	if begins {
		parts = parts[1:]
	}
	ends := len(parts) > 0 && parts[len(parts)-1].Op == syntax.OpEndText
	if ends {
		parts = parts[:len(parts)-1]
	}
	parts = joined(parts)
	if len(parts) == 0 {
		return literals{}
	}
	l := literals{whole: isWhole(parts)}
	first, last := literal(parts[0]), literal(parts[len(parts)-1])
	if l.whole && begins && ends && len(parts) == 1 {
		l.whole = false // the text is the literal, and nothing around it
	}
	if begins {
		l.prefix = first
	}
	if ends {
		l.suffix = last
	}
	for _, part := range parts {
		if text := literal(part); len(text) > len(l.inside) {
			l.inside = text
		}
	}
	if l.inside == l.prefix || l.inside == l.suffix {
		l.inside = ""
	}
	return l
}

// flatten appends the parts that an expression has one after the other.
func flatten(parts []*syntax.Regexp, of *syntax.Regexp) []*syntax.Regexp {
	switch of.Op {
	case syntax.OpConcat, syntax.OpCapture:
		for _, part := range of.Sub {
			parts = flatten(parts, part)
		}
		return parts
	case syntax.OpEmptyMatch:
		return parts
	}
	return append(parts, of)
}

// joined returns parts with neighbouring literals as one.
func joined(parts []*syntax.Regexp) []*syntax.Regexp {
	var all []*syntax.Regexp
	for _, part := range parts {
		if n := len(all); n > 0 && literal(part) != "" && literal(all[n-1]) != "" {
			all[n-1] = &syntax.Regexp{Op: syntax.OpLiteral, Rune: append(append([]rune{}, all[n-1].Rune...), part.Rune...)}
			continue
		}
		all = append(all, part)
	}
	return all
}

// literal returns the text that a part is, "" if it is more than that. A part that
// ignores case, or has the rune that stands for bytes that are no UTF-8, is more.
func literal(part *syntax.Regexp) string {
	text := string(part.Rune)
	if part.Op != syntax.OpLiteral || part.Flags&syntax.FoldCase != 0 || strings.ContainsRune(text, utf8.RuneError) {
		return ""
	}
	return text
}

// isWhole reports whether parts are one literal, with anything or nothing before it
// and behind it.
func isWhole(parts []*syntax.Regexp) bool {
	found := 0
	for _, part := range parts {
		anything := part.Op == syntax.OpStar && (part.Sub[0].Op == syntax.OpAnyCharNotNL || part.Sub[0].Op == syntax.OpAnyChar)
		if literal(part) != "" {
			found++
		} else if !anything {
			return false
		}
	}
	return found == 1
}
