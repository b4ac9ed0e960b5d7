package bot

import (
	"context"
	"fmt"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/forge"
	"github.com/pinsetter/pinsetter/gate"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/message"
)

// respectClosing holds what a person refused by closing the group's pull request:
// that isn't proposed again, nor is anything that doesn't rank above it.
func (c *cycle) respectClosing(ctx context.Context, s *survey, g *group) error {
	before := g.known.PullRequest
	if before == nil || before.Number != g.pr.Number || before.HeadHash != g.pr.HeadHash || g.known.Refused == nil {
		changes, err := c.proposedBy(ctx, s, g)
		if err != nil {
			return err
		}
		g.known.Refused = changes
	}
	refused := s.ground.writtenBy(g.known.Refused)
	g.hold(pinsetter.RuleClosed, func(site pinsetter.Site, image pinsetter.Image) string {
		of := gate.Standing(site, refused[s.ground.key(site)])
		if of == (pinsetter.Image{}) || !g.selections[site.Policy].repeats(site, of, image) {
			return ""
		}
		g.refusal = true
		return fmt.Sprintf("pull request #%d, which proposed %s, was closed without merging, or its branch was deleted, and it is not proposed again, only what ranks higher: reopen the pull request, or write it by hand",
			g.pr.Number, candidate(site, of))
	})
	return nil
}

// repeats reports whether an image is what was refused at a site, or doesn't rank
// above it.
func (s *selection) repeats(site pinsetter.Site, of, image pinsetter.Image) bool {
	if s == nil || s.rules == nil || s.policy.Repository == nil {
		return gate.Standing(site, image) == of
	}
	return gate.Reverted(site, of, image, s) != ""
}

// proposedBy returns what the group's closed pull request proposed, as the
// trailers of the bot's own commits say: the newest value of each site.
func (c *cycle) proposedBy(ctx context.Context, s *survey, g *group) ([]pinsetter.Change, error) {
	var commits []gitops.CommitInfo // newest first
	if g.shown != nil && g.lease() == g.pr.HeadHash {
		commits = g.shown.commits
	} else {
		listed, err := s.forge.Commits(ctx, g.pr)
		if err != nil {
			return nil, err
		}
		for _, commit := range listed {
			commits = append([]gitops.CommitInfo{commitInfo(commit)}, commits...)
		}
	}
	changes := []pinsetter.Change{}
	for _, commit := range commits {
		if s.made(g.branch, commit) {
			changes = append(changes, message.ParseTrailers(commit.Message).Changes...)
		}
	}
	return changes, nil
}

// commitInfo is a commit that a forge listed. GitLab leaves parents out: a merge
// is known there by its author alone.
func commitInfo(c forge.Commit) gitops.CommitInfo {
	if len(c.Parents) == 0 {
		c.Parents = []string{""}
	}
	return gitops.CommitInfo{
		Hash: c.Hash, Parents: c.Parents, Message: c.Message,
		Author:    gitops.Signature{Name: c.AuthorName, Email: c.AuthorEmail},
		Committer: gitops.Signature{Name: c.CommitterName, Email: c.CommitterEmail},
	}
}
