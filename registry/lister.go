package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// lister goes through the pages of one image.
type lister struct {
	repository *Repository
	pages      *pageSizes
	seen       map[string]bool // URLs of pages
	tags       []string
	bytes      int
	barren     int // pages without tags, in a row
}

// page is one answer.
type page struct {
	tags []string
	at   *url.URL // where it came from, after redirects
	link string   // to the next page; "": it is the last
}

// list reads page after page.
func (l *lister) list(ctx context.Context) error {
	first, err := l.open(ctx)
	if err != nil {
		return err
	}
	for current := first; ; {
		if err := l.add(current.tags); err != nil {
			return err
		}
		if current.link == "" {
			return nil
		}
		next, n, err := l.follow(ctx, current)
		if err != nil {
			return err
		}
		if n > 0 && current == first {
			l.pages.compare(len(first.tags), len(next.tags))
		}
		current = next
	}
}

// open reads the first page. Where the host is known to give larger pages when
// asked, it is asked.
func (l *lister) open(ctx context.Context) (*page, error) {
	n := l.pages.begin()
	found, err := l.fetch(ctx, func(origin string) string {
		u := origin + "/v2/" + l.repository.name.RepositoryStr() + "/tags/list"
		if n > 0 {
			u += "?n=" + strconv.Itoa(n)
		}
		return u
	})
	if n > 0 && errors.Is(err, errPageSize) {
		l.pages.refused(n)
		return l.open(ctx)
	}
	return found, err
}

// follow reads the page that current links to, as large as the host gives it,
// and returns how many tags it was asked for.
func (l *lister) follow(ctx context.Context, current *page) (*page, int, error) {
	target, err := resolveLink(current.at, current.link)
	if err != nil {
		return nil, 0, err
	}
	for {
		n := l.pages.next()
		u := withPageSize(target, n).String()
		if l.seen[u] {
			return nil, 0, fmt.Errorf("the pages go round in circles: page %d links to one that was read before (%s)", len(l.seen), quoted(u))
		}
		next, err := l.fetch(ctx, func(string) string { return u })
		if n > 0 && errors.Is(err, errPageSize) {
			l.pages.refused(n)
			continue
		}
		l.seen[u] = true
		if len(l.seen) > maxPages {
			return nil, 0, fmt.Errorf("more than %d pages: that is no list that ends", maxPages)
		}
		if err == nil && len(next.tags) > 0 && len(current.tags) > 0 && next.tags[0] == current.tags[0] {
			return nil, 0, fmt.Errorf("the pages go round in circles: two pages begin with the tag %s", quoted(next.tags[0]))
		}
		return next, n, err
	}
}

// errPageSize stands for a 4xx that may be about the number of tags asked for.
var errPageSize = errors.New("page size refused")

// fetch reads one page.
func (l *lister) fetch(ctx context.Context, u func(origin string) string) (*page, error) {
	return unbroken(ctx, l.repository.registry.options, func() (*page, error) { return l.read(ctx, u) })
}

// read sends the request for a page and parses the answer.
func (l *lister) read(ctx context.Context, u func(origin string) string) (*page, error) {
	p := l.repository
	response, c, err := p.send(ctx, http.MethodGet, u, "application/json")
	if err != nil {
		return nil, err
	}
	defer discard(response)
	if response.StatusCode != http.StatusOK {
		err := p.statusError(response, c)
		if aboutPageSize(response.StatusCode) {
			return nil, failure{err.Error(), errPageSize}
		}
		return nil, err
	}
	body, err := l.body(response)
	if err != nil {
		return nil, err
	}
	tags, err := parseTagList(body, maxTags)
	switch {
	case errors.Is(err, errTooMany):
		return nil, tooManyTags()
	case err != nil:
		return nil, fmt.Errorf("the answer is not a list of tags: %w (Content-Type %s, begins with %s); is %s a registry, or a login page or proxy before one?",
			err, quoted(response.Header.Get("Content-Type")), quoted(body[:min(len(body), 40)]), p.name.RegistryStr())
	}
	link, err := nextLink(response.Header.Values("Link"))
	if err != nil {
		return nil, err
	}
	return &page{tags: tags, at: response.Request.URL, link: link}, nil
}

// body reads the answer into one string, of which the tags become parts.
func (l *lister) body(response *http.Response) (string, error) {
	var body strings.Builder
	if n := response.ContentLength; n > 0 {
		body.Grow(int(min(n, 4<<20)))
	}
	left := int64(maxBytes - l.bytes)
	n, err := io.Copy(&body, io.LimitReader(response.Body, left+1))
	if err != nil {
		return "", fmt.Errorf("the answer broke off after %d bytes: %w", n, err)
	}
	if n > left {
		return "", fmt.Errorf("the list is larger than %d MiB, which is more than is read of one image; delete old tags in the registry", maxBytes>>20)
	}
	l.bytes += int(n)
	return body.String(), nil
}

func aboutPageSize(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusTooManyRequests:
		return false
	}
	return status >= 400 && status < 500
}

func tooManyTags() error {
	return fmt.Errorf("more than %d tags, which is more than is read of one image; delete old tags in the registry", maxTags)
}

// add takes the tags of a page.
func (l *lister) add(tags []string) error {
	if len(l.tags)+len(tags) > maxTags {
		return tooManyTags()
	}
	if l.barren++; len(tags) > 0 {
		l.barren = 0
	}
	if l.barren > maxBarren {
		return fmt.Errorf("%d pages in a row bring no tag and link to a next one: that is no list that ends", l.barren)
	}
	if l.tags == nil {
		l.tags = tags // most images have one page
		return nil
	}
	l.tags = append(l.tags, tags...)
	return nil
}
