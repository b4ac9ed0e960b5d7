package forge

import (
	"context"
	"fmt"
	"regexp"
	"strings"
)

// VerifiedCommit is a commit that the forge makes and signs.
type VerifiedCommit struct {
	Branch string // short name
	Expect string // hash of the commit that the branch must have; "": it must not exist
	Parent string // hash of the commit that it is built on

	// Rebuilt says that the branch is moved off what it has; else Parent is
	// Expect, or the branch is new.
	Rebuilt bool

	Message string
	Files   []CommitFile // one at least; each path once
}

// CommitFile is what a commit writes: all of a file that the parent has.
type CommitFile struct {
	Path string // with slashes
	Mode string // "100644" or "100755"
	Data []byte
}

// Committed is what became of a VerifiedCommit.
type Committed struct {
	Hash     string
	Verified bool   // the forge shows it as signed
	Reason   string // in the forge's words, why it is or isn't
}

// signer is a host that makes commits, and signs them.
type signer interface {
	// commit is Repository.Commit for a sound commit.
	commit(ctx context.Context, c VerifiedCommit) (Committed, error)

	// workflows is Repository.MayEditWorkflows.
	workflows(ctx context.Context) (bool, string, error)
}

// Commit makes a commit at the forge, without an author or a committer, and moves
// or makes its branch. Only GitHub can: it signs what an app commits so, in the
// app's name. One that isn't signed is no error, and Committed says so.
//
// A branch that isn't where it is expected is left alone, and the error wraps
// ErrMoved. Where the forge failed midway the branch is read again, and that it
// is at the new commit is success. A branch that is moved off what it has is read
// right before, for GitHub can't be told what it must have.
func (r *Repository) Commit(ctx context.Context, c VerifiedCommit) (Committed, error) {
	s, ok := r.host.(signer)
	err := c.check()
	if !ok {
		err = fmt.Errorf("%w: only GitHub signs commits", ErrInvalid)
	}
	var done Committed
	if err == nil {
		done, err = s.commit(ctx, c)
	}
	if err != nil {
		return Committed{}, r.fail(err, "commit to branch %q", c.Branch)
	}
	done.Reason = clean(done.Reason)
	return done, nil
}

// MayEditWorkflows reports whether the credentials may change files below
// .github/workflows, which GitHub wants a permission of its own for; where they
// may not, the text says for people what it takes. It is true where the forge
// doesn't say: at GitHub of fine-grained tokens, and at other forges.
func (r *Repository) MayEditWorkflows(ctx context.Context) (bool, string, error) {
	s, ok := r.host.(signer)
	if !ok {
		return true, "", nil
	}
	may, why, err := s.workflows(ctx)
	if err != nil {
		return false, "", r.fail(err, "read the permissions for workflows")
	}
	return may, why, nil
}

// hash is a commit's.
var hash = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

// check returns an error for a commit that no forge could make.
func (c VerifiedCommit) check() error {
	switch {
	case c.Branch == "" || len(c.Files) == 0:
		return fmt.Errorf("%w: a commit has a branch and files", ErrInvalid)
	case !hash.MatchString(c.Parent) || c.Expect != "" && !hash.MatchString(c.Expect):
		return fmt.Errorf("%w: %q and %q are no hashes", ErrInvalid, c.Parent, c.Expect)
	case !c.Rebuilt && c.Expect != "" && c.Expect != c.Parent:
		return fmt.Errorf("%w: the branch is at %s and the commit is built on %s: it would be moved off what it has", ErrInvalid, c.Expect, c.Parent)
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
