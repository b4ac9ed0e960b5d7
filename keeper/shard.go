package keeper

import (
	"hash/fnv"
	"slices"

	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/fleet"
)

// Shard is one of Count parts of all repositories. The zero Shard is all of
// them.
type Shard struct{ Index, Count int }

// Of returns the automations whose repositories belong to the shard. A
// repository belongs to one shard, whatever the form of its URL, and stays
// there as long as Count does. If Count grows by one, repositories move only to
// the new shard. Automations without a usable repository belong to shard 0,
// which reports them.
func (s Shard) Of(automations []*fleet.Automation) []*fleet.Automation {
	if s.Count == 0 {
		return automations
	}
	return slices.DeleteFunc(slices.Clone(automations), func(a *fleet.Automation) bool { return shardOf(a, s.Count) != s.Index })
}

func shardOf(a *fleet.Automation, count int) int {
	key := bot.RepositoryOf(a)
	if key == "" {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(key)) // never fails
	return jump(h.Sum64(), count)
}

// jump returns a number below count for a key: the consistent hash of Lamping
// and Veach, "A Fast, Minimal Memory, Consistent Hash Algorithm" (2014). Each
// number gets the same share of keys, and a higher count moves keys to the new
// numbers only.
func jump(key uint64, count int) int {
	last, next := 0, 0
	for next < count {
		last = next
		key = key*2862933555777941757 + 1
		next = int(float64(last+1) * (float64(1<<31) / float64(key>>33+1)))
	}
	return last
}
