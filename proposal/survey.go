// Package proposal has the pull requests that follow decisions. A Survey divides what
// was decided on a base into groups, each with a branch and a pull request, asks the
// forge what people did about these, and carries out what is left to do.
package proposal

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/decide"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/forge"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/plan"
)

// Conductor pushes for a Survey, asks registries, and remembers.
type Conductor interface {
	// Push pushes, and remembers that the automation made the commit, and those below
	// it that the base hasn't.
	Push(ctx context.Context, remote *gitops.Remote, p gitops.Push, below []string) (gitops.Pushed, error)

	// IsKept reports whether the server lets a branch not be replaced, or not be
	// deleted, as KeepKept was told. That is forgotten after a while.
	IsKept(ctx context.Context, branch string) bool
	KeepKept(ctx context.Context, branch string)

	// Provenance returns where a policy's image comes from. Its Unread says why the
	// registry could not be asked now.
	Provenance(ctx context.Context, p *decide.Policy, image pinsetter.Image) pinsetter.Provenance

	// Keep remembers records, by branch: those that changed. A nil one is forgotten.
	Keep(ctx context.Context, changed map[string]json.RawMessage)
}

// Options are what a Survey works with. All are set.
type Options struct {
	Conductor Conductor
	Forge     forge.Options
	Log       *slog.Logger
	Progress  func(string) // told what is being done
	Now       func() time.Time
}

// Survey is what an automation's pull requests are made from.
type Survey struct {
	Reading
	Whole  *plan.Plan // every site of the automation
	Groups []*Group   // sorted by branch

	o          Options
	automation *fleet.Automation
	branches   *Branches
	known      map[string]Record          // of pull requests, by branch
	kept       map[string]json.RawMessage // known, as it was remembered
	merged     []refusal                  // what merged pull requests wrote, at sites that the ledger doesn't know

	forge *forge.Repository // nil: nothing is asked of it
	limit error             // the forge's, that it wants to be left alone; nil: it doesn't
}

// Reading is what was read of a repository.
type Reading struct {
	*gitops.Fetched // the base, and the branches that there are
	Remote          *gitops.Remote
	Ground          *plan.Ground            // on the base
	Own             map[string]*plan.Branch // branches of which the bot made every commit
	Unsure          map[string]error        // branches of which that can't be found out now, and why
}

// New returns a survey of an automation's pull requests, of which records are
// remembered, by branch. What can't be read of these is not known.
func New(b *Branches, kept map[string]json.RawMessage, o Options) *Survey {
	s := &Survey{o: o, automation: b.automation, branches: b, known: map[string]Record{}, kept: map[string]json.RawMessage{}}
	for branch, data := range kept {
		var r Record
		if json.Unmarshal(data, &r) == nil && !r.empty() {
			s.known[branch], s.kept[branch] = r, data
		}
	}
	return s
}

// Asked are the branches to fetch.
func (s *Survey) Asked() []string { return s.branches.asked(maps.Keys(s.known)) }

// Commit returns the commit of a branch that is remembered to be the bot's, or "".
func (s *Survey) Commit(branch string) string { return s.known[branch].Commit }

// Read takes what was read. What is decided on its ground from now on knows what is
// proposed.
func (s *Survey) Read(r Reading) {
	s.Reading = r
	s.Ground.Reviewed, s.Ground.Proposal = true, s.shows
}

