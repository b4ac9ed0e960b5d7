package bot

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/message"
	"github.com/pinsetter/pinsetter/plan"
	"github.com/pinsetter/pinsetter/replay"
	"github.com/pinsetter/pinsetter/selector"
	"github.com/pinsetter/pinsetter/setters"
)

// Bounds on the commits that are replayed: of one branch, since a lane has a commit
// for each of its automations, and of all branches of one lane.
const (
	replayedCommits = 100
	replayedInAll   = 1000
)

// ownership tells which commits of branches are the bot's own. It is safe for
// concurrent use.
type ownership struct {
	selector *selector.Selector
	pushes   *sync.Map // see Bot
	mode     Mode
}

// owned is what a branch is to the bot.
type owned struct {
	// err is nil where the bot made every commit, wraps replay.ErrTheirs where it
	// didn't, and is anything else where that can't be found out now.
	err error

	paths   map[string][]string // what the commits wrote that were replayed, by hash
	unknown []gitops.CommitInfo // what is to be replayed
}

// isTheirs reports whether the branch has a commit of somebody else.
func (o owned) isTheirs() bool { return errors.Is(o.err, replay.ErrTheirs) }

// own finds out of which branches a lane's automations made every commit. A commit
// is theirs if they are remembered to have pushed it. Else its author, committer
// and trailer must be theirs, which proves nothing, and a replay of it must give
// the same files. Remembered has a commit of a branch that is theirs, or "".
func (w *ownership) own(ctx context.Context, l *lane, fetched *gitops.Fetched, remembered func(branch string) string) map[string]*owned {
	found := map[string]*owned{}
	branches := slices.Sorted(maps.Keys(fetched.Push))
	var unknown []gitops.CommitInfo
	depth := 0
	for _, branch := range branches {
		state := fetched.Push[branch]
		o := w.claimed(ctx, l, branch, fetched, remembered(branch))
		if len(unknown)+len(o.unknown) > replayedInAll {
			o.err, o.unknown = errors.New("too many commits on branches of this automation are to be looked at"), nil
		}
		found[branch], unknown, depth = o, append(unknown, o.unknown...), max(depth, len(state.Commits)+1)
	}
	w.selector.All(ctx, w.policiesOf(l, unknown))
	steps := fetched.Base.Steps(ctx, unknown, depth, setters.IsCandidate)
	for _, branch := range branches {
		o := found[branch]
		n := len(o.unknown)
		w.replayAll(ctx, l, o, steps[:n])
		steps = steps[n:]
		if o.err != nil {
			w.selector.Log.Debug("the branch is not known for Pinsetter's own", "branch", branch, "reason", o.err)
		} else if n > 0 && !slices.ContainsFunc(o.unknown, func(commit gitops.CommitInfo) bool { return !saysAll(commit, o.paths[commit.Hash]) }) {
			w.keepPushed(ctx, l, branch, hashesOf(fetched.Push[branch].Commits))
		}
	}
	return found
}

// claimed judges a branch by what is remembered, and by what its commits say of
// themselves.
func (w *ownership) claimed(ctx context.Context, l *lane, branch string, fetched *gitops.Fetched, remembered string) *owned {
	state := fetched.Push[branch]
	if state.Truncated {
		return &owned{err: replay.Theirs("it has more commits than are looked at")}
	}
	known := append([]string{remembered}, w.pushedTo(ctx, l, branch, state.Commits)...)
	unknown := keep(state.Commits, func(commit gitops.CommitInfo) bool { return !slices.Contains(known, commit.Hash) })
	for _, commit := range unknown {
		if len(l.makers(commit)) == 0 {
			return &owned{err: replay.Theirs("commit %.7s doesn't say so", commit.Hash)}
		}
	}
	if len(unknown) > replayedCommits {
		return &owned{err: replay.Theirs("it has more commits than are looked at")}
	}
	if len(unknown) > 0 {
		if err := fetched.CheckMerges(ctx, state); errors.Is(err, gitops.ErrNotEdits) {
			return &owned{err: replay.Theirs("%v", err)}
		} else if err != nil {
			return &owned{err: err}
		}
	}
	return &owned{unknown: unknown}
}

// policiesOf returns the policies that commits say they wrote, as far as the lane's
// automations write them: they are scanned together.
func (w *ownership) policiesOf(l *lane, commits []gitops.CommitInfo) []*fleet.Policy {
	var policies []*fleet.Policy
	for _, commit := range commits {
		for _, change := range message.ParseTrailers(commit.Message).Changes {
			site, _ := plan.WrittenBy(change)
			policy := w.selector.Set.Policy(site.Policy)
			written := policy != nil && slices.ContainsFunc(l.automations, func(a *fleet.Automation) bool { return a.Selects(policy) })
			if written && !slices.Contains(policies, policy) {
				policies = append(policies, policy)
			}
		}
	}
	return policies
}

