package forge

import (
	"context"
	"fmt"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/forge/exchange"
)

// VerifiedCommit is a commit for the forge to make and sign.
type VerifiedCommit struct {
	Branch string // short name
	Expect string // hash of the commit that the branch must be at; "": it must not exist
	Parent string // hash of the commit whose files it changes, and of its parent

	// Over holds the hashes of its parents if Parent isn't the only one: the first
	// is Expect.
	Over []string

	// Rebuilt says that the branch is moved away from its current commits.
	// Otherwise the first parent is Expect, or the branch is new.
	Rebuilt bool

	Message string
	Files   []CommitFile // at least one; no path twice
}

// CommitFile is a file of the commit: its whole content. The parent must have
// the file.
type CommitFile struct {
	Path string // with slashes
	Mode string // "100644" or "100755"
	Data []byte
}

// Committed is the result of a VerifiedCommit.
type Committed struct {
	Hash     string
	Verified bool   // the forge shows the commit as signed
	Reason   string // the forge's reason why it is or isn't
}

// signer makes and signs commits in one repository at a forge.
type signer interface {
	// commit is Repository.Commit for a checked commit.
	commit(ctx context.Context, c VerifiedCommit) (Committed, error)

	// workflows is Repository.MayEditWorkflows.
	workflows(ctx context.Context) (bool, string, error)
}

// Commit makes a commit at the forge, without an author or a committer, and
// moves or creates its branch. Only GitHub supports it: it signs such commits
// in the app's name. A commit that isn't signed is no error; see Committed.
//
// If the branch isn't at the expected commit it is left alone, and the error
// wraps ErrMoved. If a rule forbids to move it away from its commits, it wraps
// ErrNoReplace. If the forge failed midway, Commit reads the branch again,
// and succeeds if it is at the new commit. A branch that is moved away from its
// commits is read right before, because GitHub has no compare-and-swap for
// that.
func (r *Repository) Commit(ctx context.Context, c VerifiedCommit) (Committed, error) {
	err := c.check()
	if r.signer == nil {
		err = fmt.Errorf("%w: only GitHub signs commits", ErrInvalid)
	}
	var done Committed
	if err == nil {
		done, err = r.signer.commit(ctx, c)
	}
	if err != nil {
		return Committed{}, r.fail(err, "commit to branch %q", c.Branch)
	}
	done.Reason = exchange.Clean(done.Reason)
	return done, nil
}

// MayEditWorkflows reports whether the credentials may change files below
// .github/workflows, for which GitHub requires its own permission. If not, the
// text tells people what is needed. It returns true if the forge doesn't say:
// for GitHub's fine-grained tokens, and at other forges.
func (r *Repository) MayEditWorkflows(ctx context.Context) (bool, string, error) {
	if r.signer == nil {
		return true, "", nil
	}
	may, why, err := r.signer.workflows(ctx)
	if err != nil {
		return false, "", r.fail(err, "read the permissions for workflows")
	}
	return may, why, nil
}

// hash is the grammar of a commit's hash.
var hash = pinsetter.Pattern(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

// parents returns the hashes of the commit's parents, at least one.
func (c VerifiedCommit) parents() []string {
	if len(c.Over) > 0 {
		return c.Over
	}
	return []string{c.Parent}
}

// check returns an error for a commit that no forge could make.
func (c VerifiedCommit) check() error {
	switch {
	case c.Branch == "" || len(c.Files) == 0:
		return fmt.Errorf("%w: a commit has a branch and files", ErrInvalid)
	case !hash().MatchString(c.Parent) || c.Expect != "" && !hash().MatchString(c.Expect):
		return fmt.Errorf("%w: %q and %q are no hashes", ErrInvalid, c.Parent, c.Expect)
	case !c.Rebuilt && c.Expect != "" && c.Expect != c.parents()[0]:
		return fmt.Errorf("%w: the branch is at %s and the commit is built on %s: it would be moved off what it has", ErrInvalid, c.Expect, c.parents()[0])
	}
	seen := map[string]bool{}
	for _, f := range c.Files {
		if f.Mode != "100644" && f.Mode != "100755" || f.Path == "" || strings.HasPrefix(f.Path, "/") || seen[f.Path] {
			return fmt.Errorf("%w: the file %q of mode %q", ErrInvalid, f.Path, f.Mode)
		}
		seen[f.Path] = true
	}
	return nil
}
