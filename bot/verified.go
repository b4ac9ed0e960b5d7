package bot

import (
	"context"
	"strings"

	"github.com/pinsetter/pinsetter/forge"
	"github.com/pinsetter/pinsetter/gitops"
)

// commitVerified has the forge make the group's commit, and sign it.
func (c *cycle) commitVerified(ctx context.Context, s *survey, g *group) error {
	a := s.whole.automation
	text, err := c.messageOf(g.plan)
	if err != nil {
		return err
	}
	commit := forge.VerifiedCommit{
		Branch: g.branch, Expect: g.lease(), Parent: s.Base.Hash(), Rebuilt: g.there != nil, Message: text,
	}
	for _, file := range g.marked {
		data, changed := g.files[file.path]
		if !changed {
			continue
		}
		executable, err := s.Base.Executable(file.path)
		if err != nil {
			return err
		}
		mode := "100644"
		if executable {
			mode = "100755"
		}
		commit.Files = append(commit.Files, forge.CommitFile{Path: file.path, Mode: mode, Data: data})
	}
	done, err := s.forge.Commit(ctx, commit)
	if err != nil {
		return err
	}
	g.commit, g.known.Commit = done.Hash, done.Hash
	g.landed()
	if !done.Verified {
		c.o.Log.Warn("GitHub did not sign the commit", "pullRequest", a.PullRequest.Name, "commit", done.Hash, "reason", done.Reason)
	}
	return nil
}

// madeByForge reports whether GitHub made a commit for an app: the committer is
// GitHub's, which nobody else's commits have but those made on its pages, and
// the author an app, which nobody there is.
func madeByForge(commit gitops.CommitInfo) bool {
	return commit.Committer == gitops.Signature{Name: "GitHub", Email: "noreply@github.com"} &&
		strings.HasSuffix(commit.Author.Name, "[bot]") &&
		strings.Contains(commit.Author.Email, "[bot]@users.noreply.")
}
