package taglist

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/parts/budget"
)

// shelf is a registry of one image. It has its tags in an order of its own and
// answers with a page behind the tag last, as its kind does where it has no such
// tag.
type shelf struct {
	tags []string
	size int
	kind int
}

// The kinds of shelf.
const (
	lexical        = iota
	anyCase        // ordered without regard to case
	byLength       // shorter tags first
	descends       // the order of bytes, backwards
	fromTheStart   // an unknown tag is as none
	nothing        // nothing is behind an unknown tag
	unknown        // an unknown tag is an error
	oneBefore      // the page behind an unknown tag begins one tag early
	byNumber       // last is the number of a tag
	filters        // every third tag is taken out of the pages
	linksToNothing // the last page links to an empty one
	oneBehind      // the page behind an unknown tag begins one tag late
	kindsOfShelf
)

func newShelf(tags []string, size, kind int) *shelf {
	s := &shelf{slices.Clone(tags), size, kind}
	slices.SortFunc(s.tags, s.compare)
	s.tags = slices.Compact(s.tags)
	return s
}

func (s *shelf) compare(a, b string) int {
	switch s.kind {
	case anyCase:
		if c := strings.Compare(strings.ToLower(a), strings.ToLower(b)); c != 0 {
			return c
		}
	case byLength:
		if len(a) != len(b) {
			return len(a) - len(b)
		}
	case descends:
		return strings.Compare(b, a)
	}
	return strings.Compare(a, b)
}

// behind returns where the page behind a tag begins.
func (s *shelf) behind(last string) (int, error) {
	if s.kind == byNumber {
		n, err := strconv.Atoi(last)
		return max(0, min(n, len(s.tags))), err
	}
	i, known := slices.BinarySearchFunc(s.tags, last, s.compare)
	if known {
		return i + 1, nil
	}
	switch s.kind {
	case fromTheStart:
		return 0, nil
	case nothing:
		return len(s.tags), nil
	case unknown:
		return 0, errors.New("404 Not Found")
	case oneBefore:
		return max(i-1, 0), nil
	case oneBehind:
		return min(i+1, len(s.tags)), nil
	}
	return i, nil
}

// page answers the request for a page.
func (s *shelf) page(_ context.Context, u string) (*page, error) {
	at, err := url.Parse(u)
	if err != nil {
		return nil, err
	}
	from := 0
	if last := at.Query().Get("last"); last != "" {
		if from, err = s.behind(last); err != nil {
			return nil, err
		}
	}
	to := min(from+s.size, len(s.tags))
	p := &page{at: at}
	for i, tag := range s.tags[from:to] {
		if s.kind != filters || (from+i)%3 != 0 {
			p.tags = append(p.tags, tag)
		}
	}
	if to < len(s.tags) || s.kind == linksToNothing && to > from {
		last := s.tags[to-1]
		if s.kind == byNumber {
			last = strconv.Itoa(to)
		}
		p.link = "?" + url.Values{"n": {"3"}, "last": {last}}.Encode()
	}
	return p, nil
}

// inSequence reads page after page, at least the first count and all where count
// is 0. It returns the last one.
func (s *shelf) inSequence(t *testing.T, count int) (tags []string, last *page) {
	t.Helper()
	u := "https://host/v2/app/tags/list"
	for i := 1; ; i++ {
		p, err := s.page(t.Context(), u)
		if err != nil {
			t.Fatal(err)
		}
		tags = append(tags, p.tags...)
		if i == count || p.link == "" {
			return tags, p
		}
		next, err := ResolveLink(p.at, p.link, p.last())
		if err != nil {
			t.Fatal(err)
		}
		u = next.String()
	}
}

// split reads the first pages and then what is left at once. It is false where
// that isn't tried, or given up.
func (s *shelf) split(t *testing.T, known []string) (tags []string, requests int, ok bool) {
	t.Helper()
	sp := beginSplit(t, s)
	if sp == nil {
		return nil, 0, false
	}
	sp.known = known
	if err := sp.run(t.Context()); err != nil {
		return nil, sp.asked, false
	}
	return sp.segments[0].tags, sp.asked, true
}

// beginSplit reads the first two pages; nil where a list isn't split after them.
func beginSplit(t *testing.T, s *shelf) *splitter {
	t.Helper()
	begin, current := s.inSequence(t, splitAfter)
	if current.link == "" || !ascending("", begin) {
		return nil
	}
	next, ok := nextInOrder(current, 3)
	if !ok {
		return nil
	}
	sp := newSplitter(begin, current.tags, next, 3)
	sp.read, sp.free = s.page, func() int { return 16 }
	return sp
}

