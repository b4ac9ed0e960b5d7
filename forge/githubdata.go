package forge

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	sdk "github.com/google/go-github/v60/github"

	"github.com/pinsetter/pinsetter/forge/exchange"
)

const (
	treeFiles = 500     // in one request for a tree
	treeBytes = 4 << 20 // of their contents together; a larger file goes alone
)

// workflowsFolder is the folder that GitHub protects.
const workflowsFolder = ".github/workflows/"

// githubSigner makes commits at GitHub, which signs them.
type githubSigner struct{ *githubAccess }

// commit creates the objects first, which nobody sees, and moves the branch
// last: https://docs.github.com/rest/git
func (g githubSigner) commit(ctx context.Context, c VerifiedCommit) (Committed, error) {
	tree, err := g.tree(ctx, c)
	if err != nil {
		return Committed{}, g.guarded(err, c)
	}
	var parents []*sdk.Commit
	for _, hash := range c.parents() {
		parents = append(parents, &sdk.Commit{SHA: &hash})
	}
	// GitHub signs only commits without an author and a committer.
	made, _, err := g.sdk().Git.CreateCommit(ctx, g.owner, g.name, &sdk.Commit{
		Message: &c.Message, Tree: &sdk.Tree{SHA: &tree}, Parents: parents,
	}, nil)
	if err != nil {
		return Committed{}, err
	}
	commit, err := sound(made.GetSHA())
	if err != nil {
		return Committed{}, err
	}
	if err := g.move(ctx, c, commit); err != nil {
		return Committed{}, g.guarded(err, c)
	}
	v := made.GetVerification()
	return Committed{Hash: commit, Verified: v.GetVerified(), Reason: v.GetReason()}, nil
}

// sound returns the hash in an answer, or an error if it is none. With an empty
// base, a tree would have the new files alone.
func sound(answered string) (string, error) {
	if !hash().MatchString(answered) {
		return "", fmt.Errorf("GitHub's answer has the hash %q", exchange.Clean(answered))
	}
	return answered, nil
}

// tree creates the tree of a commit from its parent's, with many files in each
// request.
func (g githubSigner) tree(ctx context.Context, c VerifiedCommit) (string, error) {
	parent, _, err := g.sdk().Git.GetCommit(ctx, g.owner, g.name, c.Parent)
	if err != nil {
		return "", fmt.Errorf("commit %s: %w", c.Parent, exchange.Inner(err))
	}
	base, err := sound(parent.GetTree().GetSHA())
	if err != nil {
		return "", err
	}
	tree := base
	for files := c.Files; len(files) > 0; {
		n := portion(files)
		var entries []*sdk.TreeEntry
		for _, f := range files[:n] {
			entry, err := g.entry(ctx, f)
			if err != nil {
				return "", fmt.Errorf("file %q: %w", f.Path, exchange.Inner(err))
			}
			entries = append(entries, entry)
		}
		made, _, err := g.sdk().Git.CreateTree(ctx, g.owner, g.name, tree, entries)
		if err != nil {
			return "", err
		}
		if tree, err = sound(made.GetSHA()); err != nil {
			return "", err
		}
		files = files[n:]
	}
	if tree == base {
		return "", fmt.Errorf("%w: it changes nothing", ErrInvalid)
	}
	return tree, nil
}

// portion returns the number of files for one request, at least one.
func portion(files []CommitFile) int {
	bytes := 0
	for i, f := range files {
		bytes += len(f.Data)
		if i == treeFiles || i > 0 && bytes > treeBytes {
			return i
		}
	}
	return len(files)
}

// entry returns a file's entry of a tree. Content that JSON can't hold is sent
// as a blob first.
func (g githubSigner) entry(ctx context.Context, f CommitFile) (*sdk.TreeEntry, error) {
	entry := &sdk.TreeEntry{Path: &f.Path, Mode: &f.Mode, Type: sdk.String("blob")}
	if utf8.Valid(f.Data) {
		entry.Content = sdk.String(string(f.Data))
		return entry, nil
	}
	blob, _, err := g.sdk().Git.CreateBlob(ctx, g.owner, g.name, &sdk.Blob{
		Content: sdk.String(base64.StdEncoding.EncodeToString(f.Data)), Encoding: sdk.String("base64"),
	})
	if err != nil {
		return nil, err
	}
	entry.SHA = blob.SHA
	return entry, nil
}

