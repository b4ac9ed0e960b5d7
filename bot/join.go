package bot

import (
	"fmt"
	"maps"
	"slices"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/gitops/address"
	"github.com/pinsetter/pinsetter/plan"
	"github.com/pinsetter/pinsetter/proposal"
)

// join adds a to the lane of its push branch and session, or opens one. All lanes
// of the repository are looked at for what they would both write.
func join(lanes []*lane, a *fleet.Automation) ([]*lane, error) {
	opened := &lane{git: a.Git, base: a.Base, push: a.PushBranch, automations: []*fleet.Automation{a}}
	if a.PullRequest != nil {
		b, err := proposal.BranchesOf(a)
		if err != nil {
			return lanes, err
		}
		opened.push, opened.proposes, opened.settled = "", b, proposal.Settled{}
	}
	for _, l := range lanes {
		if branch := opened.shares(l); branch != "" {
			return lanes, fmt.Errorf("its pull requests come from branch %s, which ImageUpdateAutomation %s writes too: give one of them branches of its own",
				branch, l.automations[0].Name)
		}
	}
	if opened.proposes != nil {
		return append(lanes, opened), nil
	}
	for _, l := range lanes {
		if l.push != a.PushBranch {
			continue
		}
		if l.base != a.Base {
			return lanes, fmt.Errorf("it pushes to branch %s, as ImageUpdateAutomation %s does from another base: give one of them a branch of its own",
				a.PushBranch, l.automations[0].Name)
		}
		if address.SameSession(l.git, a.Git) {
			l.add(a)
			return lanes, nil
		}
	}
	return append(lanes, opened), nil
}

// add takes an automation into the lane, beside those that have its push options.
// Of the sources the one that waits longest is used.
func (l *lane) add(a *fleet.Automation) {
	at := len(l.automations)
	for i, b := range l.automations {
		if maps.Equal(a.PushOptions, b.PushOptions) {
			at = i + 1
		}
	}
	l.automations = slices.Insert(l.automations, at, a)
	if a.Git.Timeout > l.git.Timeout {
		l.git = a.Git
	}
}

// markBranches tells the lanes what any automation that was loaded, run now or not,
// does with their branches.
func markBranches(set *fleet.Set, repositories map[string][]*lane) {
	for _, a := range set.Automations {
		if a.Git == nil {
			continue
		}
		key, err := address.Key(a.Git.URL)
		if err != nil {
			continue // lanes has said so
		}
		for _, l := range repositories[key] {
			l.mark(a)
		}
	}
}

// mark notes that the lane's branch is a's base, or that a pushes to it too.
func (l *lane) mark(a *fleet.Automation) {
	if base := a.BaseBranch(); base != "" {
		l.isBase = l.isBase || l.push == base
		if l.proposes != nil {
			l.proposes.Spare(base)
		}
	}
	if l.push == "" || l.push != a.PushBranch || a.PullRequest != nil {
		return
	}
	if !slices.ContainsFunc(l.automations, func(b *fleet.Automation) bool { return a.Name == b.Name }) {
		l.others = append(l.others, a)
	}
}

// mayBeOthers reports whether one of the others may have made one of some commits.
func (l *lane) mayBeOthers(commits []gitops.CommitInfo) bool {
	return slices.ContainsFunc(commits, func(commit gitops.CommitInfo) bool {
		return slices.ContainsFunc(l.others, func(a *fleet.Automation) bool { return plan.Made(a, commit) })
	})
}

// shares returns a branch that two lanes would both write, or "".
func (l *lane) shares(other *lane) string {
	for _, pair := range [][2]*lane{{l, other}, {other, l}} {
		if pair[0].proposes == nil {
			continue
		}
		if branch := pair[0].proposes.Shares(pair[1].push, pair[1].proposes); branch != "" {
			return branch
		}
	}
	return ""
}
