package bot

import (
	"context"
	"fmt"
	"slices"

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
		if err := c.learnRefused(ctx, s, g); err != nil {
			return err
		}
	}
	refused := s.ground.writtenBy(g.known.Refused)
	g.hold(pinsetter.RuleClosed, func(site pinsetter.Site, image pinsetter.Image) string {
		of := gate.Standing(site, refused[s.ground.key(site)])
		if of == (pinsetter.Image{}) && g.known.More {
			of = gate.Standing(site, g.refusedOf(site.Policy))
		}
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

// learnRefused finds out what the group's closed pull request proposed, as the
// trailers of the bot's own commits say: the newest value of each site.
func (c *cycle) learnRefused(ctx context.Context, s *survey, g *group) error {
	var commits []gitops.CommitInfo // newest first
	if g.shown != nil && g.lease() == g.pr.HeadHash {
		commits = g.shown.commits
	} else {
		listed, err := s.forge.Commits(ctx, g.pr)
		if err != nil {
			return err
		}
		for _, commit := range slices.Backward(listed) {
			commits = append(commits, commitInfo(commit))
		}
	}
	g.known.Refused, g.known.More = []pinsetter.Change{}, false
	for _, commit := range commits {
		if s.made(g.branch, commit) {
			said := message.ParseTrailers(commit.Message)
			g.known.Refused = append(g.known.Refused, said.Changes...)
			g.known.More = g.known.More || !said.Complete
		}
	}
	return nil
}

// refusedOf returns what was refused of a policy at some site, for those sites
// that the commits had no room to list.
func (g *group) refusedOf(policy pinsetter.Name) pinsetter.Image {
	for _, change := range g.known.Refused {
		if site, image := writtenBy(change); site.Policy == policy {
			return image
		}
	}
	return pinsetter.Image{}
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
