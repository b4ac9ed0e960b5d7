package forge

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	sdk "code.gitea.io/sdk/gitea"
)

const (
	giteaPage  = 50 // Gitea's default for MAX_RESPONSE_ITEMS
	giteaPages = 4  // of pull requests, for each state, most recently changed first
	labelPages = 20 // of labels: 1,000 labels
)

// find uses Gitea's request for two branches; its list has no filter for them.
// If several pull requests had these branches, that request returns any of
// them. An open one is always the only open one; for closed ones, find looks
// for the newest among those that changed last.
func (g *gitea) find(ctx context.Context, head, base string) (*PullRequest, error) {
	api, err := g.api(ctx)
	if err != nil {
		return nil, err
	}
	found, _, err := api.GetPullRequestByBaseHead(g.owner, g.name, base, head)
	if errors.Is(err, ErrNotFound) {
		return nil, g.exists(api)
	}
	if err != nil {
		return nil, err
	}
	if found.State == sdk.StateOpen {
		return g.read(found), nil
	}
	open, err := g.search(api, sdk.StateOpen, head, base)
	if err != nil || open != nil {
		return g.read(open), err
	}
	closed, err := g.search(api, sdk.StateClosed, head, base)
	if err != nil {
		return nil, err
	}
	if closed != nil && closed.Index > found.Index {
		found = closed
	}
	return g.read(found), nil
}

// exists returns an error if the repository is missing, to tell that from a
// missing pull request.
func (g *gitea) exists(api *sdk.Client) error {
	_, _, err := api.GetRepo(g.owner, g.name)
	return err
}

// search returns the newest pull request of two branches among those that
// changed last.
func (g *gitea) search(api *sdk.Client, state sdk.StateType, head, base string) (*sdk.PullRequest, error) {
	var newest *sdk.PullRequest
	for page := 1; page <= giteaPages; page++ {
		all, _, err := api.ListRepoPullRequests(g.owner, g.name, sdk.ListPullRequestsOptions{
			ListOptions: sdk.ListOptions{Page: page, PageSize: giteaPage},
			State:       state, Sort: "recentupdate",
		})
		if err != nil {
			return nil, err
		}
		for _, pr := range all {
			fits := own(pr) && pr.Head.Name == head && pr.Base.Name == base
			if fits && (newest == nil || pr.Index > newest.Index) {
				newest = pr
			}
		}
		if len(all) == 0 || newest != nil && state == sdk.StateOpen {
			break
		}
	}
	return newest, nil
}

// list lists the oldest first. Gitea says no ETag. A server with smaller pages than
// the default seems to have no second one: the rest is asked for one by one.
func (g *gitea) list(ctx context.Context, page int) ([]*PullRequest, bool, error) {
	api, err := g.api(ctx)
	if err != nil {
		return nil, false, err
	}
	all, _, err := api.ListRepoPullRequests(g.owner, g.name, sdk.ListPullRequestsOptions{
		ListOptions: sdk.ListOptions{Page: page, PageSize: giteaPage}, State: sdk.StateOpen, Sort: "oldest",
	})
	if err != nil {
		return nil, false, err
	}
	var pulls []*PullRequest
	for _, one := range all {
		if pr := g.read(one); pr != nil {
			pulls = append(pulls, pr)
		}
	}
	return pulls, len(all) < giteaPage, nil
}

// own reports whether a pull request comes from the repository itself.
func own(pr *sdk.PullRequest) bool {
	return pr.Head != nil && pr.Base != nil && pr.Head.RepoID == pr.Base.RepoID
}

