package taglist

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/pinsetter/pinsetter"
)

// lister reads the pages of one image's tag list.
type lister struct {
	source    Source
	pages     *Pages
	now       func() time.Time
	remembers bool            // answers are hashed
	last      *kept           // the remembered listing; nil: none
	same      bool            // the registry's answer equals last
	sum       checksum        // of the only page
	seen      map[string]bool // URLs of pages
	tags      []string
	unordered bool         // the tags are not in the order of bytes
	read      atomic.Int64 // bytes
	share     share        // of the memory for listings
	barren    int          // pages without tags, in a row
}

// list reads page after page. It doesn't parse a single page that equals the
// remembered one.
func (l *lister) list(ctx context.Context) error {
	first, err := l.open(ctx)
	if err != nil {
		return err
	}
	if first.link == "" {
		l.sum = first.sum
		if l.same = l.last != nil && l.sum.is(l.last.sum); l.same {
			return nil
		}
	}
	if err := l.parse(first); err != nil {
		return err
	}
	for current, size := first, 0; ; {
		if err := l.add(current.tags); err != nil {
			return err
		}
		if current.link == "" {
			return nil
		}
		if done, err := l.split(ctx, current, size); done || err != nil {
			return err
		}
		next, n, err := l.follow(ctx, current)
		if err != nil {
			return err
		}
		if n > 0 && current == first {
			l.pages.compare(len(first.tags), len(next.tags))
		}
		current, size = next, n
	}
}

// open reads the first page. It asks for a page size if the host is known to
// give larger pages then.
func (l *lister) open(ctx context.Context) (*page, error) {
	n := l.pages.begin()
	found, err := l.first(ctx, n)
	if n == 0 || !aboutPageSize(err) {
		return found, err
	}
	if found, err = l.first(ctx, 0); err == nil {
		l.pages.refused(n)
	}
	return found, err
}

func (l *lister) first(ctx context.Context, n int) (*page, error) {
	return l.fetch(func(read func(*http.Response) error) error { return l.source.First(ctx, n, read) })
}

// follow reads the page that current links to, as large as the host allows, and
// returns the number of tags it asked for.
func (l *lister) follow(ctx context.Context, current *page) (*page, int, error) {
	target, err := ResolveLink(current.at, current.link, current.last())
	if err != nil {
		return nil, 0, err
	}
	var refused []int
	for n := l.pages.next(); ; n = smaller(n) {
		u := withPageSize(target, n).String()
		if l.seen[u] {
			return nil, 0, fmt.Errorf("the pages go round in circles: page %d links to one that was read before (%s)", l.count(), pinsetter.Quote(u))
		}
		next, err := l.readAt(ctx, u)
		if n > 0 && aboutPageSize(err) {
			refused = append(refused, n)
			continue
		}
		if err != nil {
			return nil, 0, l.pageError(current.link, err)
		}
		for _, n := range refused {
			l.pages.refused(n)
		}
		l.seen[u] = true
		if len(l.seen) > maxPages {
			return nil, 0, fmt.Errorf("more than %d pages: the list does not end", maxPages)
		}
		if len(next.tags) > 0 && len(current.tags) > 0 && next.tags[0] == current.tags[0] {
			return nil, 0, fmt.Errorf("the pages go round in circles: two pages begin with the tag %s", pinsetter.Quote(next.tags[0]))
		}
		return next, n, nil
	}
}

// count returns the number of pages that were read in sequence.
func (l *lister) count() int { return len(l.seen) + 1 }

// pageError returns the error for the page that a link led to.
func (l *lister) pageError(link string, err error) error {
	return fmt.Errorf("page %d, which is the link %s of page %d: %w", l.count()+1, pinsetter.Quote(link), l.count(), err)
}

func tooManyTags() error {
	return fmt.Errorf("more than %d tags, which is more than is read of one image; delete old tags in the registry", maxTags)
}

// add appends the tags of a page.
func (l *lister) add(tags []string) error {
	if len(l.tags)+len(tags) > maxTags {
		return tooManyTags()
	}
	if l.barren++; len(tags) > 0 {
		l.barren = 0
	}
	if l.barren > maxBarren {
		return fmt.Errorf("%d pages in a row have no tag and link to another page: the list does not end", l.barren)
	}
	end := ""
	if len(l.tags) > 0 {
		end = l.tags[len(l.tags)-1]
	}
	l.unordered = l.unordered || !ascending(end, tags)
	if l.tags == nil {
		l.tags = tags // most images have one page
		return nil
	}
	l.tags = append(l.tags, tags...)
	return nil
}
