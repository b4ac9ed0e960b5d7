package proposal

import (
	"context"

	"github.com/pinsetter/pinsetter/forge"
	"github.com/pinsetter/pinsetter/gitops"
)

// commitVerified is push with a commit that the forge makes and signs.
func (s proposer) commitVerified(ctx context.Context, g *Group, _ *gitops.Snapshot, over bool) error {
	a := s.automation
	text, err := g.Message()
	if err != nil {
		return err
	}
	commit := forge.VerifiedCommit{
		Branch: g.branch, Expect: g.lease(), Parent: s.Base.Hash(), Rebuilt: g.there != nil && !over, Message: text,
	}
	if over {
		commit.Over = s.Base.Parents(g.there)
	}
	for _, file := range g.Marked {
		data, changed := g.Files[file.Path]
		if !changed {
			continue
		}
		executable, err := s.Base.Executable(file.Path)
		if err != nil {
			return err
		}
		mode := "100644"
		if executable {
			mode = "100755"
		}
		commit.Files = append(commit.Files, forge.CommitFile{Path: file.Path, Mode: mode, Data: data})
	}
	done, err := s.forge.Commit(ctx, commit)
	if err != nil {
		return err
	}
	g.Hash, g.known.Commit = done.Hash, done.Hash
	g.landed()
	if !done.Verified {
		s.o.Log.Warn("GitHub did not sign the commit", "pullRequest", a.PullRequest.Name, "commit", done.Hash, "reason", done.Reason)
	}
	return nil
}
