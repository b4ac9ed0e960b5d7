package config

import "github.com/pinsetter/pinsetter/spec"

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

// refspec reports a refspec that isn't pushed.
func (d *decoder) refspec(path, text string) {
	if err := spec.CheckRefspec(text); err != nil {
		d.fail(codeBadValue, path, "%v%s", err, d.object.Hint(text))
	}
}
