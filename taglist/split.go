package taglist

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pinsetter/pinsetter"
)

// splitAfter is the number of pages that are read in sequence before reading in
// parallel starts; for fewer it isn't worth it.
const splitAfter = 2

// sequentialFor is how long the lists of a host are read in sequence after one
// turned out not to be in byte order, or changed while it was read.
const sequentialFor = time.Hour

// splitter reads the rest of a list at several places in parallel. It works if
// a registry has its tags in byte order and can begin a page anywhere. It
// verifies this: after a page from the middle of the list, it reads on from
// below until it reaches that page or its first tags, and these must be the
// same. So it relies only on what sequential reading relies on too: that a page
// leaves no tag out. Contradictions end in errNotLexical.
type splitter struct {
	read     func(ctx context.Context, u string) (*page, error)
	free     func() int // number of pages that may be read in parallel now
	template *url.URL   // of a page; last is replaced by the place
	size     int        // tags to ask for per page, 0 for no number
	known    []string   // tags of the last listing, descending; nil: none is remembered
	segments []segment  // in the order of their places
	shape    shape      // of the tags
	full     int        // number of tags on the largest page
	credit   int        // pages of new tags that came, less pages of known ones
	asked    int        // number of pages
}

// ask is a page to read.
type ask struct {
	after string
	url   string
}

// split reads the rest of the pages in parallel. Current is the last page that
// was read, and size the number of tags that was asked for. If that isn't
// possible it returns false and leaves the tags as they were.
func (l *lister) split(ctx context.Context, current *page, size int) (bool, error) {
	now := l.now()
	if len(l.seen) < splitAfter-1 || l.unordered || l.source.Free() == 0 || !l.pages.maySplit(now) {
		return false, nil
	}
	next, ok := nextInOrder(current, size)
	if !ok {
		return false, nil
	}
	s := newSplitter(l.tags, current.tags, next, size)
	s.read, s.free = l.readAt, l.source.Free
	if l.last != nil && len(l.last.listing.Tags) > len(l.tags) {
		s.known, s.credit = l.last.listing.Tags, l.source.Most()
	}
	read := l.read.Load()
	err := s.run(ctx)
	switch {
	case err == nil:
		l.tags = s.segments[0].tags
		return true, nil
	case ctx.Err() != nil, errors.Is(err, errTooMany):
		return false, err
	}
	l.pages.dontSplit(now.Add(sequentialFor))
	l.read.Store(read)
	return false, nil
}

// newSplitter returns a splitter for a list. Tags are those read so far,
// including last, those of the last page; next is the URL of the following
// page.
func newSplitter(tags, last []string, next *url.URL, size int) *splitter {
	s := &splitter{template: next, size: size, full: len(last), credit: splitAfter}
	s.segments = []segment{{tags: slices.Clip(tags), next: next.String()}}
	s.shape.learn(tags)
	s.shape.learn(last) // sets the width of a page
	return s
}

// readAt reads the page that has the URL.
func (l *lister) readAt(ctx context.Context, u string) (*page, error) {
	p, err := l.fetch(func(read func(*http.Response) error) error { return l.source.Next(ctx, u, read) })
	if err != nil {
		return nil, err
	}
	return p, l.parse(p)
}

// nextInOrder returns the URL of the page after p, and false unless that URL is
// made from the last tag of p.
func nextInOrder(p *page, size int) (*url.URL, bool) {
	next, err := ResolveLink(p.at, p.link, p.last())
	if err != nil || len(p.tags) == 0 || next.Query().Get("last") != p.last() {
		return nil, false
	}
	return withPageSize(next, size), true
}

// run reads in rounds until one segment covers the list.
func (s *splitter) run(ctx context.Context) error {
	for len(s.segments) > 1 || s.segments[0].next != "" {
		asks := s.plan(max(1, min(1+s.credit, s.free())))
		if s.asked += len(asks); s.asked > maxPages {
			return errNotLexical
		}
		pages := make([]*page, len(asks))
		group, ctx := errgroup.WithContext(ctx)
		for i, a := range asks {
			group.Go(func() (err error) {
				pages[i], err = s.read(ctx, a.url)
				return err
			})
		}
		if err := group.Wait(); err != nil {
			return err
		}
		if err := s.merge(asks, pages); err != nil {
			return err
		}
	}
	return nil
}

// plan returns up to width pages to read next: first those that follow the
// segments, from the lowest, then some at places between them.
func (s *splitter) plan(width int) []ask {
	var asks []ask
	type gap struct{ low, high string }
	var gaps []gap
	for i := range s.segments {
		from := &s.segments[i]
		if from.next == "" || len(asks) == width {
			continue
		}
		asks = append(asks, ask{from.end(), from.next})
		g := gap{low: from.end()}
		if i+1 < len(s.segments) {
			g.high = s.segments[i+1].after
		}
		gaps = append(gaps, g)
	}
	for _, g := range gaps {
		for place := range s.places(g.low, g.high) {
			if len(asks) == width {
				return asks
			}
			asks = append(asks, ask{place, s.at(place)})
		}
	}
	return asks
}

// places yields places to read at between low and high, ascending; with high ""
// there is no upper bound. In a remembered list they are slightly less than a
// page apart, to leave room for tags that were added since.
func (s *splitter) places(low, high string) iter.Seq[string] {
	if s.known == nil {
		return s.shape.places(low, high)
	}
	return func(yield func(string) bool) {
		above := sort.Search(len(s.known), func(i int) bool { return s.known[i] <= low })
		step := max(1, s.full*9/10)
		for i := above - step; i >= 0; i -= step {
			if high != "" && s.known[i] >= high || !yield(s.known[i]) {
				return
			}
		}
	}
}

// at returns the URL of the page behind a place.
func (s *splitter) at(place string) string {
	query := s.template.Query()
	query.Set("last", place)
	u := *s.template
	u.RawQuery = query.Encode()
	return u.String()
}

// merge adds the pages that were read.
func (s *splitter) merge(asks []ask, pages []*page) error {
	had := s.count()
	for i, p := range pages {
		found := segment{after: asks[i].after, tags: p.tags}
		if !ascending(found.after, p.tags) {
			return errNotLexical
		}
		if p.link != "" {
			next, ok := nextInOrder(p, s.size)
			if !ok {
				return errNotLexical
			}
			found.next = next.String()
		}
		s.segments = append(s.segments, found)
		s.shape.learn(p.tags)
		s.full = max(s.full, len(p.tags))
	}
	slices.SortFunc(s.segments, func(a, b segment) int { return strings.Compare(a.after, b.after) })
	var err error
	if s.segments, err = join(s.segments); err != nil {
		return err
	}
	count := s.count()
	if count > maxTags {
		return pinsetter.Reword(tooManyTags().Error(), errTooMany)
	}
	// If half of the tags are new, the next round asks for as many pages again.
	s.credit = max(0, s.credit+2*(count-had)/s.full-len(pages))
	return nil
}

// count returns the number of known tags.
func (s *splitter) count() int {
	n := 0
	for i := range s.segments {
		n += len(s.segments[i].tags)
	}
	return n
}
