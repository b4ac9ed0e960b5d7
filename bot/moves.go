package bot

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops/address"
	"github.com/pinsetter/pinsetter/store"
)

// moving renames repositories in the ledger that had other keys in earlier versions:
// once for a bot, and again if that failed.
type moving struct {
	mu   sync.Mutex
	done bool
}

// once has the ledger know the repositories of automations by the names that they have
// now, before anything is decided by it.
func (m *moving) once(ctx context.Context, ledger *store.Ledger, automations []*fleet.Automation) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.done {
		return nil
	}
	err := ledger.Move(ctx, movesOf(automations))
	m.done = err == nil
	return err
}

// movesOf returns the repositories of automations that had another name in versions
// without ports, sorted, and those of which a lane has another one now: those
// versions pushed for two logins at once.
func movesOf(automations []*fleet.Automation) []store.Move {
	moves := map[string]*store.Move{} // by name
	former := map[string][]*fleet.Automation{}
	for _, a := range automations {
		if a.Git == nil {
			continue
		}
		to, err := address.Key(a.Git.URL)
		if err != nil {
			continue // lanes says so
		}
		from := address.FormerKey(a.Git.URL)
		if moves[to] == nil {
			moves[to] = &store.Move{From: from, To: to, Quiet: map[string][]string{}}
		}
		moves[to].Automations = append(moves[to].Automations, a.Name.String())
		if a.Err == nil && !a.Suspended && a.PullRequest == nil {
			lane := strings.Join([]string{from, a.Base.String(), a.PushBranch}, "\n")
			former[lane] = append(former[lane], a)
		}
	}
	for _, mates := range former {
		moveDues(moves, mates)
	}
	var list []store.Move
	for _, m := range moves {
		if m.From != m.To || len(m.Quiet) > 0 {
			list = append(list, *m)
		}
	}
	slices.SortFunc(list, func(a, b store.Move) int { return cmp.Compare(a.To, b.To) })
	return list
}

// moveDues adds to moves by which names the refspecs were remembered that are due
// in the lanes of automations, which were one lane: of all of them, or of one that
// was run alone.
func moveDues(moves map[string]*store.Move, mates []*fleet.Automation) {
	var lanes []*lane
	for _, a := range mates {
		lanes, _ = join(lanes, a) // none proposes, and all have one base
	}
	for _, l := range lanes {
		l.moveDues(moves, mates)
	}
	for _, a := range mates {
		alone, _ := join(nil, a)
		alone[0].moveDues(moves, []*fleet.Automation{a})
	}
}

// moveDues adds to moves the name by which the lane's refspecs that are due were
// remembered, when it was that of some automations.
func (l *lane) moveDues(moves map[string]*store.Move, were []*fleet.Automation) {
	to, _ := address.Key(l.git.URL) // movesOf has it already
	before := laneKey(moves[to].From, l.base, l.push, were) + refspecsDue
	if now := l.duesKey(); l.hasRefspec() && now != before {
		moves[to].Quiet[now] = append(moves[to].Quiet[now], before)
	}
}
