package taglist

import (
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"
)

// The page sizes to ask for, best first. The first is more than any known
// registry gives, and small enough for answers of a few hundred KiB. ECR
// refuses more than 1000
// (https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ListImages.html).
// Zero means: ask for no size and follow links as they are.
var pageAsks = []int{10_000, 1000, 0}

// Pages is what is known of a host's pages, shared by all lists there. The zero
// Pages knows nothing yet. It is safe for concurrent use.
//
// The first request for an image asks for no size: registries that don't page
// by themselves then give all tags in one answer, and distribution 3 would cut
// that to pages of 1000 if asked for any size.
type Pages struct {
	mu    sync.Mutex
	ask   int  // index into pageAsks for following links
	first bool // ask with the first request too, because the host's own pages are smaller

	inSequence time.Time // until then pages are read in sequence
}

// next returns the size to ask for on following pages, 0 for none.
func (s *Pages) next() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return pageAsks[s.ask]
}

// smaller returns the next smaller size to ask for, 0 for none.
func smaller(n int) int {
	if i := slices.Index(pageAsks, n); i >= 0 && i+1 < len(pageAsks) {
		return pageAsks[i+1]
	}
	return 0
}

// begin returns the size to ask for on the first page, 0 for none.
func (s *Pages) begin() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.first {
		return 0
	}
	return pageAsks[s.ask]
}

// refused notes that the host refused pages of n.
func (s *Pages) refused(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if pageAsks[s.ask] == n && s.ask < len(pageAsks)-1 {
		s.ask++
	}
}

// compare notes the number of tags on a page of the host's own size that had a
// successor, and on the successor, which was asked for by size.
func (s *Pages) compare(own, asked int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.first = s.first || asked > own
}

// maySplit reports whether pages of one list may be read in parallel.
func (s *Pages) maySplit(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !now.Before(s.inSequence)
}

// dontSplit makes lists of the host be read in sequence until the given time.
func (s *Pages) dontSplit(until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inSequence = until
}

// withPageSize returns the URL of a page with n set to size. A link with
// neither n nor last in its query has its own scheme and is returned unchanged.
func withPageSize(u *url.URL, n int) *url.URL {
	query := u.Query()
	if n == 0 || !query.Has("n") && !query.Has("last") {
		return u
	}
	query.Set("n", strconv.Itoa(n))
	sized := *u
	sized.RawQuery = query.Encode()
	return &sized
}