// replayAll replays the commits of one branch that aren't known.
func (w *ownership) replayAll(ctx context.Context, l *lane, o *owned, steps []gitops.Step) {
	o.paths = map[string][]string{}
	replayer := replay.Replayer{Set: w.selector.Set, Select: w.replayed}
	for i, step := range steps {
		err := replayer.ByAny(ctx, l.makers(o.unknown[i]), step)
		if err == nil {
			o.paths[o.unknown[i].Hash] = step.Paths
		} else if o.err == nil || errors.Is(err, replay.ErrTheirs) {
			o.err = err
		}
	}
}

// replayed returns what p selects, for a replay.
func (w *ownership) replayed(ctx context.Context, p *fleet.Policy) replay.Policy {
	sel := w.selector.Selection(ctx, p)
	known := replay.Policy{Policy: &sel.Policy}
	if sel.Listing != nil {
		known.Tags = sel.Listing.Tags
	}
	if sel.Walk != nil {
		known.Sight, known.Showings, known.Digest = sel.Sight, sel.Showings, sel.Digest
	}
	return known
}

// makers returns the lane's automations that a commit names.
func (l *lane) makers(commit gitops.CommitInfo) []*fleet.Automation {
	return keep(l.automations, func(a *fleet.Automation) bool { return plan.Made(a, commit) })
}

// saysAll reports whether a commit's trailers name all files that it wrote, or
// don't claim to.
func saysAll(commit gitops.CommitInfo, paths []string) bool {
	said := message.ParseTrailers(commit.Message)
	return !said.Complete || !slices.ContainsFunc(paths, func(path string) bool {
		return !slices.ContainsFunc(said.Changes, func(change pinsetter.Change) bool { return change.Path == path })
	})
}

func hashesOf(commits []gitops.CommitInfo) []string {
	var hashes []string
	for _, commit := range commits {
		hashes = append(hashes, commit.Hash)
	}
	return hashes
}

// pushedKey names what a lane pushed to a branch, for the ledger: another Pinsetter
// may have automations of the same names with another path.
func (l *lane) pushedKey(branch string) string {
	parts := []string{l.key(), branch, "pushed"}
	for _, a := range l.automations {
		parts = append(parts, a.Name.String()+" "+a.Path)
	}
	slices.Sort(parts[3:])
	return strings.Join(parts, "\n")
}

// pushedTo returns the commits that a lane is remembered to have pushed to a
// branch last. The ledger is asked where this process doesn't know all of some
// commits: another one may have pushed them.
func (w *ownership) pushedTo(ctx context.Context, l *lane, branch string, commits []gitops.CommitInfo) []string {
	key := l.pushedKey(branch)
	here, _ := w.pushes.Load(key)
	hashes, _ := here.([]string)
	unknown := func(commit gitops.CommitInfo) bool { return !slices.Contains(hashes, commit.Hash) }
	if !slices.ContainsFunc(commits, unknown) || w.selector.Failing.Now() {
		return hashes
	}
	body, err := w.selector.Ledger.Quiet().Of(ctx, key)
	if err != nil {
		w.selector.Failing.Failed(err)
		return hashes
	}
	var kept []string
	if body == nil || json.Unmarshal(body, &kept) != nil {
		return hashes
	}
	return slices.Concat(hashes, kept)
}

// keepPushed remembers the commits of a branch that a lane pushed.
func (w *ownership) keepPushed(ctx context.Context, l *lane, branch string, hashes []string) {
	key := l.pushedKey(branch)
	w.pushes.Store(key, hashes)
	if w.mode != Push || w.selector.Failing.Now() {
		return
	}
	body, _ := json.Marshal(hashes) // of texts
	ctx = context.WithoutCancel(ctx)
	if err := w.selector.Ledger.Quiet().Put(ctx, w.selector.Now, key, body); err != nil {
		w.selector.Failing.Failed(err)
	}
}

// keptFor is how long it is remembered that a server lets no commit of a branch be
// dropped. Then a push finds out again.
const keptFor = 24 * time.Hour

// isKept reports whether a push found out that a branch of a lane keeps its commits.
func (w *ownership) isKept(ctx context.Context, l *lane, branch string) bool {
	if slices.Contains(l.kept, branch) || w.selector.Failing.Now() {
		return slices.Contains(l.kept, branch)
	}
	body, err := w.selector.Ledger.Quiet().Of(ctx, l.keptKey(branch))
	if err != nil {
		w.selector.Failing.Failed(err)
		return false
	}
	var at time.Time
	if body == nil || json.Unmarshal(body, &at) != nil {
		return false
	}
	age := w.selector.Now.Sub(at)
	return age >= 0 && age < keptFor
}

// keepKept remembers that a branch of a lane keeps its commits.
func (w *ownership) keepKept(ctx context.Context, l *lane, branch string) {
	l.kept = with(l.kept, branch)
	if w.selector.Failing.Now() {
		return
	}
	body, _ := json.Marshal(w.selector.Now) // of a time
	if err := w.selector.Ledger.Quiet().Put(context.WithoutCancel(ctx), w.selector.Now, l.keptKey(branch), body); err != nil {
		w.selector.Failing.Failed(err)
	}
}

// keptKey names what is known of a branch of a lane, for the ledger.
func (l *lane) keptKey(branch string) string { return l.key() + "\n" + branch + "\nkept" }