// read converts Gitea's pull request. It returns nil for one from a fork.
func (g *gitea) read(pr *sdk.PullRequest) *PullRequest {
	if pr == nil || !own(pr) {
		return nil
	}
	out := &PullRequest{
		Number: int(pr.Index), URL: pr.HTMLURL, State: StateOpen,
		Head: pr.Head.Name, HeadHash: pr.Head.Sha, Base: pr.Base.Name,
		Title: pr.Title, Body: pr.Body, Draft: pr.Draft,
	}
	switch {
	case pr.HasMerged:
		out.State = StateMerged
	case pr.State == sdk.StateClosed:
		out.State = StateClosed
	}
	if out.Draft {
		out.Title = undraft(out.Title)
	}
	return out
}

// labels returns the IDs of labels of the repository or its organisation. It
// creates missing ones in the repository.
func (g *gitea) labels(api *sdk.Client, names []string) ([]int64, error) {
	if len(names) == 0 {
		return nil, nil
	}
	known, err := g.known(api)
	if err != nil {
		return nil, err
	}
	var ids []int64
	for _, name := range names {
		id, found := known[strings.ToLower(name)]
		if !found {
			// The colour is the default of Gitea's form for a new label.
			made, _, err := api.CreateLabel(g.owner, g.name, sdk.CreateLabelOption{Name: name, Color: "#70c24a"})
			if err != nil {
				return nil, err
			}
			id = made.ID
			known[strings.ToLower(name)] = id
		}
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// known returns the existing labels, by name in lower case.
func (g *gitea) known(api *sdk.Client) (map[string]int64, error) {
	ofRepository := func(o sdk.ListOptions) ([]*sdk.Label, error) {
		labels, _, err := api.ListRepoLabels(g.owner, g.name, sdk.ListLabelsOptions{ListOptions: o})
		return labels, err
	}
	ofOrganisation := func(o sdk.ListOptions) ([]*sdk.Label, error) {
		labels, _, err := api.ListOrgLabels(g.owner, sdk.ListOrgLabelsOptions{ListOptions: o})
		if errors.Is(err, ErrNotFound) || errors.Is(err, ErrForbidden) {
			return nil, nil // a user, or an organisation that the token can't see
		}
		return labels, err
	}
	known := map[string]int64{}
	for _, list := range []func(sdk.ListOptions) ([]*sdk.Label, error){ofOrganisation, ofRepository} {
		for page := 1; page <= labelPages; page++ {
			labels, err := list(sdk.ListOptions{Page: page, PageSize: giteaPage})
			if err != nil {
				return nil, err
			}
			for _, label := range labels {
				known[strings.ToLower(label.Name)] = label.ID
			}
			if len(labels) < giteaPage {
				break
			}
		}
	}
	return known, nil
}

// commits reads the commits newest first, page by page.
func (g *gitea) commits(ctx context.Context, number int) ([]Commit, error) {
	api, err := g.api(ctx)
	if err != nil {
		return nil, err
	}
	var all []Commit
	for page := 1; len(all) < maxCommits; page++ {
		some, _, err := api.ListPullRequestCommits(g.owner, g.name, int64(number), sdk.ListPullRequestCommitsOptions{
			ListOptions: sdk.ListOptions{Page: page, PageSize: giteaPage},
		})
		if err != nil {
			return nil, err
		}
		for _, c := range some {
			all = append(all, readCommit(c))
		}
		if len(some) < giteaPage {
			break
		}
	}
	all = all[:min(len(all), maxCommits)]
	slices.Reverse(all)
	return all, nil
}

func readCommit(c *sdk.Commit) Commit {
	var out Commit
	if c.CommitMeta != nil {
		out.Hash = c.SHA
	}
	if r := c.RepoCommit; r != nil {
		author, committer := cmp.Or(r.Author, &sdk.CommitUser{}), cmp.Or(r.Committer, &sdk.CommitUser{})
		out.Message = r.Message
		out.AuthorName, out.AuthorEmail = author.Name, author.Email
		out.CommitterName, out.CommitterEmail = committer.Name, committer.Email
	}
	for _, parent := range c.Parents {
		out.Parents = append(out.Parents, parent.SHA)
	}
	return out
}
