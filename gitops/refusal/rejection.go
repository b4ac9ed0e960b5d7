package refusal

import (
	"fmt"

	"github.com/pinsetter/pinsetter/git/wire"
)

// Words by which servers reject a push, in lower case and with blanks for
// hyphens. git's are in builtin/receive-pack.c and refs/files-backend.c. The
// others are those of GitHub (GH006 protected branch, GH013 repository rule),
// GitLab, Gitea, Bitbucket, Azure DevOps, JGit and go-git.
var (
	staleWords = []string{
		"fetch first", "stale info", "but expected", "reference already exists", "incorrect old value", "invalid old id sent",
		"reference has changed concurrently", "failed to lock", "cannot lock ref", ".lock': file exists", "unable to resolve reference",
	}
	protectedWords = []string{
		"hook declined", "protected branch", "gh006", "gh013", "not allowed to push", "push declined",
		"permission denied", "denying non fast forward", "deny updating a hidden ref", "branch is currently checked out",
		"prohibited", "rule violations", "not permitted", "you need the git",
	}

	// lockWords speak of a ref that somebody else writes, or whose writer crashed.
	lockWords = []string{"cannot lock references", ".lock': file exists", "failed to lock"}

	// replaceWords speak of commits that a branch would lose.
	replaceWords = []string{"non fast forward", "force push", "forcepush", "rewrite history", "rewriting history"}
)

// Rejection is a push that the server's report refuses.
type Rejection struct {
	Status   string // the report's word
	Said     string // messages beside the report, such as a hook's
	Replaces bool   // the push would have dropped commits of the branch
	Clash    string // a ref that the pushed one can't stand beside; "": none
}

// Text returns the server's words, safe to display.
func (r Rejection) Text() string {
	text := wire.Clean(r.Status)
	if more := wire.Clean(r.Said); more != "" {
		text += ": " + more
	}
	return text
}

// Told returns the error if the report gives the reason, else nil. The messages
// alone don't decide: a hook may print anything.
func (r Rejection) Told() error {
	text := r.Text()
	switch {
	case r.Clash != "":
		return &Error{kind: errClash, said: text, help: fmt.Sprintf("%s exists, and Git has no ref below another: rename one of the two, or delete %[1]s", r.Clash)}
	case r.Replaces && contains(text, replaceWords) && (contains(r.Status, replaceWords) || contains(r.Status, protectedWords)):
		return New(ErrNoReplace, "", text)
	case contains(r.Status, protectedWords), contains(r.Status, replaceWords):
		return New(ErrProtected, "", text)
	case contains(r.Status, staleWords) && !contains(r.Status, lockWords):
		return New(ErrStale, "", text)
	}
	return nil
}

// Unmoved returns the error if the report doesn't give the reason and the
// branch is still at its lease.
func (r Rejection) Unmoved() error {
	text := r.Text()
	switch {
	case isFault(text):
		return New(errFault, "", text)
	case contains(text, lockWords):
		return &Error{kind: errLocked, said: text, help: "another push is under way, or a process that crashed left the lock behind: then remove it on the server"}
	case contains(r.Said, staleWords):
		return New(ErrStale, "", text)
	}
	return fmt.Errorf("the server rejected it: %s", text)
}