// FuzzSplit: whatever the registry and its order, pages that are read at once
// give what pages read in sequence give, or the attempt ends.
func FuzzSplit(f *testing.F) {
	for kind := range kindsOfShelf {
		for size := range uint8(4) {
			f.Add(uint8(kind), size, "1.0.0 1.0.1 1.0.10 1.0.2 1.1.0 2.0.0 2.1.0 a b B C d main-1 main-2 main-33 v1 v2", "1.0.0 1.0.9 2.0.0 main-2 x")
			f.Add(uint8(kind), size, "a1 a2 a3 a4 a5 a6 a7 a8 a9 b1 b2 b3 b4 b5 b6 b7 b8 c1 c2 c3", "")
			f.Add(uint8(kind), size, "aa aB Ab AC ba bB Bc C cA ca d0 D1 d2", "aa aB d2")
			f.Add(uint8(kind), size, "0\xff0 2 ab a", "7 7")
		}
	}
	f.Fuzz(func(t *testing.T, kind, size uint8, text, before string) {
		budget.Affords(t, len(text)+len(before), func() {
			tags := strings.Fields(text)
			if len(tags) > 500 {
				return
			}
			s := newShelf(tags, int(size%8)+1, int(kind)%kindsOfShelf)
			known := strings.Fields(before)
			slices.Sort(known)
			slices.Reverse(known)
			got, _, ok := s.split(t, known)
			if !ok {
				return
			}
			want, _ := s.inSequence(t, 0)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Fatalf("kind %d: at once\n%q\nin sequence\n%q", s.kind, got, want)
			}
		})
	})
}

// TestSplitPays holds that lists in the order of bytes are split, and that it
// takes not more than two requests a page, and few more than one where the list
// is known.
func TestSplitPays(t *testing.T) {
	const pages, size = 100, 100
	shapes := map[string]func(i int) string{
		"numbers":  func(i int) string { return fmt.Sprintf("1.0.%06d", i) },
		"hashes":   func(i int) string { return fmt.Sprintf("%08x", uint32(i)*2654435761) },
		"builds":   func(i int) string { return fmt.Sprintf("main-%07x-%d", uint32(i)*2654435761>>4, 1_700_000_000+i) },
		"versions": func(i int) string { return fmt.Sprintf("v%d.%d.%d", i%7, i/7%40, i/280) },
		"times":    func(i int) string { return fmt.Sprintf("main-%d", 1_700_000_000+1000*i) },
	}
	for name, shape := range shapes {
		t.Run(name, func(t *testing.T) {
			tags := make([]string, pages*size)
			for i := range tags {
				tags[i] = shape(i)
			}
			s := newShelf(tags, size, lexical)
			got, requests, ok := s.split(t, nil)
			if !ok || !slices.Equal(got, s.tags) {
				t.Fatalf("%d tags, %t; want %d", len(got), ok, len(s.tags))
			}
			if requests > 2*pages {
				t.Errorf("%d requests for %d pages", requests, pages)
			}
			known := slices.Clone(s.tags)
			slices.Reverse(known)
			got, requests, ok = s.split(t, known)
			if !ok || !slices.Equal(got, s.tags) || requests > pages*5/4 {
				t.Errorf("where the tags are known: %d tags, %t, %d requests", len(got), ok, requests)
			}
		})
	}
}

// A list that changes while its pages are read has what was there all the time,
// and nothing that never was.
func TestSplitWhileTheListChanges(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	split := 0
	for range 300 {
		var stays, moves []string
		for i := range 200 {
			stays = append(stays, fmt.Sprintf("%03d", 2*i))
			moves = append(moves, fmt.Sprintf("%03d", 2*random.IntN(200)+1))
		}
		changing := newShelf(stays, 5+random.IntN(10), lexical)
		pages := 0
		var mu sync.Mutex
		sp := beginSplit(t, changing)
		sp.read = func(ctx context.Context, u string) (*page, error) {
			mu.Lock()
			defer mu.Unlock()
			if pages++; pages%7 == 0 {
				changing = newShelf(append(stays[:len(stays):len(stays)], moves[:random.IntN(len(moves))]...), changing.size, lexical)
			}
			return changing.page(ctx, u)
		}
		if sp.run(t.Context()) != nil {
			continue
		}
		split++
		got := sp.segments[0].tags
		for _, tag := range stays {
			if !slices.Contains(got, tag) {
				t.Fatalf("%s is missing in %q", tag, got)
			}
		}
		for _, tag := range got {
			if !slices.Contains(stays, tag) && !slices.Contains(moves, tag) || !ascending("", got) {
				t.Fatalf("%s is none of them, or twice, in %q", tag, got)
			}
		}
	}
	if split == 0 {
		t.Error("no list was read to its end")
	}
}

// FuzzPlaces: places lie strictly between two, ascend, and could be tags.
func FuzzPlaces(f *testing.F) {
	f.Add("1.0.0 1.0.9 1.1.0", "1.1.0", "2.0.0")
	f.Add("a b c", "c", "")
	f.Add("main-1 main-2 \xff", "main-2", "main-20")
	f.Add("", "t7", "u")
	f.Add("a\xff1 a\xff2", "a\xff2", "")
	f.Fuzz(func(t *testing.T, text, low, high string) {
		if low == "" || high != "" && high <= low {
			return
		}
		var s shape
		tags := strings.Fields(text)
		slices.Sort(tags)
		s.learn(tags)
		for place := range s.places(low, high) {
			if place <= low || high != "" && place >= high || !pinsetter.ValidTag(place) {
				t.Fatalf("%q is no place between %q and %q", place, low, high)
			}
			low = place
		}
	})
}
