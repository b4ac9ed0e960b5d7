package taglist

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter"
)

// The bounds of one listing. The largest images of public registries have about
// 100,000 tags; the bound is ten times that, with 60 bytes a tag, and pages for
// a registry that gives 100 at a time.
const (
	maxTags  = 1_000_000
	maxBytes = 64 << 20
	maxPages = 10_000

	// maxDropped bounds the malformed tags that are remembered for display.
	maxDropped = 100

	// maxBarren bounds the empty pages in a row: some registries filter after
	// paging.
	maxBarren = 10
)

// Listing is the tags of an image. Its slices are shared; callers must not
// write to them.
type Listing struct {
	Tags []string // within the OCI grammar, without duplicates, descending by bytes

	// Dropped are the first hundred tags outside the OCI grammar, quoted and
	// escaped for display. DroppedCount is the number of all of them.
	Dropped      []string
	DroppedCount int

	// Unchanged says that the listing equals the last one, if that is
	// remembered (NewMemory). The slices are then those of the last one.
	Unchanged bool
}

// ErrEmpty says that an image exists and has no usable tag.
var ErrEmpty = errors.New("no tags")

// Source asks one registry for the pages of one image's tag list. It is used
// concurrently.
type Source interface {
	// First asks for the first page, of n tags unless n is 0, and Next for the one
	// at a URL. Both let read take the answer, and ask again if it breaks off
	// there, which is an io.ErrUnexpectedEOF. Another status than 200 is a
	// *StatusError.
	First(ctx context.Context, n int, read func(*http.Response) error) error
	Next(ctx context.Context, u string, read func(*http.Response) error) error

	// Free returns the number of requests that may begin now, and Most the number
	// that may be under way.
	Free() int
	Most() int

	// Registry names the registry for people.
	Registry() string

	// Clean takes secrets out of what the registry says, and Beginning quotes the
	// first bytes of an answer without them.
	Clean(text string) string
	Beginning(body string) string
}

// List lists all tags of the image that a source is for, and remembers them by its
// key. Pages are those of the source's host. The listing takes memory of room for as
// long as that is used; one that is remembered already takes none. The error wraps
// ErrEmpty if the image has no usable tag. A list that can't be read to its end, or for
// which there is no room, is an error, never a shorter list.
func (m *Memory) List(ctx context.Context, key string, source Source, pages *Pages, room *Room, now func() time.Time) (Listing, error) {
	l := &lister{source: source, pages: pages, now: now, remembers: m.most > 0, last: m.last(key), seen: map[string]bool{}, share: share{room: room}}
	found, unchanged, err := l.find(ctx)
	if err != nil || unchanged {
		l.share.give(l.share.held.Load())
	}
	if err != nil {
		return Listing{}, err
	}
	m.keep(key, found)
	listing := found.listing
	listing.Unchanged = unchanged
	return listing, nil
}

// find reads the list, and reports whether it equals the remembered one.
func (l *lister) find(ctx context.Context) (found *kept, unchanged bool, err error) {
	if err := l.list(ctx); err != nil {
		return nil, false, err
	}
	return l.result(l.now())
}

// listing sorts and filters the tags that were read.
func (l *lister) listing() (Listing, error) {
	found := Listing{Tags: l.tags[:0]}
	for _, tag := range l.tags {
		switch {
		case pinsetter.ValidTag(tag):
			found.Tags = append(found.Tags, tag)
			continue
		case found.DroppedCount < maxDropped:
			found.Dropped = append(found.Dropped, pinsetter.Quote(l.source.Clean(tag)))
		}
		found.DroppedCount++
	}
	if len(found.Tags) == 0 && found.DroppedCount > 0 {
		return Listing{}, pinsetter.Reword(fmt.Sprintf("none of its %d tags is in the grammar of the OCI specification, such as %s", found.DroppedCount, found.Dropped[0]), ErrEmpty)
	}
	if len(found.Tags) == 0 {
		return Listing{}, pinsetter.Reword("the registry answers with an empty list; was something pushed there, and are the credentials for it?", ErrEmpty)
	}
	if !l.unordered {
		slices.Reverse(found.Tags)
		return found, nil
	}
	slices.SortFunc(found.Tags, func(a, b string) int { return strings.Compare(b, a) })
	found.Tags = slices.Compact(found.Tags)
	return found, nil
}
