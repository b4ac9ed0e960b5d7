package proposal

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/decide"
	"github.com/pinsetter/pinsetter/forge"
	"github.com/pinsetter/pinsetter/gate"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/plan"
)

// Group is the changes of one pull request, and what there is of it already.
type Group struct {
	*plan.Plan
	name   string
	branch string
	left   bool // no group has the branch any more

	there   *gitops.PushState // the branch, nil where there is none
	shown   *plan.Branch      // the branch where all its commits are the bot's, else nil
	unsure  error             // why it isn't known whether they are; nil: it is
	known   Record
	pr      *forge.PullRequest // as the forge says, else as it is remembered; nil: there is none
	refusal bool               // a person refused some of it
	Failed  bool               // nothing is done for it in this run
}

// foreign reports whether somebody else's commit is on the branch.
func (g *Group) foreign() bool { return g.there != nil && g.shown == nil && g.unsure == nil }

// lease is what the branch must be at when something is done to it.
func (g *Group) lease() string {
	if g.there == nil {
		return ""
	}
	return g.there.Head.Hash()
}

// take gives the group the i-th site of a file, with what it takes.
func (g *Group) take(file plan.File, i int) {
	last := len(g.Marked) - 1
	if last < 0 || g.Marked[last].Path != file.Path {
		g.Marked = append(g.Marked, plan.NewFile(file.File, file.Path, file.Data))
		last++
	}
	if image, taken := file.Takes[i]; taken {
		g.Marked[last].Takes[i] = image
	}
	if how, kept := file.Kept[i]; kept {
		g.Marked[last].Kept[i] = how
	}
}

// drop takes back what the sites take that unwanted names.
func (g *Group) drop(unwanted func(file plan.File, i int) bool) {
	for _, file := range g.Marked {
		for _, i := range slices.Sorted(maps.Keys(file.Takes)) {
			if unwanted(file, i) {
				delete(file.Takes, i)
			}
		}
	}
}

// hold takes back what the sites take, for a reason that people read, where that
// is something else than they show.
func (g *Group) hold(rule pinsetter.Rule, why func(site pinsetter.Site, image pinsetter.Image) string) {
	g.drop(func(file plan.File, i int) bool {
		site, image := file.Sites[i], file.Takes[i]
		if decide.ShownAt(site, image) {
			return false
		}
		reason := why(site, image)
		if reason != "" {
			g.Result.Held = append(g.Result.Held, *decide.HoldAt(site, decide.CandidateAt(site, image), rule, reason))
		}
		return reason != ""
	})
	slices.SortStableFunc(g.Result.Held, func(a, b pinsetter.Hold) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line))
	})
}

// changes reports whether some site takes something else than it shows, of those
// that which passes.
func (g *Group) changes(which func(pinsetter.Site) bool) bool {
	return slices.ContainsFunc(g.Marked, func(file plan.File) bool {
		for i, image := range file.Takes {
			site := file.Sites[i]
			if (!decide.ShownAt(site, image) || site.Has(pinsetter.PartName)) && which(site) {
				return true
			}
		}
		return false
	})
}

// wanted reports whether the group changes anything on the base.
func (g *Group) wanted() bool { return len(g.Files) > 0 }

// keeps reports whether some site takes what is proposed in one of these ways.
func (g *Group) keeps(ways ...decide.Fate) bool {
	return slices.ContainsFunc(g.Marked, func(file plan.File) bool {
		for _, how := range file.Kept {
			if slices.Contains(ways, how) {
				return true
			}
		}
		return false
	})
}

// images returns what the group writes, and what stood there before: at the first
// site that takes it.
func (g *Group) images() map[pinsetter.Image]pinsetter.Image {
	before := map[pinsetter.Image]pinsetter.Image{}
	for _, file := range g.Marked {
		for _, i := range slices.Sorted(maps.Keys(file.Takes)) {
			site, image := file.Sites[i], file.Takes[i]
			if _, seen := before[image]; !seen && !decide.ShownAt(site, image) {
				before[image], _ = gate.Shows(site)
			}
		}
	}
	return before
}

// fail records an error of a group: nothing is done for it in this run.
func (g *Group) fail(err error) {
	g.Failed = true
	g.Result.Fail(fmt.Errorf("ImageUpdateAutomation %s: %w", g.Automation.Name, err))
}

// leaveAlone holds what somebody else's commit on the branch keeps from being
// proposed.
func (g *Group) leaveAlone(ctx context.Context) {
	way := "delete the branch"
	if g.pr != nil && g.pr.State == forge.StateOpen {
		way = fmt.Sprintf("merge pull request #%d, or close it and delete the branch", g.pr.Number)
	}
	g.drop(func(file plan.File, i int) bool {
		twin, found := plan.TwinIn(plan.SitesOf(ctx, g.there.Head, file.Path), file.Sites[i])
		return found && decide.ShownAt(twin, file.Takes[i]) // it is proposed already
	})
	g.hold(pinsetter.RuleForeign, func(pinsetter.Site, pinsetter.Image) string {
		if len(g.there.Commits) == 0 {
			return fmt.Sprintf("branch %s is there, and nothing says that Pinsetter made it: delete it, or name another by spec.branch of the PullRequest", g.branch)
		}
		return fmt.Sprintf("branch %s has a commit of somebody else, and is left alone: %s", g.branch, way)
	})
}

// IsIdle reports whether there is nothing to say about a group.
func (g *Group) IsIdle() bool {
	r := g.Result
	return r.PullRequest == nil && r.Err == nil && len(r.Changes)+len(r.Held) == 0
}
