package registry

import (
	"net/url"
	"strconv"
	"sync"
	"time"
)

// The numbers of tags a page that are asked for, best first. The first is more
// than any registry is known to give and few enough for one answer of a few
// hundred KiB. ECR refuses more than 1000
// (https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ListImages.html).
// Zero asks for nothing and follows links as they are.
var pageAsks = []int{10_000, 1000, 0}

// pageSizes is what a host has shown of its pages. The first request about an
// image names no number: registries that don't page by themselves then give
// all tags in one answer, which distribution 3 would cut to pages of 1000 if
// asked for any number.
type pageSizes struct {
	mu    sync.Mutex
	ask   int  // index in pageAsks of what links are followed with
	first bool // the first request asks too: the host's own pages are smaller

	inSequence time.Time // until then pages are read one after the other
}

// next returns the number of tags to ask for on the next page, 0 for none.
func (s *pageSizes) next() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return pageAsks[s.ask]
}

// begin returns the number of tags to ask for first, 0 for none.
func (s *pageSizes) begin() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.first {
		return 0
	}
	return pageAsks[s.ask]
}

// refused notes that the host does not give pages of n.
func (s *pageSizes) refused(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if pageAsks[s.ask] == n && s.ask < len(pageAsks)-1 {
		s.ask++
	}
}

// compare notes the tags on a page of the host's own size, which had a
// successor, and on the page after it, which was asked for by number.
func (s *pageSizes) compare(own, asked int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.first = s.first || asked > own
}

// maySplit reports whether pages of one list may be read at once.
func (s *pageSizes) maySplit(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !now.Before(s.inSequence)
}

// dontSplit has pages read one after the other until a time.
func (s *pageSizes) dontSplit(until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inSequence = until
}

// withPageSize returns the URL of a page with n set to the number. A link whose
// query holds neither n nor last is in a language of its own and is left alone.
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
