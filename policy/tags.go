package policy

import (
	"math/bits"
	"slices"
	"sync"
	"sync/atomic"
)

// Tags are the tags of an image, shared by all its policies. From the second
// SemVer policy without a filter on, what was parsed is kept, and from about the
// tenth on it is sorted. It is safe for concurrent use.
type Tags struct {
	tags     []string
	versions func() []item[version] // those that parse
	sorted   func() orders
	uses     atomic.Int32
}

// orders are the versions best first; releases leaves out the prereleases.
type orders struct{ all, releases []item[version] }

// NewTags returns the tags of an image, in any order. A tag that is given twice
// counts once. The slice is kept and must not change.
func NewTags(tags []string) *Tags {
	t := &Tags{tags: tags}
	t.versions = sync.OnceValue(t.parse)
	t.sorted = sync.OnceValue(t.sort)
	return t
}

func (t *Tags) parse() []item[version] {
	items := make([]item[version], 0, len(t.tags))
	for _, tag := range t.tags {
		if v, ok := parseVersion(tag); ok {
			items = append(items, item[version]{key: v, tag: tag, value: tag})
		}
	}
	return items
}

func (t *Tags) sort() orders {
	all := slices.Clone(t.versions())
	slices.SortFunc(all, func(a, b item[version]) int { return semantic{}.order(b, a) })
	releases := make([]item[version], 0, len(all))
	for _, it := range all {
		if it.key.pre == "" {
			releases = append(releases, it)
		}
	}
	return orders{all, releases}
}

// usage is how often SemVer policies without a filter have used the tags.
type usage uint8

const (
	once  usage = iota // nothing is worth keeping yet
	again              // what was parsed is worth keeping
	often              // sorting pays
)

// next counts a use. A pass over the versions is cheaper for one policy; sorting
// them costs about as many passes as the logarithm of their number, so that
// after as many the total is never more than about twice what knowing the number
// of policies beforehand would cost.
func (t *Tags) next() usage {
	switch uses := int(t.uses.Add(1)); {
	case uses == 1:
		return once
	case uses <= bits.Len(uint(len(t.tags))):
		return again
	}
	return often
}
