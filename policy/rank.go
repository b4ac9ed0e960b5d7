package policy

import (
	"iter"
	"slices"
	"sync"

	"github.com/pinsetter/pinsetter"
)

// Ranking is the candidates of a policy, in order. It is safe for concurrent
// use.
type Ranking struct {
	best  pinsetter.Candidate
	found bool
	all   iter.Seq[pinsetter.Candidate]

	mu       sync.Mutex
	ranked   []pinsetter.Candidate // those that were asked for, best first
	complete bool                  // there are no more than ranked
}

// Best returns the best candidate, and false if there is none.
func (r *Ranking) Best() (pinsetter.Candidate, bool) { return r.best, r.found }

// mostRanked bounds the candidates that a ranking remembers. More are rarely
// asked for, and a large image has many policies.
const mostRanked = 4096

// All yields the candidates, best first. The first one costs nothing. The others
// are ranked as far as they are needed; the first few thousand are remembered.
func (r *Ranking) All() iter.Seq[pinsetter.Candidate] {
	return func(yield func(pinsetter.Candidate) bool) {
		if !r.found || !yield(r.best) {
			return
		}
		for i := 1; i < mostRanked; i++ {
			if c, more := r.at(i); !more || !yield(c) {
				return
			}
		}
		n := 0
		for c := range r.all {
			if n++; n > mostRanked && !yield(c) {
				return
			}
		}
	}
}

// fewRanked is the number of candidates that are ranked first, which is enough
// for most sites. If not, ranksMore times as many are ranked next.
const fewRanked, ranksMore = 16, 16

// at returns the i-th of the first mostRanked candidates, and false after the
// last one. Ranking more starts from the beginning, so each time many more are
// ranked.
func (r *Ranking) at(i int) (pinsetter.Candidate, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i >= len(r.ranked) && !r.complete {
		wanted, n := max(fewRanked, ranksMore*len(r.ranked)), 0
		r.complete = true
		for c := range r.all {
			if n >= len(r.ranked) {
				r.ranked = append(r.ranked, c)
			}
			if n++; n == wanted {
				r.complete = false
				break
			}
		}
	}
	if i >= len(r.ranked) {
		return pinsetter.Candidate{}, false
	}
	return r.ranked[i], true
}

// item is an accepted tag, its value, and the parsed value.
type item[K any] struct {
	key        K
	tag, value string
}

func (it item[K]) candidate() pinsetter.Candidate {
	return pinsetter.Candidate{Tag: it.tag, Value: it.value}
}

// order compares items. It is positive if a comes before b, and zero only for
// the same tag. Items whose keys compare as 0 are equal to the policy.
type order[K any] struct {
	items func(a, b item[K]) int
	keys  func(a, b K) int
}

// rankItems returns the ranking of items. The same tag may come twice.
func rankItems[K any](accepted iter.Seq[item[K]], by order[K]) *Ranking {
	var best item[K]
	found := false
	for it := range accepted {
		if !found || by.items(it, best) > 0 {
			best, found = it, true
		}
	}
	all := func(yield func(pinsetter.Candidate) bool) {
		d := repeatFinder[K]{same: by.keys}
		d.repeats(best)
		if !yield(best.candidate()) {
			return
		}
		var next []item[K]
		for last, n := best, 2*fewRanked; ; n = min(ranksMore*n, mostSorted) {
			next = following(next[:0], accepted, by.items, last, n)
			for _, it := range next {
				if !d.repeats(it) && !yield(it.candidate()) {
					return
				}
			}
			if len(next) < n {
				return
			}
			last = next[n-1]
		}
	}
	return &Ranking{best: best.candidate(), found: found, all: all}
}

// mostSorted bounds the items that are sorted at once: parsed, a tag takes several times
// its size. Ranking all of a million tags takes some twenty passes over them.
const mostSorted = 1 << 16

// following appends to an empty slice the n first of the items that come after last, in
// order: fewer if there are no more.
func following[K any](heap []item[K], items iter.Seq[item[K]], compare func(a, b item[K]) int, last item[K], n int) []item[K] {
	worstFirst := func(a, b item[K]) int { return compare(b, a) }
	for it := range items {
		switch {
		case compare(it, last) >= 0:
		case len(heap) < n:
			if heap = append(heap, it); len(heap) == n {
				for i := n/2 - 1; i >= 0; i-- {
					sift(heap, i, worstFirst)
				}
			}
		case compare(it, heap[0]) > 0:
			heap[0] = it
			sift(heap, 0, worstFirst)
		}
	}
	slices.SortFunc(heap, worstFirst)
	return heap
}

// sift moves the i-th item of a heap, which has the greatest first, down to its position.
func sift[K any](heap []item[K], i int, compare func(a, b item[K]) int) {
	for {
		child := 2*i + 1
		if child >= len(heap) {
			return
		}
		if child+1 < len(heap) && compare(heap[child+1], heap[child]) > 0 {
			child++
		}
		if compare(heap[child], heap[i]) <= 0 {
			return
		}
		heap[i], heap[child] = heap[child], heap[i]
		i = child
	}
}

// repeatFinder detects items whose value an earlier one has. Items come best first;
// equal extracted values are one candidate.
type repeatFinder[K any] struct {
	same    func(a, b K) int
	last    item[K]
	started bool
	seen    map[string]bool // the values with last's key, if there are several
}

// repeats reports whether a better item has the same value.
func (d *repeatFinder[K]) repeats(it item[K]) bool {
	if !d.started || d.same(it.key, d.last.key) != 0 {
		d.started, d.last, d.seen = true, it, nil
		return false
	}
	if it.value == d.last.value {
		return true
	}
	if d.seen == nil {
		d.seen = map[string]bool{d.last.value: true}
	}
	repeated := d.seen[it.value]
	d.seen[it.value] = true
	d.last = it
	return repeated
}
