package replay

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
	"github.com/pinsetter/pinsetter/selector"
	"github.com/pinsetter/pinsetter/setters"
)

// Bounds on the commits that are replayed: of one branch, since a lane has a commit
// for each of its automations, and of all branches of one lane.
const (
	replayedCommits = 100
	replayedInAll   = 1000
)

// Ownership tells which commits of branches are the bot's own. It is safe for
// concurrent use.
type Ownership struct {
	Selector *selector.Selector
	Pushes   *sync.Map // the hashes of the commits that this process pushed last, by writers and branch
	Records  bool      // the ledger is told what is pushed
}

// Writers are the automations that push to the same branches of a repository.
type Writers struct {
	Key         string // of the writers, for the ledger
	Automations []*fleet.Automation
}

// Branch says whether a branch is the bot's own.
type Branch struct {
	// Err is nil if the bot made every commit, wraps ErrTheirs if it didn't, and is
	// anything else if that can't be found out now.
	Err error

	Paths   map[string][]string // the files that replayed commits wrote, by hash
	unknown []gitops.CommitInfo // to be replayed
}

// IsTheirs reports whether the branch has a commit of somebody else.
func (b Branch) IsTheirs() bool { return errors.Is(b.Err, ErrTheirs) }

// Of finds out of which push branches that were fetched the writers made every commit,
// by name. A commit is theirs if the ledger knows that they pushed it. Else its author,
// committer and trailer must be theirs, which proves nothing, and a replay must give the
// same files. Remembered returns a commit of a branch that is known to be theirs, or "".
func (o *Ownership) Of(ctx context.Context, w Writers, fetched *gitops.Fetched, remembered func(branch string) string) map[string]*Branch {
	found := map[string]*Branch{}
	branches := slices.Sorted(maps.Keys(fetched.Push))
	var unknown []gitops.CommitInfo
	depth := 0
	for _, branch := range branches {
		state := fetched.Push[branch]
		b := o.claimed(ctx, w, branch, fetched, remembered(branch))
		if len(unknown)+len(b.unknown) > replayedInAll {
			b.Err, b.unknown = errors.New("too many commits on branches of this automation are to be looked at"), nil
		}
		found[branch], unknown, depth = b, append(unknown, b.unknown...), max(depth, len(state.Commits)+1)
	}
	o.Selector.All(ctx, o.policiesOf(w, unknown))
	steps := fetched.Base.Steps(ctx, unknown, depth, setters.IsCandidate)
	for _, branch := range branches {
		b := found[branch]
		n := len(b.unknown)
		o.replayAll(ctx, w, b, steps[:n])
		steps = steps[n:]
		if b.Err != nil {
			o.Selector.Log.Debug("the branch is not known for Pinsetter's own", "branch", branch, "reason", b.Err)
		} else if n > 0 && !slices.ContainsFunc(b.unknown, func(commit gitops.CommitInfo) bool { return !saysAll(commit, b.Paths[commit.Hash]) }) {
			o.KeepPushed(ctx, w, branch, hashesOf(fetched.Push[branch].Commits))
		}
	}
	return found
}

// claimed judges a branch by the ledger, and by the trailers and authors of its commits.
func (o *Ownership) claimed(ctx context.Context, w Writers, branch string, fetched *gitops.Fetched, remembered string) *Branch {
	state := fetched.Push[branch]
	if state.Truncated {
		return &Branch{Err: Theirs("it has more commits than are looked at")}
	}
	known := append([]string{remembered}, o.pushedTo(ctx, w, branch, state.Commits)...)
	unknown := slices.DeleteFunc(slices.Clone(state.Commits), func(commit gitops.CommitInfo) bool { return slices.Contains(known, commit.Hash) })
	for _, commit := range unknown {
		if len(w.makers(commit)) == 0 {
			return &Branch{Err: Theirs("commit %.7s doesn't say so", commit.Hash)}
		}
	}
	if len(unknown) > replayedCommits {
		return &Branch{Err: Theirs("it has more commits than are looked at")}
	}
	if len(unknown) > 0 {
		if err := fetched.CheckMerges(ctx, state); errors.Is(err, gitops.ErrNotEdits) {
			return &Branch{Err: Theirs("%v", err)}
		} else if err != nil {
			return &Branch{Err: err}
		}
	}
	return &Branch{unknown: unknown}
}

// policiesOf returns the policies that commits say they wrote, as far as the
// writers' automations write them: they are scanned together.
func (o *Ownership) policiesOf(w Writers, commits []gitops.CommitInfo) []*fleet.Policy {
	var policies []*fleet.Policy
	for _, commit := range commits {
		for _, change := range message.ParseTrailers(commit.Message).Changes {
			site, _ := plan.WrittenBy(change)
			policy := o.Selector.Set.Policy(site.Policy)
			written := policy != nil && slices.ContainsFunc(w.Automations, func(a *fleet.Automation) bool { return a.Selects(policy) })
			if written && !slices.Contains(policies, policy) {
				policies = append(policies, policy)
			}
		}
	}
	return policies
}

