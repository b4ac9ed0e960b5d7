package gitops

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"

	"github.com/pinsetter/pinsetter/git/wire"
)

// answer is what came back for a push.
type answer struct {
	report *packp.ReportStatus // nil: none came
	err    error               // explained
	said   string              // the server's messages
}

// outcome says what became of a push of a commit; zero: of deleting the ref.
func (u update) outcome(ctx context.Context, r *Remote, commit plumbing.Hash, a answer) error {
	switch {
	case a.report != nil && a.report.Error() == nil:
		return nil
	case a.report != nil:
		return u.rejected(ctx, r, reason(a.report), a.said)
	case a.err == nil:
		a.err = errors.New("the server sent no report")
	case errors.Is(a.err, ErrAuth), errors.Is(a.err, ErrNotFound), errors.Is(a.err, errStatus):
		return a.err // it answered, and the answer is no
	}
	return u.lost(ctx, r, commit, a)
}

// reason returns the server's word for why it rejected a push.
func reason(report *packp.ReportStatus) string {
	for _, command := range report.CommandStatuses {
		if command.Error() != nil {
			return command.Status
		}
	}
	return report.UnpackStatus
}

// Words by which servers say why they rejected a push, in lower case and with
// blanks for hyphens. git's are in builtin/receive-pack.c and
// refs/files-backend.c. The others are those of GitHub (GH006 protected branch,
// GH013 repository rule), GitLab, Gitea, Bitbucket, Azure DevOps, JGit and go-git.
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

// rejected is the error for a push that the server's report says no to. The
// report comes first: what a hook prints is free text.
func (u update) rejected(ctx context.Context, r *Remote, status, said string) error {
	text := wire.Clean(status)
	if more := wire.Clean(said); more != "" {
		text += ": " + more
	}
	switch {
	case u.clash != "":
		return &refusal{kind: errClash, said: text, help: fmt.Sprintf("%s exists, and Git has no ref below another: rename one of the two, or delete %[1]s", u.clash)}
	case u.replace && contains(text, replaceWords) && (contains(status, replaceWords) || contains(status, protectedWords)):
		return refused(ErrNoReplace, "", text)
	case contains(status, protectedWords), contains(status, replaceWords):
		return refused(ErrProtected, "", text)
	case contains(status, staleWords) && !contains(status, lockWords):
		return refused(ErrStale, "", text)
	}
	// git says "failed to update ref" for a lost race as for a full disk.
	if now, err := r.head(ctx, u.name); err == nil && now != u.lease {
		return fmt.Errorf("%w: it is at %s, not at %s: %s", ErrStale, shown(now), shown(u.lease), text)
	}
	switch {
	case isFault(text):
		return refused(errFault, "", text)
	case contains(text, lockWords):
		return &refusal{kind: errLocked, said: text, help: "another push is under way, or a process that crashed left the lock behind: then remove it on the server"}
	case contains(said, staleWords):
		return refused(ErrStale, "", text)
	}
	return fmt.Errorf("the server rejected it: %s", text)
}

// errLocked is an ErrStale whose branch has not moved: the same helps.
var errLocked error = lockedError{}

type lockedError struct{}

func (lockedError) Error() string { return "the branch is locked on the server" }

func (lockedError) Unwrap() error { return ErrStale }

// contains reports whether a text has one of some words, which have blanks for
// hyphens: servers write "non-fast-forward" in three ways.
func contains(text string, words []string) bool {
	text = strings.ReplaceAll(strings.ToLower(text), "-", " ")
	for _, word := range words {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}

// lost finds out what became of a push whose answer didn't come: it may have
// arrived all the same, or be about to.
func (u update) lost(ctx context.Context, r *Remote, commit plumbing.Hash, a answer) error {
	if text := wire.Clean(a.said); text != "" {
		a.err = fmt.Errorf("%w: %s", a.err, text)
	}
	now, err := r.head(ctx, u.name)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrUnknown, a.err)
	case now == commit:
		return nil
	case now != u.lease:
		return fmt.Errorf("%w: it is at %s, not at %s: %w", ErrStale, shown(now), shown(u.lease), a.err)
	}
	return fmt.Errorf("%w: %s has not changed so far: %w", ErrUnknown, u.name, a.err)
}

// head asks the server what a ref is at now; zero if it doesn't exist.
func (r *Remote) head(ctx context.Context, name string) (plumbing.Hash, error) {
	ctx, cancel := r.deadline(ctx)
	defer cancel()
	session, err := r.receivePack(ctx)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	defer session.Close()
	adv, err := session.AdvertisedReferencesContext(ctx)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	return adv.References[name], nil
}
