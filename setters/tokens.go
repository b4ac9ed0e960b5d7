package setters

import (
	"bytes"
	"iter"
	"sort"
	"strings"
)

// tokens are the occurrences of the token in a chunk. Each is claimed by the
// comment or text that it belongs to, and the rest are reported, so every
// marker is accounted for.
type tokens struct {
	data      []byte // the chunk
	firstLine int    // of the chunk in the file
	all       []occurrence

	commentedOut int // number of lines with a marker

	lastAt, lastLine int // last answer of lineAt
}

// occurrence is one occurrence of the token.
type occurrence struct {
	at      int // in the chunk
	line    int // in the file, from 1; lines end at \n
	claimed bool
	out     bool // in a line that is commented out: only counted
	next    int  // for a claimed one: index to continue at in search of an unclaimed one
}

// newTokens finds the tokens of a chunk whose first line is firstLine.
func newTokens(data []byte, firstLine int) *tokens {
	t := &tokens{data: data, firstLine: firstLine, lastLine: firstLine}
	line, last := firstLine, 0
	for {
		i := bytes.Index(data[last:], []byte(token))
		if i < 0 {
			break
		}
		i += last
		line += bytes.Count(data[last:i], []byte("\n"))
		t.all = append(t.all, occurrence{at: i, line: line})
		last = i + len(token)
	}
	for of, line := range t.lines() {
		if !commentsOut(line) {
			continue
		}
		t.commentedOut++
		for i := range of {
			of[i].out = true
		}
	}
	return t
}

// lines yields each line with a token, and its occurrences.
func (t *tokens) lines() iter.Seq2[[]occurrence, []byte] {
	return func(yield func([]occurrence, []byte) bool) {
		for i := 0; i < len(t.all); {
			line, start := t.lineOf(&t.all[i])
			end := t.after(start + len(line))
			if !yield(t.all[i:end], line) {
				return
			}
			i = end
		}
	}
}

// after returns the index of the first occurrence at or behind offset at.
func (t *tokens) after(at int) int {
	return sort.Search(len(t.all), func(i int) bool { return t.all[i].at >= at })
}

// reach bounds the unrelated occurrences that behind and above skip. A comment
// stands next to its node, with at most the tokens of the node's text or of a
// collection's inner comments between. A file with more of them only gets a
// less specific finding, and takes no quadratic time.
const reach = 1000

// behind claims the occurrences of a comment that starts behind offset at. It
// returns the first one, or nil if the comment isn't there.
func (t *tokens) behind(at int, comment string) *occurrence {
	skip := strings.Index(comment, token)
	i := t.unclaimed(t.after(at))
	for n := 0; i < len(t.all) && n < reach; n++ {
		if start := t.all[i].at - skip; !t.all[i].out && t.reads(start, comment) {
			return t.claim(i, start+len(comment))
		}
		i = t.unclaimed(i + 1)
	}
	return nil
}

// above claims the occurrences of the nearest comment line before offset at. It
// returns the first one, or nil if there is none.
func (t *tokens) above(at int, comment string) *occurrence {
	skip := strings.Index(comment, token)
	last := t.after(at) - 1
	for i := last; i >= 0 && i > last-reach && !t.all[i].claimed; i-- {
		if start := t.all[i].at - skip; !t.all[i].out && t.reads(start, comment) {
			return t.claim(i, start+len(comment))
		}
	}
	return nil
}

// unclaimed returns the index of the first unclaimed occurrence from i on,
// len(t.all) if there is none. It remembers its way, so repeated calls are
// cheap.
func (t *tokens) unclaimed(i int) int {
	end := i
	for end < len(t.all) && t.all[end].claimed {
		end = max(end+1, t.all[end].next)
	}
	for i < end {
		i, t.all[i].next = max(i+1, t.all[i].next), end
	}
	return end
}

// reads reports whether s is at offset at.
func (t *tokens) reads(at int, s string) bool {
	return at >= 0 && at+len(s) <= len(t.data) && string(t.data[at:at+len(s)]) == s
}

// claim claims the occurrences from index i up to offset end.
func (t *tokens) claim(i, end int) *occurrence {
	for j := i; j < len(t.all) && t.all[j].at < end; j++ {
		t.all[j].claimed = true
	}
	return &t.all[i]
}

// text claims the n occurrences from offset at on that belong to a text. It
// returns the first one that isn't commented out, or nil.
func (t *tokens) text(at, n int) *occurrence {
	var first *occurrence
	for i := t.unclaimed(t.after(at)); i < len(t.all) && n > 0; n-- {
		t.all[i].claimed = true
		if first == nil && !t.all[i].out {
			first = &t.all[i]
		}
		i = t.unclaimed(i + 1)
	}
	return first
}

// lineOf returns the line around an occurrence, without its line break, and the
// line's offset.
func (t *tokens) lineOf(o *occurrence) (line []byte, start int) {
	start = bytes.LastIndexAny(t.data[:o.at], "\n\r") + 1
	end := bytes.IndexAny(t.data[o.at:], "\n\r")
	if end < 0 {
		return t.data[start:], start
	}
	return t.data[start : o.at+end], start
}

// attempted returns an occurrence in a line that was meant as a marker: the
// first that lacks the blank before it, else the first of all. It returns nil
// if there is none.
func (t *tokens) attempted() (o *occurrence, glued bool) {
	for of, line := range t.lines() {
		switch {
		case of[0].out || !attempt().Match(line):
		case isGlued(line):
			return &of[0], true
		case o == nil:
			o = &of[0]
		}
	}
	return o, false
}

// glued reports whether the marker of an occurrence lacks the blank before it.
func (t *tokens) glued(o *occurrence) bool {
	line, _ := t.lineOf(o)
	return isGlued(line)
}

// lineAt returns the line of the file that an offset of the chunk is on. It
// counts on from its last answer.
func (t *tokens) lineAt(at int) int {
	if at < t.lastAt {
		t.lastAt, t.lastLine = 0, t.firstLine
	}
	t.lastLine += bytes.Count(t.data[t.lastAt:at], []byte("\n"))
	t.lastAt = at
	return t.lastLine
}
