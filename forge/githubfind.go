package forge

import (
	"context"
	"errors"
	"strings"

	sdk "github.com/google/go-github/v60/github"
)

const (
	githubPage   = 100 // GitHub's maximum
	commentPages = 10  // of comments, oldest first
	fewPulls     = 10  // of two branches; forks of the same owner are among them
)

// find asks for the two branches: first for open pull requests, and only if
// there is none, for the newest of the others.
func (g github) find(ctx context.Context, head, base string) (*PullRequest, error) {
	found, moved, err := g.search(ctx, g.owner, head, base)
	if err != nil || found != nil || !moved {
		return found, err
	}
	// A repository that was transferred answers at its old address, but its
	// branches have the new owner's name.
	now, _, err := g.sdk().Repositories.Get(ctx, g.owner, g.name)
	if err != nil || strings.EqualFold(now.GetOwner().GetLogin(), g.owner) {
		return nil, err
	}
	found, _, err = g.search(ctx, now.GetOwner().GetLogin(), head, base)
	return found, err
}

// search looks for the pull request of an owner's branch. Moved reports whether
// the repository has another address now.
func (g github) search(ctx context.Context, owner, head, base string) (found *PullRequest, moved bool, err error) {
	for _, state := range []string{"open", "closed"} {
		all, response, err := g.sdk().PullRequests.List(ctx, g.owner, g.name, &sdk.PullRequestListOptions{
			State: state, Head: owner + ":" + head, Base: base, Sort: "created", Direction: "desc",
			ListOptions: sdk.ListOptions{PerPage: fewPulls},
		})
		if err != nil {
			return nil, false, err
		}
		for _, pr := range all {
			if pr := readPull(pr); pr != nil && pr.Head == head && pr.Base == base {
				return pr, false, nil
			}
		}
		moved = !strings.HasPrefix(response.Request.URL.Path, g.api.REST.Path+"repos/"+g.owner+"/")
	}
	return nil, moved, nil
}

// list lists the oldest first, so that a new one changes the last page alone.
func (g github) list(ctx context.Context, page int) ([]*PullRequest, bool, error) {
	all, response, err := g.sdk().PullRequests.List(ctx, g.owner, g.name, &sdk.PullRequestListOptions{
		State: "open", Sort: "created", Direction: "asc", ListOptions: sdk.ListOptions{Page: page, PerPage: githubPage},
	})
	if err != nil {
		return nil, false, err
	}
	var pulls []*PullRequest
	for _, one := range all {
		if pr := readPull(one); pr != nil {
			pulls = append(pulls, pr)
		}
	}
	return onPage(pulls, page, response.Header.Get("ETag")), len(all) < githubPage, nil
}

// readPull converts GitHub's pull request. It returns nil for one from a fork.
func readPull(pr *sdk.PullRequest) *PullRequest {
	head, base := pr.GetHead(), pr.GetBase()
	if head.GetRepo() == nil || head.GetRepo().GetID() != base.GetRepo().GetID() {
		return nil
	}
	out := &PullRequest{
		Number: pr.GetNumber(), URL: pr.GetHTMLURL(), State: StateOpen,
		Head: head.GetRef(), HeadHash: head.GetSHA(), Base: base.GetRef(),
		Title: pr.GetTitle(), Body: pr.GetBody(), Draft: pr.GetDraft(), AutoMerge: pr.AutoMerge != nil,
	}
	switch {
	case pr.MergedAt != nil:
		out.State = StateMerged
	case pr.GetState() == "closed":
		out.State = StateClosed
	}
	return out
}

// soundPull converts GitHub's pull request, which must be of the repository
// itself.
func soundPull(pr *sdk.PullRequest) (*PullRequest, error) {
	out := readPull(pr)
	if out == nil {
		return nil, errors.New("GitHub's answer is no pull request of the repository")
	}
	return out, nil
}

func (g github) commented(ctx context.Context, number int, mark string) (bool, error) {
	for page := 1; page <= commentPages; page++ {
		comments, _, err := g.sdk().Issues.ListComments(ctx, g.owner, g.name, number, &sdk.IssueListCommentsOptions{
			ListOptions: sdk.ListOptions{Page: page, PerPage: githubPage},
		})
		if err != nil {
			return false, err
		}
		for _, comment := range comments {
			if strings.Contains(comment.GetBody(), mark) {
				return true, nil
			}
		}
		if len(comments) < githubPage {
			break
		}
	}
	return false, nil
}

func (g github) commits(ctx context.Context, number int) ([]Commit, error) {
	var all []Commit
	for page := 1; len(all) < maxCommits; page++ {
		some, _, err := g.sdk().PullRequests.ListCommits(ctx, g.owner, g.name, number, &sdk.ListOptions{Page: page, PerPage: githubPage})
		if err != nil {
			return nil, err
		}
		for _, c := range some {
			all = append(all, readGitHubCommit(c))
		}
		if len(some) < githubPage {
			break
		}
	}
	return all[:min(len(all), maxCommits)], nil
}

func readGitHubCommit(c *sdk.RepositoryCommit) Commit {
	author, committer := c.GetCommit().GetAuthor(), c.GetCommit().GetCommitter()
	out := Commit{
		Hash: c.GetSHA(), Message: c.GetCommit().GetMessage(),
		AuthorName: author.GetName(), AuthorEmail: author.GetEmail(),
		CommitterName: committer.GetName(), CommitterEmail: committer.GetEmail(),
	}
	for _, parent := range c.Parents {
		out.Parents = append(out.Parents, parent.GetSHA())
	}
	return out
}