// replayAll replays the commits of one branch that aren't known.
func (o *Ownership) replayAll(ctx context.Context, w Writers, b *Branch, steps []gitops.Step) {
	b.Paths = map[string][]string{}
	replayer := Replayer{Set: o.Selector.Set, Select: o.replayed}
	for i, step := range steps {
		err := replayer.ByAny(ctx, w.makers(b.unknown[i]), step)
		if err == nil {
			b.Paths[b.unknown[i].Hash] = step.Paths
		} else if b.Err == nil || errors.Is(err, ErrTheirs) {
			b.Err = err
		}
	}
}

// replayed returns what p selects, for a replay.
func (o *Ownership) replayed(ctx context.Context, p *fleet.Policy) Policy {
	sel := o.Selector.Selection(ctx, p)
	known := Policy{Policy: &sel.Policy}
	if sel.Listing != nil {
		known.Tags = sel.Listing.Tags
	}
	if sel.Walk != nil {
		known.Sight, known.Showings, known.Digest = sel.Sight, sel.Showings, sel.Digest
	}
	return known
}

// makers returns the automations that a commit names.
func (w Writers) makers(commit gitops.CommitInfo) []*fleet.Automation {
	return slices.DeleteFunc(slices.Clone(w.Automations), func(a *fleet.Automation) bool { return !plan.Made(a, commit) })
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

// pushedKey names what the writers pushed to a branch, for the ledger: another Pinsetter
// may have automations of the same names with another path.
func (w Writers) pushedKey(branch string) string {
	parts := []string{w.Key, branch, "pushed"}
	for _, a := range w.Automations {
		parts = append(parts, a.Name.String()+" "+a.Path)
	}
	slices.Sort(parts[3:])
	return strings.Join(parts, "\n")
}

// pushedTo returns the commits that the writers are remembered to have pushed to a
// branch last. The ledger is asked where this process doesn't know all of some
// commits: another one may have pushed them.
func (o *Ownership) pushedTo(ctx context.Context, w Writers, branch string, commits []gitops.CommitInfo) []string {
	key := w.pushedKey(branch)
	here, _ := o.Pushes.Load(key)
	hashes, _ := here.([]string)
	unknown := func(commit gitops.CommitInfo) bool { return !slices.Contains(hashes, commit.Hash) }
	if !slices.ContainsFunc(commits, unknown) || o.Selector.Failing.Now() {
		return hashes
	}
	body, err := o.Selector.Ledger.Quiet().Of(ctx, key)
	if err != nil {
		o.Selector.Failing.Failed(err)
		return hashes
	}
	var kept []string
	if body == nil || json.Unmarshal(body, &kept) != nil {
		return hashes
	}
	return slices.Concat(hashes, kept)
}

// KeepPushed remembers the commits of a branch that the writers pushed.
func (o *Ownership) KeepPushed(ctx context.Context, w Writers, branch string, hashes []string) {
	key := w.pushedKey(branch)
	o.Pushes.Store(key, hashes)
	if !o.Records || o.Selector.Failing.Now() {
		return
	}
	body, _ := json.Marshal(hashes) // of texts
	ctx = context.WithoutCancel(ctx)
	if err := o.Selector.Ledger.Quiet().Put(ctx, o.Selector.Now, key, body); err != nil {
		o.Selector.Failing.Failed(err)
	}
}

// keptFor is how long it is remembered that a server lets no commit of a branch be
// dropped. Then a push finds out again.
const keptFor = 24 * time.Hour

// IsKept reports whether the ledger knows that the server lets no commit of a branch of
// the writers be dropped.
func (o *Ownership) IsKept(ctx context.Context, w Writers, branch string) bool {
	if o.Selector.Failing.Now() {
		return false
	}
	body, err := o.Selector.Ledger.Quiet().Of(ctx, w.keptKey(branch))
	if err != nil {
		o.Selector.Failing.Failed(err)
		return false
	}
	var at time.Time
	if body == nil || json.Unmarshal(body, &at) != nil {
		return false
	}
	age := o.Selector.Now.Sub(at)
	return age >= 0 && age < keptFor
}

// KeepKept remembers what IsKept reports.
func (o *Ownership) KeepKept(ctx context.Context, w Writers, branch string) {
	if o.Selector.Failing.Now() {
		return
	}
	body, _ := json.Marshal(o.Selector.Now) // of a time
	if err := o.Selector.Ledger.Quiet().Put(context.WithoutCancel(ctx), o.Selector.Now, w.keptKey(branch), body); err != nil {
		o.Selector.Failing.Failed(err)
	}
}

// keptKey names what is known of a branch, for the ledger.
func (w Writers) keptKey(branch string) string { return w.Key + "\n" + branch + "\nkept" }
