package keeper_test

import (
	"fmt"
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/keeper"
)

// TestShards holds what people rely on who run some: every repository is in one
// shard, all have about as many, and one shard more moves few.
func TestShards(t *testing.T) {
	const repositories = 400
	all := make([]*fleet.Automation, repositories)
	for i := range all {
		all[i] = &fleet.Automation{
			Name: pinsetter.Name{Namespace: "default", Name: fmt.Sprint(i)},
			Git:  &fleet.GitSource{URL: fmt.Sprintf("https://git.example/org/team-%d.git", i)},
		}
	}
	before := map[*fleet.Automation]int{}
	for count := 1; count <= 24; count++ {
		now := map[*fleet.Automation]int{}
		for index := range count {
			of := keeper.Shard{Index: index, Count: count}.Of(all)
			if fair := repositories / count; len(of) < fair/3 || len(of) > 3*fair {
				t.Errorf("shard %d/%d has %d of %d repositories", index, count, len(of), repositories)
			}
			for _, a := range of {
				if other, twice := now[a]; twice {
					t.Fatalf("%s is in shards %d and %d of %d", a.Git.URL, other, index, count)
				}
				now[a] = index
			}
		}
		if len(now) != repositories {
			t.Fatalf("%d shards have %d repositories", count, len(now))
		}
		for a, index := range now {
			if was := before[a]; count > 1 && index != was && index != count-1 {
				t.Errorf("%s moves from shard %d to %d where there are %d now", a.Git.URL, was, index, count)
			}
		}
		before = now
	}
}
