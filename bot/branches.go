package bot

import (
	"fmt"
	"iter"
	"path"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/spec"
)

// branches are those of an automation's pull requests: one for each group of
// changes.
type branches struct {
	automation *fleet.Automation
	folder     string            // that holds them, ending in "/"; "" where all changes share one branch
	single     string            // that branch
	bases      []string          // branches that automations start from: they are never written here
	names      map[string]string // of branches, by group, as they were asked for
}

func branchesOf(a *fleet.Automation) (*branches, error) {
	b := &branches{automation: a, names: map[string]string{}}
	texts := a.PullRequest.Texts
	if texts == nil {
		return b, a.PullRequest.Err
	}
	var err error
	if a.PullRequest.Spec.GroupBy == spec.GroupByAutomation {
		b.single, err = texts.Branch("")
	} else {
		b.folder, err = texts.Folder()
	}
	if err == nil && b.single != "" && b.single == a.BaseBranch() {
		err = fmt.Errorf("PullRequest %s: spec.branch: %s is the branch that it is to be merged into", a.PullRequest.Name, b.single)
	}
	return b, err
}

// group returns the group of a site: "" where all changes share one, else a
// policy's name or a directory, "/" for the root.
func (b *branches) group(policy pinsetter.Name, file string) string {
	switch b.automation.PullRequest.Spec.GroupBy {
	case spec.GroupByPolicy:
		return policy.Name
	case spec.GroupByDirectory:
		if dir := path.Dir(file); dir != "." {
			return dir
		}
		return "/"
	}
	return ""
}

// of returns the branch of a group.
func (b *branches) of(group string) (string, error) {
	if b.single != "" {
		return b.single, nil
	}
	if branch, known := b.names[group]; known {
		return branch, nil
	}
	branch, err := b.automation.PullRequest.Texts.Branch(group)
	if err == nil {
		b.names[group] = branch
	}
	return branch, err
}

// asked are the branches to fetch: those of the groups, those of the default
// template for another groupBy, which are closed when groupBy changes, and those
// that are remembered by other names.
func (b *branches) asked(known iter.Seq[string]) []string {
	asked := []string{strings.TrimSuffix(b.byDefault(), "/"), b.byDefault()}
	for _, name := range []string{b.single, b.folder} {
		if name != "" && !slices.Contains(asked, name) {
			asked = append(asked, name)
		}
	}
	for _, name := range slices.Sorted(known) {
		if !slices.ContainsFunc(asked, func(a string) bool { return a == name || strings.HasSuffix(a, "/") && strings.HasPrefix(name, a) }) {
			asked = append(asked, name)
		}
	}
	return asked
}

// leftover names the group of a branch that no group has any more.
func (b *branches) leftover(branch string) string {
	if branch == b.single {
		return ""
	}
	for _, folder := range []string{b.folder, b.byDefault()} {
		if rest, below := strings.CutPrefix(branch, folder); below && folder != "" {
			return rest
		}
	}
	return branch
}

// byDefault is the folder of the branches where the object names none.
func (b *branches) byDefault() string { return "pinsetter/" + b.automation.Name.Name + "/" }

// shares returns a branch that two lanes would both write, or "".
func (l *lane) shares(other *lane) string {
	for _, pair := range [][2]*lane{{l, other}, {other, l}} {
		a, b := pair[0].proposes, pair[1]
		switch {
		case a == nil:
		case a.single != "" && (a.single == b.push || b.proposes != nil && a.single == b.proposes.single):
			return a.single
		case a.folder != "" && strings.HasPrefix(b.push, a.folder):
			return b.push
		case a.folder != "" && b.proposes != nil && (a.folder == b.proposes.folder || strings.HasPrefix(b.proposes.single, a.folder)):
			return a.folder
		}
	}
	return ""
}
