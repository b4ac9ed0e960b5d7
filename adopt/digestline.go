package adopt

import (
	"bytes"
	"slices"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/setters"
	"github.com/pinsetter/pinsetter/spec"
)

// reflecting returns the ranges of the policies, there already and new, that reflect
// digests.
func (p *proposer) reflecting() map[pinsetter.Name]string {
	ranges := map[pinsetter.Name]string{}
	for _, s := range p.o.Policies {
		if s.Spec.DigestReflectionPolicy != "" && s.Spec.DigestReflectionPolicy != spec.ReflectNever {
			ranges[s.Name] = rangeOf(s.Spec)
		}
	}
	for _, g := range p.order {
		if g.reflects != spec.ReflectNever {
			ranges[g.name] = g.rung.Range
		}
	}
	return ranges
}

// digestLines returns the file with a line for the digest below each marked ref.tag of
// an OCIRepository that has none and whose policy reflects digests. Data is f.Data, or
// that with markers. An entry is returned for each line.
func (f *File) digestLines(data []byte, reflecting map[pinsetter.Name]string) ([]byte, []Entry) {
	var entries []Entry
	for i := range f.References {
		r := &f.References[i]
		if !r.tagAlone() {
			continue
		}
		for _, site := range setters.Find(f.Path, data).Sites {
			line := r.Line + len(entries) // those that were added stand above
			at := slices.IndexFunc(site.Markers, func(m pinsetter.Marker) bool { return m.Line == line && m.Part == pinsetter.PartTag })
			text, reflects := reflecting[site.Policy]
			if at < 0 || !reflects || site.Has(pinsetter.PartDigest) {
				continue
			}
			pinned, ok := withDigestLine(f.Path, data, line, site.Policy)
			if !ok {
				continue
			}
			data = pinned
			e := r.entry()
			e.Kind, e.Policy, e.Range, e.Current = KindDigest, site.Policy.String(), text, ""
			if !r.Marked { // its image was listed
				e.Follows = pinsetter.Image{Name: r.Image.Name, Tag: r.Image.Tag}
			}
			entries = append(entries, e)
			break
		}
	}
	return data, entries
}

// tagAlone reports whether the reference is the tag of an OCIRepository without a
// digest beside it.
func (r *Reference) tagAlone() bool {
	return r.Object.Kind == "OCIRepository" && len(r.Values) == 1 && r.Values[0].Part == pinsetter.PartTag && r.Image.Digest == "" && r.Skipped == ""
}

// noteDigestLines notes the references below whose tag a line for the digest may stand.
func (f *File) noteDigestLines() {
	var lines [][]byte
	for i := range f.References {
		r := &f.References[i]
		if !r.tagAlone() {
			continue
		}
		if lines == nil {
			lines = bytes.SplitAfter(f.Data, []byte("\n"))
		}
		r.below = r.Line <= len(lines) && tagLine().Match(lines[r.Line-1])
	}
}

// tagLine is a line of a block mapping whose key is tag, up to the key.
var tagLine = pinsetter.Pattern(`^([ \t]*)tag[ \t]*:`)

// withDigestLine returns a file with an empty digest and its marker below the tag in a
// line. It returns false if the mapping isn't written in lines, or the result would be
// read as anything else.
func withDigestLine(path string, data []byte, line int, policy pinsetter.Name) ([]byte, bool) {
	lines := bytes.SplitAfter(data, []byte("\n"))
	if line > len(lines) {
		return nil, false
	}
	above := lines[line-1]
	indent := tagLine().FindSubmatch(above)
	if indent == nil {
		return nil, false
	}
	end := []byte("\n")
	if bytes.HasSuffix(above, []byte("\r\n")) {
		end = []byte("\r\n")
	}
	added := slices.Concat(indent[1], []byte(`digest: "" # `+setters.Marker(policy, pinsetter.PartDigest)))
	if bytes.HasSuffix(above, []byte("\n")) {
		added = append(added, end...)
	} else {
		added = append(end, added...)
	}
	pinned := slices.Concat(bytes.Join(lines[:line], nil), added, bytes.Join(lines[line:], nil))
	return pinned, gains(setters.Find(path, data), setters.Find(path, pinned))
}

// gains reports whether all markers are found again, with one more and nothing else.
func gains(before, after *setters.File) bool {
	count := func(f *setters.File) (n, digests int) {
		for _, site := range f.Sites {
			n += len(site.Markers)
			for _, m := range site.Markers {
				if m.Part == pinsetter.PartDigest && m.Kind != pinsetter.KindTwice {
					digests++
				}
			}
		}
		return n, digests
	}
	markers, digests := count(before)
	now, pinned := count(after)
	return len(before.Sites) == len(after.Sites) && now == markers+1 && pinned == digests+1 && len(after.Findings) <= len(before.Findings)
}
