package proposal

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

// Branches are those of an automation's pull requests: one for each group of
// changes.
type Branches struct {
	automation *fleet.Automation
	folder     string            // that holds them, ending in "/"; "" where all changes share one branch
	single     string            // that branch
	bases      []string          // branches that automations start from: they are never written here
	names      map[string]string // of branches, by group, as they were asked for
}

// BranchesOf returns the branches of the pull requests that an automation's changes go
// into.
func BranchesOf(a *fleet.Automation) (*Branches, error) {
	b := &Branches{automation: a, names: map[string]string{}}
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
func (b *Branches) group(policy pinsetter.Name, file string) string {
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
func (b *Branches) of(group string) (string, error) {
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
func (b *Branches) asked(known iter.Seq[string]) []string {
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
func (b *Branches) leftover(branch string) string {
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
func (b *Branches) byDefault() string { return "pinsetter/" + b.automation.Name.Name + "/" }

// Shares returns a branch that these and others would both write, or "". The others
// are a push branch, or those of pull requests.
func (b *Branches) Shares(push string, other *Branches) string {
	switch {
	case b.single != "" && (b.single == push || other != nil && b.single == other.single):
		return b.single
	case b.folder != "" && strings.HasPrefix(push, b.folder):
		return push
	case b.folder != "" && other != nil && (b.folder == other.folder || strings.HasPrefix(other.single, b.folder)):
		return b.folder
	}
	return ""
}

// Spare notes that automations start from a branch: it is never written.
func (b *Branches) Spare(base string) { b.bases = append(b.bases, base) }
