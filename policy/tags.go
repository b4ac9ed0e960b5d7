package policy

import (
	"math/bits"
	"slices"
	"sync"
	"sync/atomic"
)

// Tags are the tags of an image, shared by all its policies: what SemVer
// policies without a filter read of them is read once. It is safe for
// concurrent use.
type Tags struct {
	tags     []string
	versions func() []item[version] // those that parse
	sorted   func() orders
	passes   atomic.Int32
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

// sortingPays reports whether the versions should be sorted now. A pass over
// them is cheaper for one policy; sorting them costs about as much as the
// logarithm of their number in passes, so that after as many the total is never
// more than twice what knowing the number of policies beforehand would cost.
func (t *Tags) sortingPays() bool {
	return int(t.passes.Add(1)) > bits.Len(uint(len(t.tags)))
}
