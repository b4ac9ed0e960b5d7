package forge

import (
	"context"
	"slices"
	"strings"

	sdk "gitlab.com/gitlab-org/api/client-go"

	"github.com/pinsetter/pinsetter"
)

const (
	gitlabPage  = 100 // GitLab's maximum
	gitlabFew   = 20  // merge requests of two branches per page, since their descriptions are long
	gitlabPages = 5   // of either kind
)

// find filters by the branches, so it gets only merge requests of the
// repository or of forks with these branches. It looks for an open one first,
// because a branch may have had many merged ones.
func (g *gitlab) find(ctx context.Context, head, base string) (*PullRequest, error) {
	for _, state := range []string{"opened", "all"} {
		pr, err := g.search(ctx, state, head, base)
		if err != nil || pr != nil {
			return pr, err
		}
	}
	return nil, nil
}

// search returns the newest merge request in a state, or nil. GitLab lists them
// newest first.
func (g *gitlab) search(ctx context.Context, state, head, base string) (*PullRequest, error) {
	for page := int64(1); page <= gitlabPages; page++ {
		some, _, err := g.api.MergeRequests.ListProjectMergeRequests(g.project(), &sdk.ListProjectMergeRequestsOptions{
			ListOptions: sdk.ListOptions{Page: page, PerPage: gitlabFew},
			State:       &state, SourceBranch: &head, TargetBranch: &base,
		}, sdk.WithContext(ctx))
		if err != nil {
			return nil, err
		}
		for _, mr := range some {
			if pr := readMerge(mr); pr != nil && pr.Head == head && pr.Base == base {
				return pr, nil
			}
		}
		if len(some) < gitlabFew {
			break
		}
	}
	return nil, nil
}

// list lists the oldest first, as at GitHub.
func (g *gitlab) list(ctx context.Context, page int) ([]*PullRequest, bool, error) {
	state, order, sort := "opened", "created_at", "asc"
	all, response, err := g.api.MergeRequests.ListProjectMergeRequests(g.project(), &sdk.ListProjectMergeRequestsOptions{
		ListOptions: sdk.ListOptions{Page: int64(page), PerPage: gitlabPage}, State: &state, OrderBy: &order, Sort: &sort,
	}, sdk.WithContext(ctx))
	if err != nil {
		return nil, false, err
	}
	var pulls []*PullRequest
	for _, one := range all {
		if pr := readMerge(one); pr != nil {
			pulls = append(pulls, pr)
		}
	}
	return onPage(pulls, page, response.Header.Get("ETag")), len(all) < gitlabPage, nil
}

// readMerge converts GitLab's merge request. It returns nil for one from a
// fork.
func readMerge(mr *sdk.BasicMergeRequest) *PullRequest {
	if mr.SourceProjectID != mr.TargetProjectID {
		return nil
	}
	pr := &PullRequest{
		Number: int(mr.IID), URL: mr.WebURL, State: StateOpen,
		Head: mr.SourceBranch, HeadHash: mr.SHA, Base: mr.TargetBranch,
		Title: mr.Title, Body: rearm(mr.Description), Draft: mr.Draft,
		AutoMerge: mr.MergeWhenPipelineSucceeds,
	}
	switch mr.State {
	case "merged":
		pr.State = StateMerged
	case "closed":
		pr.State = StateClosed
	}
	if pr.Draft {
		pr.Title = undraft(pr.Title)
	}
	return pr
}

// In GitLab's descriptions and comments, a line that begins with a slash is a
// quick action, such as /merge or /approve: GitLab carries it out as the
// token's user and removes it. A backslash before the slash prevents that, and
// Markdown doesn't show it. https://docs.gitlab.com/user/project/quick_actions/
var (
	order    = pinsetter.Pattern(`(?m)^([ \t\r\v\f]*\\*)/`)
	disarmed = pinsetter.Pattern(`(?m)^([ \t\r\v\f]*\\*)\\/`)
)

// disarm escapes quick actions in a text.
func disarm(text string) string { return order().ReplaceAllString(text, `${1}\/`) }

// rearm undoes disarm.
func rearm(text string) string { return disarmed().ReplaceAllString(text, `${1}/`) }

// commented reads the newest comments first.
func (g *gitlab) commented(ctx context.Context, number int, mark string) (bool, error) {
	for page := int64(1); page <= gitlabPages; page++ {
		notes, _, err := g.api.Notes.ListMergeRequestNotes(g.project(), int64(number), &sdk.ListMergeRequestNotesOptions{
			ListOptions: sdk.ListOptions{Page: page, PerPage: gitlabPage},
		}, sdk.WithContext(ctx))
		if err != nil {
			return false, err
		}
		if slices.ContainsFunc(notes, func(note *sdk.Note) bool { return strings.Contains(note.Body, mark) }) {
			return true, nil
		}
		if len(notes) < gitlabPage {
			break
		}
	}
	return false, nil
}

// commits reads the commits newest first, page by page. GitLab may not list
// their parents.
func (g *gitlab) commits(ctx context.Context, number int) ([]Commit, error) {
	var all []Commit
	for page := int64(1); len(all) < maxCommits; page++ {
		some, _, err := g.api.MergeRequests.GetMergeRequestCommits(g.project(), int64(number), &sdk.GetMergeRequestCommitsOptions{
			ListOptions: sdk.ListOptions{Page: page, PerPage: gitlabPage},
		}, sdk.WithContext(ctx))
		if err != nil {
			return nil, err
		}
		for _, c := range some {
			all = append(all, Commit{
				Hash: c.ID, Message: c.Message, Parents: c.ParentIDs,
				AuthorName: c.AuthorName, AuthorEmail: c.AuthorEmail,
				CommitterName: c.CommitterName, CommitterEmail: c.CommitterEmail,
			})
		}
		if len(some) < gitlabPage {
			break
		}
	}
	all = all[:min(len(all), maxCommits)]
	slices.Reverse(all)
	return all, nil
}
