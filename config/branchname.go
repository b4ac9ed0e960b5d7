package config

import (
	"strings"

	"github.com/pinsetter/pinsetter/spec"
)

// Where a ref that is no branch belongs.
const (
	inRefspec = ": push to it with spec.git.push.refspec, such as HEAD:refs/for/main, and name a branch here (without one, the branch that is checked out is pushed to as well)"
	inRefName = ": write it in name, beside branch"
)

// branch is ParseBranch for a field, "" after reporting what is wrong.
func (d *decoder) branch(path, text, elsewhere string) string {
	name, err := spec.ParseBranch(text, elsewhere)
	if err != nil {
		d.fail(codeBadValue, path, "%v%s", err, d.object.Hint(text))
	}
	return name
}

// checkedOut puts the short name of a branch into a ref that checks one out. A
// branch that something else in ref stands before is not looked at.
func (d *decoder) checkedOut(path string, ref *spec.GitRepositoryRef) {
	if ref == nil || ref.Commit == "" && (ref.Name != "" || ref.SemVer != "" || ref.Tag != "") {
		return
	}
	ref.Branch = d.branch(path+".branch", ref.Branch, inRefName)
}

// refspec reports a refspec that isn't pushed: one that forces, deletes, or names
// more than one ref.
func (d *decoder) refspec(path, text string) {
	source, destination, pair := strings.Cut(text, ":")
	if !pair {
		destination = source // as Git has it
	}
	switch {
	case text == "":
	case strings.HasPrefix(text, "+") || strings.HasPrefix(text, ":"):
		d.fail(codeBadValue, path, "%q deletes or forces: write SOURCE:DESTINATION without + in front", text)
	case strings.Contains(text, "*"):
		d.fail(codeBadValue, path, "%q names many refs, and one commit is pushed: name one, such as HEAD:refs/heads/main", text)
	case !spec.ValidRef(source) && source != "@", !spec.ValidRef(destination), destination == "HEAD":
		d.fail(codeBadValue, path, "%q is not SOURCE:DESTINATION, such as HEAD:refs/for/main%s", text, d.object.Hint(text))
	case !strings.HasPrefix(destination, "refs/") || strings.HasPrefix(destination, "refs/heads/"):
		if _, err := spec.ParseBranch(destination, ""); err != nil {
			d.fail(codeBadValue, path, "in %q, %v", text, err)
		}
	}
}
