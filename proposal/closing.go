package proposal

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/decide"
	"github.com/pinsetter/pinsetter/forge"
	"github.com/pinsetter/pinsetter/gate"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/message"
	"github.com/pinsetter/pinsetter/plan"
	"github.com/pinsetter/pinsetter/store"
)

// hear learns what people said of a group: what they refused by closing its pull
// request, that it is none by reopening it, and that its branch is theirs.
func (s *Survey) hear(ctx context.Context, g *Group) error {
	if g.Failed {
		return nil
	}
	if g.pr != nil {
		heard := func(r refusal) bool { return r.Number == g.pr.Number }
		refuses := g.pr.State == forge.StateClosed && !g.pr.Ours
		known := slices.ContainsFunc(g.known.Refused, func(r refusal) bool { return heard(r) && r.Head == g.pr.HeadHash })
		if !refuses || !known {
			g.known.Refused = slices.DeleteFunc(slices.Clone(g.known.Refused), heard)
		}
		if refuses && !known {
			refused, err := s.proposedBy(ctx, g)
			if err != nil {
				return err
			}
			g.known.Refused = append(g.known.Refused, refused)
		}
	}
	s.known[g.branch] = g.known
	if g.pr != nil && g.pr.State == forge.StateMerged && g.changes(s.Ground.IsForgotten) {
		merged, err := s.proposedBy(ctx, g)
		if err != nil {
			return err
		}
		s.merged = append(s.merged, merged)
	}
	return s.disown(ctx, g)
}

// disown takes a branch without commits of its own for somebody's, where nothing
// says that the bot made it.
func (s *Survey) disown(ctx context.Context, g *Group) error {
	if g.shown == nil || len(g.there.Commits) > 0 || g.known.Commit != "" || g.known.PullRequest != nil {
		return nil
	}
	if g.pr == nil {
		g.shown = nil
		return nil
	}
	proposed, err := s.proposedBy(ctx, g)
	if err == nil && len(proposed.Changes) == 0 {
		g.shown = nil
	}
	return err
}

// respect holds what a person refused by closing a pull request of the
// automation, whichever it was: that isn't proposed again, nor is anything that
// doesn't rank above it.
func (s *Survey) respect(g *Group) {
	for _, branch := range slices.Sorted(maps.Keys(s.known)) {
		for _, r := range s.known[branch].Refused {
			listed := s.Ground.WrittenBy(r.Changes)
			g.hold(pinsetter.RuleClosed, func(site pinsetter.Site, image pinsetter.Image) string {
				of := r.of(s.Ground, listed, site)
				if of == (pinsetter.Image{}) || !repeats(g.Policies[site.Policy], site, of, image) {
					return ""
				}
				g.refusal = g.refusal || g.pr != nil && g.pr.Number == r.Number
				return fmt.Sprintf("pull request #%d, which proposed %s, was closed without merging, or its branch was deleted, and it is not proposed again, only what ranks higher: reopen the pull request, or write it by hand",
					r.Number, decide.CandidateAt(site, of))
			})
		}
	}
	// Without a ledger a commit that the forge merged isn't known for the bot's:
	// what it wrote and the base doesn't show was taken back.
	for _, r := range s.merged {
		listed := s.Ground.WrittenBy(r.Changes)
		g.hold(pinsetter.RuleRevert, func(site pinsetter.Site, image pinsetter.Image) string {
			of := r.of(s.Ground, listed, site)
			if of == (pinsetter.Image{}) || !s.Ground.IsForgotten(site) || !repeats(g.Policies[site.Policy], site, of, image) {
				return ""
			}
			return fmt.Sprintf("pull request #%d, which wrote %s, was merged, and it was taken back since: it is not proposed again, only what ranks higher; or write it by hand",
				r.Number, decide.CandidateAt(site, of))
		})
	}
}

// repeats reports whether an image is what was refused at a site, or doesn't rank
// above it.
func repeats(p *decide.Policy, site pinsetter.Site, of, image pinsetter.Image) bool {
	if p == nil || p.Rules == nil || p.Object.Repository == nil {
		return gate.Standing(site, image) == of
	}
	return gate.Reverted(site, of, image, p) != ""
}

// proposedBy returns what the group's pull request proposed, as the trailers of
// the bot's own commits say: the newest value of each site first.
func (s *Survey) proposedBy(ctx context.Context, g *Group) (refusal, error) {
	proposed := refusal{Number: g.pr.Number, Head: g.pr.HeadHash, Changes: []pinsetter.Change{}}
	var commits []gitops.CommitInfo // newest first
	if g.shown != nil && len(g.shown.Commits) > 0 && g.lease() == g.pr.HeadHash {
		commits = g.shown.Commits
	} else {
		listed, err := s.forge.Commits(ctx, g.pr)
		if err != nil {
			return proposed, err
		}
		for _, commit := range slices.Backward(listed) {
			commits = append(commits, commitInfo(commit))
		}
	}
	for _, commit := range commits {
		if s.made(g.branch, commit) {
			said := message.ParseTrailers(commit.Message)
			proposed.Changes = append(proposed.Changes, said.Changes...)
			proposed.More = proposed.More || !said.Complete
		}
	}
	return proposed, nil
}

// of returns what was refused at a site, the zero Image where nothing was. For
// sites that the commits had no room to list, it is what they list of the policy.
func (r refusal) of(g *plan.Ground, listed map[store.Site]pinsetter.Image, site pinsetter.Site) pinsetter.Image {
	of := gate.Standing(site, listed[g.Key(site)])
	if of != (pinsetter.Image{}) || !r.More {
		return of
	}
	for _, change := range r.Changes {
		if other, image := plan.WrittenBy(change); other.Policy == site.Policy {
			return gate.Standing(site, image)
		}
	}
	return of
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
