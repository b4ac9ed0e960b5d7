package forge

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"

	sdk "code.gitea.io/sdk/gitea"

	"github.com/pinsetter/pinsetter/forge/exchange"
)

// contextPages bounds the pages of a commit's checks. At Gitea these are 2,000
// checks.
const contextPages = 40

// uncounted is the number of checks if Gitea doesn't say it: more than are
// read.
const uncounted = math.MaxInt

// checks returns what a commit's checks wait for. It returns "" if they pass,
// if there are none, or if the branch's rules name the ones that count.
func (g *gitea) checks(ctx context.Context, api *sdk.Client, pr *PullRequest) (string, error) {
	branch, _, err := api.GetRepoBranch(g.owner, g.name, pr.Base)
	if err != nil {
		return "", err
	}
	if branch.EnableStatusCheck {
		return "", nil
	}
	checks, complete, err := g.contexts(ctx, pr.HeadHash)
	if err != nil {
		return "", err
	}
	for _, check := range checks {
		switch check.State {
		case sdk.StatusSuccess, "skipped":
		default:
			return fmt.Sprintf("the check %q is %s", check.Context, check.State), nil
		}
	}
	if !complete {
		return "Gitea doesn't list all checks of the commit", nil
	}
	return "", nil
}

// contexts returns the last status of each check of a commit, and whether these
// are all. Gitea answers with a page of them, newest first, and its combined
// state is that of the page:
// https://github.com/go-gitea/gitea/blob/v1.26.0/routers/api/v1/repo/status.go
func (g *gitea) contexts(ctx context.Context, hash string) ([]*sdk.Status, bool, error) {
	var all []*sdk.Status
	seen := map[string]bool{}
	for page := 1; page <= contextPages; page++ {
		some, total, err := g.contextsOf(ctx, hash, page)
		if err != nil {
			return nil, false, err
		}
		for _, status := range some {
			if status != nil && !seen[status.Context] {
				seen[status.Context] = true
				all = append(all, status)
			}
		}
		if len(all) >= total || len(some) == 0 {
			return all, len(all) >= total, nil
		}
	}
	return all, false, nil
}

// contextsOf returns one page of a commit's checks, and the number of checks on
// all pages. An empty first page needs no number.
func (g *gitea) contextsOf(ctx context.Context, hash string, page int) ([]*sdk.Status, int, error) {
	address := fmt.Sprintf("%s/api/v1/repos/%s/%s/commits/%s/status?page=%d&limit=%d",
		g.base, url.PathEscape(g.owner), url.PathEscape(g.name), url.PathEscape(hash), page, giteaPage)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, 0, err
	}
	request.Header.Set("Accept", "application/json")
	response, err := g.client.Do(request)
	if err != nil {
		return nil, 0, exchange.Inner(err)
	}
	defer func() { _ = response.Body.Close() }()
	var combined sdk.CombinedStatus
	if err := json.NewDecoder(response.Body).Decode(&combined); err != nil {
		return nil, 0, fmt.Errorf("read the checks of commit %.7s: %w", hash, err)
	}
	total, err := strconv.Atoi(response.Header.Get("X-Total-Count"))
	switch {
	case err != nil && page == 1 && len(combined.Statuses) == 0:
		total = 0
	case err != nil:
		total = uncounted
	}
	return combined.Statuses, total, nil
}
