package bot

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/decide"
	"github.com/pinsetter/pinsetter/forge"
	"github.com/pinsetter/pinsetter/gate"
	"github.com/pinsetter/pinsetter/gitops"
)

// group is the changes of one pull request, and what there is of it already.
type group struct {
	*plan
	name   string
	branch string
	left   bool // no group has the branch any more

	there   *gitops.PushState // the branch, nil where there is none
	shown   *shown            // the branch where all its commits are the bot's, else nil
	unsure  error             // why it isn't known whether they are; nil: it is
	known   proposalRecord
	pr      *forge.PullRequest // as the forge says, else as it is remembered; nil: there is none
	refusal bool               // a person refused some of it
	failed  bool               // nothing is done for it in this run
}

// foreign reports whether somebody else's commit is on the branch.
func (g *group) foreign() bool { return g.there != nil && g.shown == nil && g.unsure == nil }

// lease is what the branch must be at when something is done to it.
func (g *group) lease() string {
	if g.there == nil {
		return ""
	}
	return g.there.Head.Hash()
}

// survey is what an automation's pull requests are made from.
type survey struct {
	*gitops.Fetched // the base, and the branches that there are
	remote          *gitops.Remote
	lane            *lane
	ground          *ground
	quiet           []*Result // the results where nothing can be to do; nil: there may be

	own    map[string]*shown          // branches of which the bot made every commit
	unsure map[string]error           // branches of which that can't be found out now, and why
	known  map[string]proposalRecord  // of pull requests, by branch
	kept   map[string]json.RawMessage // known, as the ledger has it
	whole  *plan                      // every site of the automation
	groups []*group                   // sorted by branch
	merged []refusal                  // what merged pull requests wrote, at sites that the ledger doesn't know

	forge *forge.Repository // nil: nothing is asked of it
	limit error             // the forge's, that it wants to be left alone; nil: it doesn't
}

// split divides the decisions of the whole plan into groups, and adds those that
// have a branch, or are remembered, and nothing to do any more.
func (s *survey) split() error {
	b := s.lane.proposes
	groups := map[string]*group{} // by branch
	open := func(name, branch string) *group {
		if groups[branch] == nil {
			groups[branch] = s.newGroup(name, branch)
		}
		return groups[branch]
	}
	for _, file := range s.whole.marked {
		for i, site := range file.Sites {
			name := b.group(site.Policy, file.path)
			branch, err := b.of(name)
			if err != nil {
				return err
			}
			_, taken := file.takes[i]
			_, remembered := s.known[branch]
			if taken || remembered || s.Push[branch] != nil || s.whole.only != nil {
				open(name, branch).take(file, i)
			}
		}
	}
	for _, hold := range s.whole.result.Held {
		name := b.group(policyName(hold.Policy), hold.Path)
		branch, err := b.of(name)
		if err != nil {
			return err
		}
		g := open(name, branch)
		g.result.Held = append(g.result.Held, hold)
	}
	for _, branch := range slices.Concat(slices.Collect(maps.Keys(s.Push)), slices.Collect(maps.Keys(s.known))) {
		if groups[branch] == nil {
			open(b.leftover(branch), branch).left = true
		}
	}
	for _, branch := range slices.Sorted(maps.Keys(groups)) {
		g := groups[branch]
		g.known, g.there, g.shown = s.known[branch], s.Push[branch], s.own[branch]
		g.unsure = s.unsure[branch]
		g.pr = g.known.PullRequest
		// A branch that no group has is closed where the bot made it; else it
		// is somebody's.
		if !g.left || g.known.PullRequest != nil || g.shown != nil && len(g.there.Commits) > 0 {
			s.groups = append(s.groups, g)
		}
	}
	return nil
}

func (s *survey) newGroup(name, branch string) *group {
	p := &plan{
		automation: s.whole.automation, ground: s.ground, selections: s.whole.selections,
		result: newResult(s.whole.automation),
	}
	p.result.Group, p.result.Branch, p.result.Revision = name, branch, s.whole.result.Revision
	return &group{plan: p, name: name, branch: branch}
}

// take gives the group the i-th site of a file, with what it takes.
func (g *group) take(file markedFile, i int) {
	last := len(g.marked) - 1
	if last < 0 || g.marked[last].path != file.path {
		g.marked = append(g.marked, newMarkedFile(file.File, file.path, file.data))
		last++
	}
	if image, taken := file.takes[i]; taken {
		g.marked[last].takes[i] = image
	}
	if how, kept := file.kept[i]; kept {
		g.marked[last].kept[i] = how
	}
}

// drop takes back what the sites take that unwanted names.
func (g *group) drop(unwanted func(file markedFile, i int) bool) {
	for _, file := range g.marked {
		for _, i := range slices.Sorted(maps.Keys(file.takes)) {
			if unwanted(file, i) {
				delete(file.takes, i)
			}
		}
	}
}

// hold takes back what the sites take, for a reason that people read, where that
// is something else than they show.
func (g *group) hold(rule pinsetter.Rule, why func(site pinsetter.Site, image pinsetter.Image) string) {
	g.drop(func(file markedFile, i int) bool {
		site, image := file.Sites[i], file.takes[i]
		if decide.ShownAt(site, image) {
			return false
		}
		reason := why(site, image)
		if reason != "" {
			g.result.Held = append(g.result.Held, *decide.HoldAt(site, decide.CandidateAt(site, image), rule, reason))
		}
		return reason != ""
	})
	slices.SortStableFunc(g.result.Held, func(a, b pinsetter.Hold) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line))
	})
}

// changes reports whether some site takes something else than it shows, of those
// that which passes.
func (g *group) changes(which func(pinsetter.Site) bool) bool {
	return slices.ContainsFunc(g.marked, func(file markedFile) bool {
		for i, image := range file.takes {
			site := file.Sites[i]
			if (!decide.ShownAt(site, image) || site.Has(pinsetter.PartName)) && which(site) {
				return true
			}
		}
		return false
	})
}

// wanted reports whether the group changes anything on the base.
func (g *group) wanted() bool { return len(g.files) > 0 }

// keeps reports whether some site takes what is proposed in one of these ways.
func (g *group) keeps(ways ...decide.Fate) bool {
	return slices.ContainsFunc(g.marked, func(file markedFile) bool {
		for _, how := range file.kept {
			if slices.Contains(ways, how) {
				return true
			}
		}
		return false
	})
}

// images returns what the group writes, and what stood there before: at the first
// site that takes it.
func (g *group) images() map[pinsetter.Image]pinsetter.Image {
	before := map[pinsetter.Image]pinsetter.Image{}
	for _, file := range g.marked {
		for _, i := range slices.Sorted(maps.Keys(file.takes)) {
			site, image := file.Sites[i], file.takes[i]
			if _, seen := before[image]; !seen && !decide.ShownAt(site, image) {
				before[image], _ = gate.Shows(site)
			}
		}
	}
	return before
}

// policyName returns the name that a hold gives.
func policyName(name string) pinsetter.Name {
	namespace, rest, _ := strings.Cut(name, "/")
	return pinsetter.Name{Namespace: namespace, Name: rest}
}
