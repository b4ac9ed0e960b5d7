package taglist

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
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

// StatusError is the error for an answer with another status than 200.
type StatusError struct {
	Status int
	Err    error
}

func (e *StatusError) Error() string { return e.Err.Error() }

// Unwrap returns the error with the same words.
func (e *StatusError) Unwrap() error { return e.Err }

// fetch reads one page without parsing it. Ask sends the request and lets read take
// the answer.
func (l *lister) fetch(ask func(read func(*http.Response) error) error) (*page, error) {
	var found *page
	err := ask(func(response *http.Response) (err error) {
		found = &page{at: response.Request.URL, kind: response.Header.Get("Content-Type")}
		if found.body, found.sum, err = l.body(response); err != nil {
			return err
		}
		found.link, err = NextLink(response.Header.Values("Link"))
		return err
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// parse reads the tags of a page.
func (l *lister) parse(p *page) error {
	tags, err := parseTagList(p.body, maxTags)
	switch {
	case errors.Is(err, errTooMany):
		return tooManyTags()
	case err != nil:
		return fmt.Errorf("the answer is not a list of tags: %w (Content-Type %s, begins with %s); is %s a registry, or a login page or proxy before one?",
			err, pinsetter.Quote(p.kind), l.source.Beginning(p.body), l.source.Registry())
	}
	p.tags = tags
	return nil
}

// checksum is the SHA-256 of an answer, or zero if it isn't needed.
type checksum [sha256.Size]byte

// is reports whether both are set and equal.
func (c checksum) is(other checksum) bool { return c == other && c != checksum{} }

// buffers are for reading answers.
var buffers = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// body reads the answer into one string, which the tags point into. It hashes
// the answer on the way if listings are remembered.
func (l *lister) body(response *http.Response) (string, checksum, error) {
	var body strings.Builder
	body.Grow(int(min(l.expected(response), 4<<20)))
	var to io.Writer = &body
	var hash hash.Hash
	if l.remembers {
		hash = sha256.New()
		to = io.MultiWriter(&body, hash)
	}
	buffer := buffers.Get().(*[32 << 10]byte)
	defer buffers.Put(buffer)
	n, err := io.CopyBuffer(to, &meter{response.Body, &l.read}, buffer[:])
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

// aboutPageSize reports whether a smaller page may help after an error. Some
// registries answer 404 or 500 to a size that they don't allow.
func aboutPageSize(err error) bool {
	var refused *StatusError
	if !errors.As(err, &refused) {
		return false
	}
	switch refused.Status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return false
	}
	return refused.Status >= 400
}
