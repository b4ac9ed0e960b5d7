package spec

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
	case !ValidRef(name):
		return "", fmt.Errorf("%q can't be the name of a branch", text)
	case !full && rest != "" && (before == "heads" || before == "origin" || before == "remotes" || before == "tags"):
		return "", fmt.Errorf("%q may mean %s: write that, or refs/heads/%s for a branch that is called so", text, strings.TrimPrefix(rest, "origin/"), text)
	}
	return name, nil
}

// ValidRef reports whether Git takes a name for a ref (git-check-ref-format(1)).
func ValidRef(name string) bool {
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

// CheckRefspec returns an error for a refspec that isn't pushed: one that forces,
// deletes, or names more than one ref. "" is none.
func CheckRefspec(text string) error {
	source, destination, pair := strings.Cut(text, ":")
	if !pair {
		destination = source // as Git has it
	}
	switch {
	case text == "":
	case strings.HasPrefix(text, "+") || strings.HasPrefix(text, ":"):
		return fmt.Errorf("%q deletes or forces: write SOURCE:DESTINATION without + in front", text)
	case strings.Contains(text, "*"):
		return fmt.Errorf("%q names many refs, and one commit is pushed: name one, such as HEAD:refs/heads/main", text)
	case !ValidRef(source) && source != "@", !ValidRef(destination), destination == "HEAD":
		return fmt.Errorf("%q is not SOURCE:DESTINATION, such as HEAD:refs/for/main", text)
	case !strings.HasPrefix(destination, "refs/") || strings.HasPrefix(destination, "refs/heads/"):
		if _, err := ParseBranch(destination, ""); err != nil {
			return fmt.Errorf("in %q, %w", text, err)
		}
	}
	return nil
}
