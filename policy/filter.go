package policy

import (
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pinsetter/pinsetter"
)

// filter keeps the tags that match a pattern and extracts from each the value
// that the policy orders by. The nil filter keeps every tag as its own value. None
// keeps a reserved name.
type filter struct {
	pattern  *regexp.Regexp
	template string // "": the whole tag
	group    int    // the group that is the whole template, or -1
}

// newFilter compiles the filter. An extract template is read as
// regexp.Expand reads it: "$name" takes as many letters, digits and "_" as it
// can, and a group that the pattern does not have is empty.
func newFilter(pattern *regexp.Regexp, template string) *filter {
	f := &filter{pattern: pattern, template: template, group: -1}
	refs := references(template)
	if len(refs) == 1 && refs[0].text == template {
		f.group = groupIndex(pattern, refs[0].name)
	}
	return f
}

// value returns what the policy orders tag by, and whether the tag may be ordered
// at all: it isn't reserved, and the pattern matches.
func (f *filter) value(tag string) (string, bool) {
	switch {
	case pinsetter.ReservedTag(tag):
		return "", false
	case f == nil:
		return tag, true
	case f.template == "":
		return tag, f.pattern.MatchString(tag)
	}
	match := f.pattern.FindStringSubmatchIndex(tag)
	switch {
	case match == nil:
		return "", false
	case f.group < 0:
		return string(f.pattern.ExpandString(nil, f.template, tag, match)), true
	case match[2*f.group] < 0:
		return "", true
	}
	return tag[match[2*f.group]:match[2*f.group+1]], true
}

// each gives the tags that the filter keeps, with their values. It keeps none of
// them: there may be many policies, and few want more than the best.
func (f *filter) each(tags []string) iter.Seq2[string, string] {
	return func(yield func(tag, value string) bool) {
		for _, tag := range tags {
			if value, ok := f.value(tag); ok && !yield(tag, value) {
				return
			}
		}
	}
}

// key is equal for filters that do the same.
func (f *filter) key() string {
	if f == nil {
		return ""
	}
	return fmt.Sprintf("%q %q", f.pattern, f.template)
}

// reference is a "$name" or "${name}" in a template.
type reference struct{ text, name string }

// references returns the references of a template, in order. "$$" is none, and
// neither is a "$" that no name follows.
func references(template string) []reference {
	var refs []reference
	for {
		i := strings.IndexByte(template, '$')
		if i < 0 {
			return refs
		}
		template = template[i:]
		if strings.HasPrefix(template, "$$") {
			template = template[2:]
			continue
		}
		ref := leadingReference(template)
		if ref.name == "" {
			template = template[1:]
			continue
		}
		refs = append(refs, ref)
		template = template[len(ref.text):]
	}
}

// leadingReference returns the reference that s, which begins with "$", begins
// with. Its name is empty where there is none.
func leadingReference(s string) reference {
	name, brace := strings.CutPrefix(s[1:], "{")
	end := 0
	for end < len(name) {
		r, size := utf8.DecodeRuneInString(name[end:])
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' {
			break
		}
		end += size
	}
	switch {
	case !brace:
		return reference{s[:1+end], name[:end]}
	case strings.HasPrefix(name[end:], "}"):
		return reference{s[:end+3], name[:end]}
	}
	return reference{}
}

// groupIndex returns the index of the group that a template calls by name, or
// -1 where the pattern has none.
func groupIndex(pattern *regexp.Regexp, name string) int {
	i, err := strconv.Atoi(name)
	switch leadingZero := len(name) > 1 && name[0] == '0'; {
	case err != nil || leadingZero:
		return slices.Index(pattern.SubexpNames(), name)
	case i > pattern.NumSubexp():
		return -1
	}
	return i
}

// intended returns the reference that somebody who wrote an unknown name
// probably meant: the longest beginning of the name that is a group, in braces.
// It is "" where there is none.
func intended(pattern *regexp.Regexp, name string) string {
	for end := len(name) - 1; end > 0; end-- {
		if groupIndex(pattern, name[:end]) >= 0 {
			return "${" + name[:end] + "}" + name[end:]
		}
	}
	return ""
}
