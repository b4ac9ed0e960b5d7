package taglist

import (
	"crypto/sha256"
	"errors"
	"fmt"
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
	most := min(strings.Count(p.body, ",")+1, maxTags) // tags
	if err := l.share.take(stringSize * int64(most)); err != nil {
		return err
	}
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

// chunk is a part of an answer while it is read.
type chunk [32 << 10]byte

var chunks = sync.Pool{New: func() any { return new(chunk) }}

// body reads the answer into one string, which the tags point into. It hashes
// the answer if listings are remembered. The parts are put together when all are there:
// a text that grows would leave garbage of several times its size.
func (l *lister) body(response *http.Response) (string, checksum, error) {
	var parts []*chunk
	defer func() {
		for _, part := range parts {
			chunks.Put(part)
		}
	}()
	m := &meter{Reader: response.Body, read: &l.read, share: &l.share}
	n := 0
	var err error
	for err == nil {
		if n == len(parts)*len(chunk{}) {
			parts = append(parts, chunks.Get().(*chunk))
		}
		var more int
		more, err = m.Read(parts[len(parts)-1][n%len(chunk{}):])
		n += more
	}
	switch {
	case m.full != nil:
		m.undo()
		return "", checksum{}, m.full
	case err != io.EOF: //nolint:errorlint // a wrapped one is no end of an answer
		m.undo()
		return "", checksum{}, fmt.Errorf("the answer broke off after %d bytes: %w", n, err)
	}
	var body strings.Builder
	body.Grow(n)
	hash := sha256.New()
	for i, part := range parts {
		text := part[:min(n-i*len(part), len(part))]
		body.Write(text)
		if l.remembers {
			hash.Write(text)
		}
	}
	if !l.remembers {
		return body.String(), checksum{}, nil
	}
	return body.String(), checksum(hash.Sum(nil)), nil
}

// errTooLarge is the error for a list that takes more than maxBytes.
var errTooLarge = fmt.Errorf("the list is larger than %d MiB, which is more than is read of one image; delete old tags in the registry", maxBytes>>20)

// meter counts the bytes of all pages of an image, up to maxBytes, and takes
// them from its share.
type meter struct {
	io.Reader
	read  *atomic.Int64
	share *share

	took int64
	full error // that there is no room for more
}

// undo gives back what was taken.
func (m *meter) undo() {
	m.read.Add(-m.took)
	m.share.give(m.took)
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.Reader.Read(p)
	if m.full = m.share.take(int64(n)); m.full != nil {
		return n, m.full
	}
	m.took += int64(n)
	if m.read.Add(int64(n)) > maxBytes {
		m.full = errTooLarge
		return n, m.full
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
