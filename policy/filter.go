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

// filter keeps the tags that match a pattern, and extracts the value that the
// policy orders by. The nil filter keeps every tag as its own value. Reserved
// names are always dropped.
type filter struct {
	pattern  *pinsetter.Matcher
	template string // "": the whole tag
	group    int    // index of the group if the template is just that group, else -1
}

// newFilter compiles the filter. It reads an extract template as regexp.Expand
// does: "$name" takes as many letters, digits and "_" as it can, and a group
// that the pattern lacks is empty.
func newFilter(pattern *regexp.Regexp, template string) *filter {
	f := &filter{pattern: pinsetter.NewMatcher(pattern), template: template, group: -1}
	refs := references(template)
	if len(refs) == 1 && refs[0].text == template {
		f.group = groupIndex(pattern, refs[0].name)
	}
	return f
}

// value returns the value to order tag by, and false if the tag is reserved or
// doesn't match the pattern.
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

// each yields the tags that the filter keeps, with their values. It stores none
// of them: there may be many policies, and few need more than the best tag.
func (f *filter) each(tags []string) iter.Seq2[string, string] {
	return func(yield func(tag, value string) bool) {
		for _, tag := range tags {
			if value, ok := f.value(tag); ok && !yield(tag, value) {
				return
			}
		}
	}
}

// key is equal for equal filters.
func (f *filter) key() string {
	if f == nil {
		return ""
	}
	return fmt.Sprintf("%q %q", f.pattern, f.template)
}

// reference is a "$name" or "${name}" in a template.
type reference struct{ text, name string }

// references returns the references of a template, in order. "$$" is no
// reference, nor is a "$" without a name behind it.
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

// leadingReference returns the reference at the start of s, which begins with
// "$". Its name is empty if there is none.
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

// groupIndex returns the index of a group by the name in a template, or -1 if
// the pattern has no such group.
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

// intended returns the reference that the author of an unknown name probably
// meant: the longest prefix of the name that is a group, in braces. It returns
// "" if there is none.
func intended(pattern *regexp.Regexp, name string) string {
	for end := len(name) - 1; end > 0; end-- {
		if groupIndex(pattern, name[:end]) >= 0 {
			return "${" + name[:end] + "}" + name[end:]
		}
	}
	return ""
}
