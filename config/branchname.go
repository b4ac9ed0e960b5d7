package config

import (
	"fmt"
	"strings"
)

// ParseBranch returns the short name of the branch that a field means:
// refs/heads/main is main, and nothing stays nothing. What may mean something
// else than what Git would make of it, such as origin/main, is an error with the
// way out, and so is what Git takes for no name (git-check-ref-format(1)).
// Elsewhere says where a ref that is no branch belongs; it may be empty.
func ParseBranch(text, elsewhere string) (string, error) {
	name, full := strings.CutPrefix(text, "refs/heads/")
	before, rest, _ := strings.Cut(name, "/")
	switch {
	case text == "":
		return "", nil
	case strings.HasPrefix(name, "refs/heads/"):
		return "", fmt.Errorf("%q names refs/heads twice: write %s", text, strings.ReplaceAll(text, "refs/heads/", ""))
	case before == "refs":
		return "", fmt.Errorf("%q is a ref, and no branch%s", text, elsewhere)
	case name == "HEAD" || name == "@":
		return "", fmt.Errorf("%q is no branch: write the name of one", text)
	case !validRef(name):
		return "", fmt.Errorf("%q can't be the name of a branch", text)
	case !full && rest != "" && (before == "heads" || before == "origin" || before == "remotes" || before == "tags"):
		return "", fmt.Errorf("%q may mean %s: write that, or refs/heads/%s for a branch that is called so", text, strings.TrimPrefix(rest, "origin/"), text)
	}
	return name, nil
}

// validRef reports whether Git takes a name for a ref (git-check-ref-format(1)).
func validRef(name string) bool {
	if name == "" || name == "@" || strings.HasPrefix(name, "-") || strings.Contains(name, "..") || strings.Contains(name, "@{") {
		return false
	}
	if strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(`~^:?*[\`, r) }) {
		return false
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || strings.HasPrefix(part, ".") || strings.HasSuffix(part, ".") || strings.HasSuffix(part, ".lock") {
			return false
		}
	}
	return true
}

// Where a ref that is no branch belongs.
const (
	inRefspec = ": push to it with spec.git.push.refspec, such as HEAD:refs/for/main, and name a branch here (without one, the branch that is checked out is pushed to as well)"
	inRefName = ": write it in name, beside branch"
)

// branch is ParseBranch for a field, "" after reporting what is wrong.
func (d *decoder) branch(path, text, elsewhere string) string {
	name, err := ParseBranch(text, elsewhere)
	if err != nil {
		d.fail(codeBadValue, path, "%v%s", err, d.object.hint(text))
	}
	return name
}

// checkedOut puts the short name of a branch into a ref that checks one out. A
// branch that something else in ref stands before is not looked at.
func (d *decoder) checkedOut(path string, ref *GitRepositoryRef) {
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
	case !validRef(source) && source != "@", !validRef(destination), destination == "HEAD":
		d.fail(codeBadValue, path, "%q is not SOURCE:DESTINATION, such as HEAD:refs/for/main%s", text, d.object.hint(text))
	case !strings.HasPrefix(destination, "refs/") || strings.HasPrefix(destination, "refs/heads/"):
		if _, err := ParseBranch(destination, ""); err != nil {
			d.fail(codeBadValue, path, "in %q, %v", text, err)
		}
	}
}
