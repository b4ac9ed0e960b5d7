package forge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	sdk "code.gitea.io/sdk/gitea"
)

// merge merges at once where checks and rules allow it, which Gitea does for the
// commit that it is told only. Else Gitea is to merge later, by itself: that it
// does when required checks and approvals are there, and of other checks it
// knows nothing. Those are waited for here.
func (g *gitea) merge(ctx context.Context, pr *PullRequest) (Merging, string, error) {
	now, err := g.fetch(ctx, pr.Number)
	switch {
	case err != nil:
		return "", "", err
	case now.HasMerged:
		return MergeDone, "", nil
	case now.State != sdk.StateOpen:
		return "", "", fmt.Errorf("%w: it is closed", ErrInvalid)
	case now.Draft:
		return MergeWaiting, "it is a draft", nil
	case now.Head == nil || now.Head.Sha != pr.HeadHash:
		return MergeWaiting, "its branch changed", nil
	}
	api, err := g.api(ctx)
	if err != nil {
		return "", "", err
	}
	if why, err := g.checks(api, pr); err != nil || why != "" {
		return MergeWaiting, why, err
	}
	options := sdk.MergePullRequestOption{Style: style(now.Base.Repository), HeadCommitId: pr.HeadHash}
	refused, err := g.try(api, pr, options)
	if refused == nil || err != nil {
		return MergeDone, "", err
	}
	if !later(refused) {
		return MergeWaiting, refused.Message, nil
	}
	return g.schedule(api, pr, options, refused)
}

// schedule has Gitea merge when it may.
func (g *gitea) schedule(api *sdk.Client, pr *PullRequest, options sdk.MergePullRequestOption, why *statusError) (Merging, string, error) {
	options.MergeWhenChecksSucceed = true
	refused, err := g.try(api, pr, options)
	switch {
	case err != nil:
		return "", "", err
	case refused == nil, strings.Contains(refused.Message, "already scheduled"):
		return MergeEnabled, why.Message, nil
	}
	return MergeWaiting, refused.Message, nil
}

// try asks for a merge and returns what Gitea has against it, if it has.
func (g *gitea) try(api *sdk.Client, pr *PullRequest, options sdk.MergePullRequestOption) (refused *statusError, err error) {
	_, _, err = api.MergePullRequest(g.owner, g.name, int64(pr.Number), options)
	for _, code := range []int{http.StatusMethodNotAllowed, http.StatusConflict} {
		if refused, ok := status(err, code); ok {
			return refused, nil
		}
	}
	return nil, err
}

// later reports whether a refusal is one that Gitea itself can wait for: rules
// that aren't fulfilled yet. It can't wait for conflicts to go, or for rights.
func later(refused *statusError) bool {
	for _, words := range []string{"status checks", "approvals", "requested changes", "review requests"} {
		if strings.Contains(refused.Message, words) {
			return true
		}
	}
	return false
}

// checks returns what the checks of a commit are waited for, "" where they pass,
// where there are none, and where the branch's rules name those that count.
func (g *gitea) checks(api *sdk.Client, pr *PullRequest) (string, error) {
	branch, _, err := api.GetRepoBranch(g.owner, g.name, pr.Base)
	if err != nil {
		return "", err
	}
	if branch.EnableStatusCheck {
		return "", nil
	}
	combined, _, err := api.GetCombinedStatus(g.owner, g.name, pr.HeadHash)
	if err != nil {
		return "", err
	}
	for _, check := range combined.Statuses {
		switch check.State {
		case sdk.StatusSuccess, "skipped":
		default:
			return fmt.Sprintf("the check %q is %s", check.Context, check.State), nil
		}
	}
	return "", nil
}

// style returns how a repository wants pull requests merged: its default, else
// what it allows.
func style(r *sdk.Repository) sdk.MergeStyle {
	if r == nil {
		return sdk.MergeStyleMerge
	}
	allowed := []struct {
		style sdk.MergeStyle
		yes   bool
	}{
		{sdk.MergeStyleMerge, r.AllowMerge},
		{sdk.MergeStyleSquash, r.AllowSquash},
		{sdk.MergeStyleRebase, r.AllowRebase},
		{sdk.MergeStyleRebaseMerge, r.AllowRebaseMerge},
		{sdk.MergeStyleFastForwardOnly, r.AllowFastForwardOnlyMerge},
	}
	first := sdk.MergeStyleMerge
	for i := len(allowed) - 1; i >= 0; i-- {
		if allowed[i].yes && allowed[i].style == r.DefaultMergeStyle {
			return r.DefaultMergeStyle
		}
		if allowed[i].yes {
			first = allowed[i].style
		}
	}
	return first
}

// stopMerging has Gitea forget what schedule asked for. Gitea shows of no pull
// request whether it is scheduled, and answers 404 where it isn't.
func (g *gitea) stopMerging(ctx context.Context, number int) error {
	api, err := g.api(ctx)
	if err != nil {
		return err
	}
	_, err = api.CancelScheduledAutoMerge(g.owner, g.name, int64(number))
	if _, none := status(err, http.StatusNotFound); none {
		_, err = g.fetch(ctx, number)
	}
	return err
}

// status returns an error's answer if it has this status.
func status(err error, code int) (*statusError, bool) {
	var refused *statusError
	if errors.As(err, &refused) && refused.Status == code {
		return refused, true
	}
	return nil, false
}
