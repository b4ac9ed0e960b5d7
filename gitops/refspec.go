package gitops

import (
	"fmt"
	"strings"

	gitconfig "github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
)

// parseRefspec returns the update of p's refspec, without a name if p has none.
// The refspec's source is HEAD or the branch that is pushed to, in short or in
// full.
func parseRefspec(p Push) (update, error) {
	if p.Branch == "" && p.Refspec == "" {
		return update{}, fmt.Errorf("neither a branch nor a refspec is given")
	}
	if err := validBranch(p.Branch); err != nil {
		return update{}, err
	}
	if p.Refspec == "" {
		return update{}, nil
	}
	spec := gitconfig.RefSpec(p.Refspec)
	if !strings.Contains(p.Refspec, ":") {
		spec += ":" + gitconfig.RefSpec(strings.TrimPrefix(p.Refspec, "+")) // as git has it
	}
	if err := spec.Validate(); err != nil {
		return update{}, fmt.Errorf("refspec %q: give source:destination, such as %q", p.Refspec, "HEAD:refs/for/main")
	}
	if spec.IsWildcard() {
		return update{}, fmt.Errorf("refspec %q names many refs, and one commit is pushed: name one", p.Refspec)
	}
	if spec.IsDelete() {
		return update{}, fmt.Errorf("refspec %q would delete a ref: that is not done", p.Refspec)
	}
	source, ok := specSource(spec, p.Branch)
	if !ok {
		return update{}, fmt.Errorf("refspec %q: its source is not what was committed: use HEAD or %q", p.Refspec, heads+p.Branch)
	}
	name := spec.Dst(source).String()
	switch {
	case name == "HEAD":
		return update{}, fmt.Errorf("refspec %q: HEAD is no destination: name a ref", p.Refspec)
	case !strings.HasPrefix(name, "refs/"):
		name = heads + name
	}
	if err := plumbing.ReferenceName(name).Validate(); err != nil {
		return update{}, fmt.Errorf("refspec %q: %q is no name for a ref", p.Refspec, name)
	}
	return update{name: name, any: true, replace: spec.IsForceUpdate()}, nil
}

// validBranch returns an error for a name that git refuses for a branch.
func validBranch(name string) error {
	if name == "" {
		return nil
	}
	if err := plumbing.NewBranchReferenceName(name).Validate(); err != nil {
		return fmt.Errorf("%q is no name for a branch", name)
	}
	return nil
}

// specSource returns the name by which spec means the new commit.
func specSource(spec gitconfig.RefSpec, branch string) (plumbing.ReferenceName, bool) {
	names := []string{"HEAD", "@"}
	if branch != "" {
		names = append(names, heads+branch, branch)
	}
	for _, name := range names {
		if spec.Match(plumbing.ReferenceName(name)) {
			return plumbing.ReferenceName(name), true
		}
	}
	return "", false
}