// Divide divides the decisions of the whole plan into groups, and adds those that
// have a branch, or are remembered, and nothing to do any more.
func (s *Survey) Divide(whole *plan.Plan) error {
	s.Whole = whole
	b := s.branches
	groups := map[string]*Group{} // by branch
	open := func(name, branch string) *Group {
		if groups[branch] == nil {
			groups[branch] = s.newGroup(name, branch)
		}
		return groups[branch]
	}
	for _, file := range s.Whole.Marked {
		for i, site := range file.Sites {
			name := b.group(site.Policy, file.Path)
			branch, err := b.of(name)
			if err != nil {
				return err
			}
			_, taken := file.Takes[i]
			_, remembered := s.known[branch]
			if taken || remembered || s.Push[branch] != nil || s.Whole.Only != nil {
				open(name, branch).take(file, i)
			}
		}
	}
	for _, hold := range s.Whole.Result.Held {
		name := b.group(pinsetter.ParseName(hold.Policy), hold.Path)
		branch, err := b.of(name)
		if err != nil {
			return err
		}
		g := open(name, branch)
		g.Result.Held = append(g.Result.Held, hold)
	}
	for _, branch := range slices.Concat(slices.Collect(maps.Keys(s.Push)), slices.Collect(maps.Keys(s.known))) {
		if groups[branch] == nil {
			open(b.leftover(branch), branch).left = true
		}
	}
	for _, branch := range slices.Sorted(maps.Keys(groups)) {
		g := groups[branch]
		g.known, g.there, g.shown = s.known[branch], s.Push[branch], s.Own[branch]
		g.unsure = s.Unsure[branch]
		g.pr = g.known.PullRequest
		// A branch that no group has is closed where the bot made it; else it
		// is somebody's.
		if !g.left || g.known.PullRequest != nil || g.shown != nil && len(g.there.Commits) > 0 {
			s.Groups = append(s.Groups, g)
		}
	}
	return nil
}

// newGroup returns a group without sites.
func (s *Survey) newGroup(name, branch string) *Group {
	p := plan.New(s.automation, s.Ground)
	p.Policies = s.Whole.Policies
	p.Result.Group, p.Result.Branch = name, branch
	return &Group{Plan: p, name: name, branch: branch}
}

// Owns reports whether a site's changes go into a group's pull request.
func (s *Survey) Owns(g *Group, site pinsetter.Site) bool {
	branch, err := s.branches.of(s.branches.group(site.Policy, site.Path))
	return err == nil && branch == g.branch
}

// shows returns the branch of the bot's own that proposes a site, or nil.
func (s *Survey) shows(site pinsetter.Site) *plan.Branch {
	branch, err := s.branches.of(s.branches.group(site.Policy, site.Path))
	if err != nil {
		return nil // Divide says so
	}
	return s.Own[branch]
}

// Apply is step 4 for all groups. Their diffs are each on top of those before it, in
// the order of results.
func (s *Survey) Apply() {
	for _, g := range s.Groups {
		g.Apply()
	}
	taken := map[string]map[int]pinsetter.Image{}
	byName := func(a, b *Group) int { return cmp.Compare(a.Result.Group, b.Result.Group) }
	for _, g := range slices.SortedStableFunc(slices.Values(s.Groups), byName) {
		g.StackPatch(taken)
	}
}

// IsIdle reports whether there is nothing to say about any group, and no pull request.
func (s *Survey) IsIdle() bool {
	return !slices.ContainsFunc(s.Groups, func(g *Group) bool { return !g.IsIdle() || g.pr != nil })
}

// Settled are groups that are done, by branch: an attempt that starts again passes
// them over.
type Settled map[string]*Group

// Results returns those of the groups about which there is something to say.
func (s Settled) Results() []*plan.Result {
	var results []*plan.Result
	for _, branch := range slices.Sorted(maps.Keys(s)) {
		if g := s[branch]; !g.IsIdle() {
			results = append(results, g.Result)
		}
	}
	return results
}

// Results returns the results of all groups, those that were settled in an
// earlier attempt too. What isn't about one group is in a result of its own, or
// in that of the one group that all changes share.
func (s *Survey) Results(done Settled) []*plan.Result {
	whole := s.Whole.Result
	var results []*plan.Result
	for _, g := range s.Groups {
		if settled := done[g.branch]; settled != nil {
			g = settled
		}
		if !g.IsIdle() {
			results = append(results, g.Result)
		}
		delete(done, g.branch)
	}
	for _, branch := range slices.Sorted(maps.Keys(done)) {
		results = append(results, done[branch].Result)
	}
	if s.branches.single != "" && len(results) == 1 {
		results[0].Fail(whole.Err)
		results[0].Findings, results[0].Unverified = whole.Findings, whole.Unverified
		return results
	}
	if len(results) == 0 || whole.Err != nil {
		whole.Held = []pinsetter.Hold{}
		return append(results, whole)
	}
	results[0].Findings, results[0].Unverified = whole.Findings, whole.Unverified
	return results
}
