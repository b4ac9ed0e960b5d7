package policy

import (
	"fmt"

	"github.com/pinsetter/pinsetter/spec"
)

// Range returns a function that reports whether a tag, or a value extracted
// from one, is a version in a SemVer range. The function is safe for concurrent
// use.
//
// It is meant for keeping versions out. So, unlike a policy's range, it
// includes the prereleases between its bounds.
func Range(text string) (inside func(tag string) bool, err error) {
	within, err := parseRange(text)
	if err != nil {
		return nil, fmt.Errorf("parse range %q: %w: write such as \">=1.0.0 <2.0.0\", \"^1.2\" or \"1.x || 3.x\"", text, err)
	}
	return func(tag string) bool {
		v, ok := parseVersion(tag)
		return ok && within.acceptsAsRelease(v)
	}, nil
}

// Bump returns the size of the step between two tags, up or down: the leftmost
// number of their versions that differs, or spec.BumpPatch if none does. A
// tag's version is that of the value that the policy's filter extracts, or else
// of the tag itself. Bump returns false if one of the tags has no version.
func (p *Policy) Bump(from, to string) (size spec.Bump, ok bool) {
	v, ok := p.version(from)
	w, also := p.version(to)
	switch {
	case !ok || !also:
		return "", false
	case v.major != w.major:
		return spec.BumpMajor, true
	case v.minor != w.minor:
		return spec.BumpMinor, true
	}
	return spec.BumpPatch, true
}

func (p *Policy) version(tag string) (version, bool) {
	if value, kept := p.filter.value(tag); kept {
		if v, ok := parseVersion(value); ok {
			return v, true
		}
	}
	return parseVersion(tag)
}