// move moves the branch to a commit, from the expected one.
func (g githubSigner) move(ctx context.Context, c VerifiedCommit, to string) error {
	ref := &sdk.Reference{Ref: sdk.String("refs/heads/" + c.Branch), Object: &sdk.GitObject{SHA: &to}}
	if err := g.transport.Ready(ctx); err != nil {
		return err
	}
	now, err := g.head(ctx, c.Branch)
	if err != nil {
		return err
	}
	if now != c.Expect {
		return moved(c, now)
	}
	if c.Expect == "" {
		_, _, err = g.sdk().Git.CreateRef(exchange.Once(ctx), g.owner, g.name, ref)
	} else {
		_, _, err = g.sdk().Git.UpdateRef(exchange.Once(ctx), g.owner, g.name, ref, c.Rebuilt)
	}
	if err == nil {
		return nil
	}
	// It may have succeeded, or somebody else may have moved the branch.
	now, headErr := g.head(ctx, c.Branch)
	switch {
	case headErr == nil && now == to:
		return nil
	case headErr == nil && now != c.Expect:
		return moved(c, now)
	case c.Rebuilt && keeps(err):
		return fmt.Errorf("%w: %w", ErrNoReplace, exchange.Inner(err))
	}
	return err
}

// keeps reports whether GitHub refused to move a branch away from its commits: a
// protected branch ("Cannot force-push to this protected branch") or a rule
// ("Cannot force-push to this branch"), with status 422.
func keeps(err error) bool {
	refused := errors.Is(err, ErrInvalid) || errors.Is(err, ErrForbidden)
	return refused && strings.Contains(strings.ToLower(err.Error()), "force-push")
}

func moved(c VerifiedCommit, now string) error {
	where := func(hash string) string {
		if hash == "" {
			return "missing"
		}
		return "at " + hash
	}
	return fmt.Errorf("%w: it is %s, not %s", ErrMoved, where(now), where(c.Expect))
}

// head returns the hash of a branch's commit, "" if there is no such branch.
func (g githubSigner) head(ctx context.Context, branch string) (string, error) {
	ref, _, err := g.sdk().Git.GetRef(ctx, g.owner, g.name, "refs/heads/"+branch)
	if errors.Is(err, ErrNotFound) {
		return "", nil
	}
	return ref.GetObject().GetSHA(), err
}

// guarded adds to a refusal that workflows may be the reason. GitHub answers as
// for any missing permission, or with 404.
func (g githubSigner) guarded(err error, c VerifiedCommit) error {
	guarded := slices.ContainsFunc(c.Files, func(f CommitFile) bool { return strings.HasPrefix(f.Path, workflowsFolder) })
	if guarded && (errors.Is(err, ErrForbidden) || errors.Is(err, ErrNotFound)) {
		return fmt.Errorf("%w (what changes %s takes a permission of its own)", exchange.Inner(err), workflowsFolder)
	}
	return err
}

// workflows uses an app's installation, or the scopes of a classic token, which
// come with every answer.
func (g githubSigner) workflows(ctx context.Context) (bool, string, error) {
	if g.granted != nil {
		granted, err := g.granted(ctx)
		if err != nil || granted.Workflows {
			return err == nil, "", err
		}
		return false, "the app's installation lacks workflows: write: grant that in the app's settings, then accept it at " + granted.Settings, nil
	}
	_, response, err := g.sdk().Repositories.Get(ctx, g.owner, g.name)
	if err != nil {
		return false, "", err
	}
	scopes, says := response.Header["X-Oauth-Scopes"]
	if !says {
		return true, "", nil
	}
	for scope := range strings.SplitSeq(strings.Join(scopes, ","), ",") {
		if strings.TrimSpace(scope) == "workflow" {
			return true, "", nil
		}
	}
	return false, `the token lacks the scope "workflow"`, nil
}
