package policy

import (
	"math/bits"
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"
)

// mostKept bounds the filters whose versions are stored. An image rarely has
// more than a few that several policies share, and parsed versions take ten
// times the size of their tags.
const mostKept = 8

// Tags is the tags of an image, for all its policies. It does shared work once:
// a ranking without a range for each filter. For SemVer policies with the same
// filter it parses once from the second policy on, and sorts once from about
// the tenth on. It is safe for concurrent use.
type Tags struct {
	// Spare reserves that many bytes for parsed versions. It returns false if
	// there is no memory for them: then tags are parsed again for each policy.
	// Set it before use. Nil: memory has no bound.
	Spare func(bytes int64) bool

	tags []string

	mu       sync.Mutex
	rankings map[string]func() (*Ranking, error)
	versions map[string]*versions // by filter
	kept     int                  // number of stored versions
}

// NewTags returns the tags of an image, which may be in any order and repeat.
// It keeps the slice, which must not change.
func NewTags(tags []string) *Tags {
	return &Tags{tags: tags, rankings: map[string]func() (*Ranking, error){}, versions: map[string]*versions{}}
}

// ranking returns the ranking with a key. The first caller computes it.
func (t *Tags) ranking(key string, rank func() (*Ranking, error)) (*Ranking, error) {
	t.mu.Lock()
	ranked, ok := t.rankings[key]
	if !ok {
		ranked = sync.OnceValues(rank)
		t.rankings[key] = ranked
	}
	t.mu.Unlock()
	return ranked()
}

// versions are the values of a filter that are versions. They are parsed once,
// and sorted once if that is needed.
type versions struct {
	uses  int  // counted by Tags
	kept  bool // they are stored once they are parsed
	asked bool // whether there is memory to sort them
	sorts bool // there is

	parse, sort sync.Once
	items       atomic.Pointer[[]item[version]]
	orders      orders
}

// orders are sorted versions, best first; releases has no prereleases.
type orders struct{ all, releases []item[version] }

// usage is how often SemVer policies have used the versions of a filter.
type usage uint8

const (
	once  usage = iota // nothing is worth storing yet
	again              // storing the parsed versions pays
	often              // sorting pays
)

// use returns the versions of a filter, and counts the use. For one policy a
// pass over the parsed versions is cheaper than sorting. Sorting costs about as
// many passes as the logarithm of the number of tags. By sorting after that
// many passes, the total is never more than about twice the optimum for a known
// number of policies.
func (t *Tags) use(f *filter) (*versions, usage) {
	key := f.key()
	t.mu.Lock()
	defer t.mu.Unlock()
	v, ok := t.versions[key]
	if !ok {
		v = &versions{}
		t.versions[key] = v
	}
	v.uses++
	if v.uses == 2 && t.kept < mostKept && t.spare(1) {
		t.kept++
		v.kept = true
	}
	if v.uses > bits.Len(uint(len(t.tags))) && v.kept && !v.asked {
		v.asked, v.sorts = true, t.spare(2)
	}
	switch {
	case !v.kept:
		return v, once
	case !v.sorts:
		return v, again
	}
	return v, often
}

// spare takes memory for some copies of all versions, if there is some to spare.
func (t *Tags) spare(copies int) bool {
	size := copies * len(t.tags) * int(unsafe.Sizeof(item[version]{}))
	return t.Spare == nil || t.Spare(int64(size))
}

// parsed returns the versions in any order.
func (v *versions) parsed(f *filter, tags []string) []item[version] {
	v.parse.Do(func() {
		items := parse(f, tags)
		v.items.Store(&items)
	})
	return *v.items.Load()
}

// sorted returns the versions, best first.
func (v *versions) sorted(f *filter, tags []string) orders {
	v.sort.Do(func() {
		v.orders = sorted(v.parsed(f, tags))
		v.items.Store(&v.orders.all)
	})
	return v.orders
}

func parse(f *filter, tags []string) []item[version] {
	var items []item[version]
	if f == nil {
		items = make([]item[version], 0, len(tags)) // nearly all tags are versions
	}
	return slices.AppendSeq(items, accepted(f, tags, parseVersion))
}

func sorted(items []item[version]) orders {
	all := slices.Clone(items)
	slices.SortFunc(all, func(a, b item[version]) int { return semantic{}.order(b, a) })
	prerelease := func(it item[version]) bool { return it.key.pre != "" }
	if !slices.ContainsFunc(all, prerelease) {
		return orders{all, all}
	}
	return orders{all, slices.DeleteFunc(slices.Clone(all), prerelease)}
}
