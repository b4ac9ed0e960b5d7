package forge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	sdk "github.com/google/go-github/v60/github"

	"github.com/pinsetter/pinsetter/forge/exchange"
)

// merge merges a pull request that GitHub calls clean: no conflict, the
// branch's rules are met, and all statuses and check runs of the commit pass,
// also those that aren't required:
// https://docs.github.com/graphql/reference/enums#mergestatestatus
//
// It never uses GitHub's auto-merge, which goes on when somebody with write
// access pushes to the branch, and would merge that push.
// https://docs.github.com/pull-requests/collaborating-with-pull-requests/incorporating-changes-from-a-pull-request/automatically-merging-a-pull-request
func (g github) merge(ctx context.Context, pr *PullRequest) (Merging, string, error) {
	now, _, err := g.sdk().PullRequests.Get(ctx, g.owner, g.name, pr.Number)
	switch {
	case err != nil:
		return "", "", err
	case now.GetMerged():
		return MergeDone, "", nil
	case now.GetState() != "open":
		return "", "", fmt.Errorf("%w: it is closed", ErrInvalid)
	case now.GetDraft():
		return MergeWaiting, "it is a draft", nil
	case now.GetHead().GetSHA() != pr.HeadHash:
		return MergeWaiting, "its branch changed", nil
	}
	switch now.GetMergeableState() {
	case "clean", "has_hooks":
		return g.mergeNow(ctx, pr)
	case "blocked":
		return MergeWaiting, "the branch's rules aren't met", nil
	case "unstable":
		return MergeWaiting, "a check is pending or failed", nil
	case "behind":
		return MergeWaiting, fmt.Sprintf("its branch is behind %q", pr.Base), nil
	case "dirty":
		return MergeWaiting, fmt.Sprintf("it conflicts with %q", pr.Base), nil
	}
	return MergeWaiting, "GitHub is looking for conflicts", nil
}

// mergeNow merges the commit that pr names.
func (g github) mergeNow(ctx context.Context, pr *PullRequest) (Merging, string, error) {
	repository, _, err := g.sdk().Repositories.Get(ctx, g.owner, g.name)
	if err != nil {
		return "", "", err
	}
	rules, err := g.branchRules(ctx, pr.Base)
	if err != nil {
		return "", "", err
	}
	method := mergeMethod(repository, rules)
	switch {
	case slices.ContainsFunc(rules, func(r branchRule) bool { return r.Type == "merge_queue" }):
		return MergeWaiting, fmt.Sprintf("%q has a merge queue, into which somebody has to put it", pr.Base), nil
	case method == "":
		return MergeWaiting, fmt.Sprintf("no method of merging is allowed both by the repository's settings and by the rules of %q", pr.Base), nil
	}
	_, _, err = g.sdk().PullRequests.Merge(ctx, g.owner, g.name, pr.Number, "", &sdk.PullRequestOptions{
		SHA: pr.HeadHash, MergeMethod: method,
	})
	for _, code := range []int{http.StatusMethodNotAllowed, http.StatusConflict} {
		if refused, ok := exchange.Status(err, code); ok {
			return MergeWaiting, refused.Message, nil
		}
	}
	if err != nil {
		return "", "", err
	}
	return MergeDone, "", nil
}

// branchRule is the part of a branch's rule that is about merging:
// https://docs.github.com/rest/repos/rules#get-rules-for-a-branch
type branchRule struct {
	Type       string
	Parameters struct {
		Methods []string `json:"allowed_merge_methods"` // none: all
	}
}

// allows reports whether the rule allows a method.
func (r branchRule) allows(method string) bool {
	if r.Type == "required_linear_history" {
		return method != "merge"
	}
	return len(r.Parameters.Methods) == 0 || slices.Contains(r.Parameters.Methods, method)
}

// branchRules returns the rules of a branch, none if the server has no such
// rules. The SDK fails for a list with a rule that it doesn't know.
func (g github) branchRules(ctx context.Context, branch string) ([]branchRule, error) {
	client := g.sdk()
	address := fmt.Sprintf("repos/%s/%s/rules/branches/%s?per_page=100", g.owner, g.name, url.PathEscape(branch))
	request, err := client.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	var rules []branchRule
	_, err = client.Do(ctx, request, &rules)
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrForbidden) { // an old server, or a plan without them
		return nil, nil
	}
	return rules, err
}

// mergeMethod returns the first method that the repository and the rules of the
// branch allow, in the order of GitHub's own menu, or "". GitHub shows the methods
// of the repository only to those who may push.
func mergeMethod(r *sdk.Repository, rules []branchRule) string {
	for _, method := range []struct {
		name    string
		allowed *bool
	}{{"merge", r.AllowMergeCommit}, {"squash", r.AllowSquashMerge}, {"rebase", r.AllowRebaseMerge}} {
		forbidden := method.allowed != nil && !*method.allowed
		if !forbidden && !slices.ContainsFunc(rules, func(rule branchRule) bool { return !rule.allows(method.name) }) {
			return method.name
		}
	}
	return ""
}

// disableAutoMerge is a GraphQL mutation, since REST has no equivalent:
// https://docs.github.com/graphql/reference/mutations#disablepullrequestautomerge
const disableAutoMerge = `mutation($input: DisablePullRequestAutoMergeInput!) {
  disablePullRequestAutoMerge(input: $input) { clientMutationId }
}`

// stopMerging first checks whether auto-merge is on: GitHub refuses to switch
// it off twice.
func (g github) stopMerging(ctx context.Context, number int) error {
	now, _, err := g.sdk().PullRequests.Get(ctx, g.owner, g.name, number)
	if err != nil || now.GetState() != "open" || now.AutoMerge == nil {
		return err
	}
	refused, err := g.graphql(ctx, disableAutoMerge, map[string]any{"input": map[string]any{"pullRequestId": now.GetNodeID()}})
	if err == nil && refused != "" {
		err = fmt.Errorf("%w: %s", ErrInvalid, exchange.Clean(refused))
	}
	return err
}

// graphql sends a mutation. If GitHub refuses, it returns the refusal.
func (g github) graphql(ctx context.Context, query string, variables map[string]any) (refused string, err error) {
	client := g.sdk()
	request, err := client.NewRequest(http.MethodPost, g.api.Graph.String(), map[string]any{"query": query, "variables": variables})
	if err != nil {
		return "", err
	}
	var answer struct {
		Errors []struct{ Type, Message string } `json:"errors"`
	}
	if _, err := client.Do(ctx, request, &answer); err != nil {
		return "", err
	}
	var all []string
	for _, e := range answer.Errors {
		switch e.Type {
		case "FORBIDDEN":
			return "", fmt.Errorf("%w: %s", ErrForbidden, exchange.Clean(e.Message))
		case "RATE_LIMITED":
			return "", &exchange.RateLimitError{Host: g.api.Graph.Host}
		}
		all = append(all, e.Message)
	}
	return strings.Join(all, "; "), nil
}
