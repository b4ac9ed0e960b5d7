package registry

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/pinsetter/pinsetter"
)

// page is one answer of a tag list.
type page struct {
	body string
	sum  checksum // of body
	kind string   // content type from the registry
	at   *url.URL // its URL, after redirects
	link string   // URL of the next page; "" on the last one
	tags []string // pointing into body, once it is parsed
}

// last returns the last tag of the page, "" if it has none.
func (p *page) last() string {
	if len(p.tags) == 0 {
		return ""
	}
	return p.tags[len(p.tags)-1]
}

// errPageSize means a status that may be caused by the page size.
var errPageSize = errors.New("page size refused")

// fetch reads one page without parsing it.
func (l *lister) fetch(ctx context.Context, u func(origin string) string) (*page, error) {
	return unbroken(ctx, l.repository.registry.options, func() (*page, error) { return l.ask(ctx, u) })
}

// ask sends the request for a page and reads the answer.
func (l *lister) ask(ctx context.Context, u func(origin string) string) (*page, error) {
	p := l.repository
	response, with, err := p.send(ctx, http.MethodGet, u, "application/json")
	if err != nil {
		return nil, err
	}
	defer discard(response)
	if response.StatusCode != http.StatusOK {
		err := p.statusError(response, with)
		if aboutPageSize(response.StatusCode) {
			return nil, pinsetter.Reword(err.Error(), errors.Join(errPageSize, err))
		}
		return nil, err
	}
	found := &page{at: response.Request.URL, kind: response.Header.Get("Content-Type")}
	if found.body, found.sum, err = l.body(response); err != nil {
		return nil, err
	}
	found.link, err = nextLink(response.Header.Values("Link"))
	return found, err
}

// parse reads the tags of a page.
func (l *lister) parse(p *page) error {
	tags, err := parseTagList(p.body, maxTags)
	switch {
	case errors.Is(err, errTooMany):
		return tooManyTags()
	case err != nil:
		return fmt.Errorf("the answer is not a list of tags: %w (Content-Type %s, begins with %s); is %s a registry, or a login page or proxy before one?",
			err, pinsetter.Quote(p.kind), l.repository.beginning(p.body), l.repository.name.RegistryStr())
	}
	p.tags = tags
	return nil
}

// checksum is the SHA-256 of an answer, or zero if it isn't needed.
type checksum [sha256.Size]byte

// is reports whether both are set and equal.
func (c checksum) is(other checksum) bool { return c == other && c != checksum{} }

// body reads the answer into one string, which the tags point into. It hashes
// the answer on the way if listings are remembered.
func (l *lister) body(response *http.Response) (string, checksum, error) {
	var body strings.Builder
	body.Grow(int(min(l.expected(response), 4<<20)))
	var to io.Writer = &body
	var hash hash.Hash
	if l.repository.registry.options.Keep > 0 {
		hash = sha256.New()
		to = io.MultiWriter(&body, hash)
	}
	n, err := io.Copy(to, &meter{response.Body, &l.read})
	if err != nil {
		l.read.Add(-n)
	}
	switch {
	case errors.Is(err, errTooLarge):
		return "", checksum{}, err
	case err != nil:
		return "", checksum{}, fmt.Errorf("the answer broke off after %d bytes: %w", n, err)
	case hash == nil:
		return body.String(), checksum{}, nil
	}
	return body.String(), checksum(hash.Sum(nil)), nil
}

// expected returns the number of bytes to reserve for an answer: its declared
// length, else slightly more than the last single-page answer had, else 0.
func (l *lister) expected(response *http.Response) int64 {
	said := response.ContentLength
	if said >= 0 || l.last == nil || l.last.sum == (checksum{}) || l.read.Load() > 0 {
		return max(said, 0)
	}
	return l.last.read + l.last.read/16
}

// errTooLarge ends a list that takes more than maxBytes.
var errTooLarge = fmt.Errorf("the list is larger than %d MiB, which is more than is read of one image; delete old tags in the registry", maxBytes>>20)

// meter counts the bytes of all pages of an image, up to maxBytes.
type meter struct {
	io.Reader
	read *atomic.Int64
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.Reader.Read(p)
	if m.read.Add(int64(n)) > maxBytes {
		return n, errTooLarge
	}
	return n, err
}

// aboutPageSize reports whether a smaller page may help after a status. Some
// registries answer 404 or 500 to a size that they don't allow.
func aboutPageSize(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return false
	}
	return status >= 400
}
