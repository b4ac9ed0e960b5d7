package forge

import (
	"context"
	"fmt"
	"net/http"

	sdk "code.gitea.io/sdk/gitea"

	"github.com/pinsetter/pinsetter/forge/exchange"
)

// merge merges if checks and rules allow it now; Gitea then merges exactly the
// commit that it is told. Merge never uses Gitea's auto-merge, which isn't
// bound to a commit and would merge anything pushed in between.
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
	if why, err := g.checks(ctx, api, pr); err != nil || why != "" {
		return MergeWaiting, why, err
	}
	options := sdk.MergePullRequestOption{Style: style(now.Base.Repository), HeadCommitId: pr.HeadHash}
	refused, err := g.try(api, pr, options)
	switch {
	case err != nil:
		return "", "", err
	case refused != nil:
		return MergeWaiting, refused.Message, nil
	}
	return MergeDone, "", nil
}

// try asks for a merge. If Gitea refuses, it returns the refusal.
func (g *gitea) try(api *sdk.Client, pr *PullRequest, options sdk.MergePullRequestOption) (refused *exchange.StatusError, err error) {
	_, _, err = api.MergePullRequest(g.owner, g.name, int64(pr.Number), options)
	for _, code := range []int{http.StatusMethodNotAllowed, http.StatusConflict} {
		if refused, ok := exchange.Status(err, code); ok {
			return refused, nil
		}
	}
	return nil, err
}

// style returns the repository's way to merge pull requests: its default, else
// one that it allows.
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

// stopMerging cancels Gitea's auto-merge, which earlier versions of this
// program used. Gitea doesn't show whether it is on, and answers 404 if it is
// off.
func (g *gitea) stopMerging(ctx context.Context, number int) error {
	api, err := g.api(ctx)
	if err != nil {
		return err
	}
	_, err = api.CancelScheduledAutoMerge(g.owner, g.name, int64(number))
	if _, none := exchange.Status(err, http.StatusNotFound); none {
		_, err = g.fetch(ctx, number)
	}
	return err
}
