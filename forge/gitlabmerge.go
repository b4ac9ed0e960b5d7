package forge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	sdk "gitlab.com/gitlab-org/api/client-go"

	"github.com/pinsetter/pinsetter/forge/exchange"
)

// merge tells GitLab to merge: at once if the pipeline succeeded, else when the
// rules are met, through the merge train if there is one. GitLab refuses if
// there is no pipeline to wait for; then merge merges now, if the rules allow.
// Either way GitLab merges the given commit or none, so never one that somebody
// pushed in between.
// https://docs.gitlab.com/user/project/merge_requests/auto_merge/
func (g *gitlab) merge(ctx context.Context, pr *PullRequest) (Merging, string, error) {
	now, response, err := g.fetch(ctx, pr.Number)
	switch {
	case err != nil:
		return "", "", err
	case now.State == "merged":
		return MergeDone, "", nil
	case now.State == "closed":
		return "", "", fmt.Errorf("%w: it is closed", ErrInvalid)
	case now.Draft:
		return MergeWaiting, "it is a draft", nil
	case now.SHA != pr.HeadHash:
		return MergeWaiting, "its branch changed", nil
	case now.MergeWhenPipelineSucceeds:
		return MergeEnabled, waitsFor(now), nil
	}
	if why, err := g.checks(ctx, now); err != nil || why != "" {
		return MergeWaiting, why, err
	}
	// GitLab before 17.11 knows only the second name, and would merge at once.
	later := &sdk.AcceptMergeRequestOptions{AutoMerge: sdk.Ptr(true), MergeWhenPipelineSucceeds: sdk.Ptr(true), SHA: &pr.HeadHash} //nolint:staticcheck // for the older
	merging, refused, err := g.accept(ctx, pr, later)
	if err != nil || refused == nil {
		return merging.what, merging.why, err
	}
	why, err := g.unready(ctx, now, response.Header.Get("Date"))
	if err != nil || why != "" {
		return MergeWaiting, why, err
	}
	merging, refused, err = g.accept(ctx, pr, &sdk.AcceptMergeRequestOptions{SHA: &pr.HeadHash})
	if refused != nil {
		return MergeWaiting, refused.Message, nil
	}
	return merging.what, merging.why, err
}

// outcome is the result of an attempt to merge.
type outcome struct {
	what Merging
	why  string
}

// accept asks for a merge. If GitLab refuses, it returns the refusal.
func (g *gitlab) accept(ctx context.Context, pr *PullRequest, o *sdk.AcceptMergeRequestOptions) (outcome, *exchange.StatusError, error) {
	mr, err := write(ctx, g, func(project any) (*sdk.MergeRequest, *sdk.Response, error) {
		return g.api.MergeRequests.AcceptMergeRequest(project, int64(pr.Number), o, sdk.WithContext(ctx))
	})
	var refused *exchange.StatusError
	switch {
	case errors.As(err, &refused):
		switch refused.Status {
		case http.StatusMethodNotAllowed, http.StatusNotAcceptable, http.StatusConflict, http.StatusUnprocessableEntity:
			return outcome{}, refused, nil
		case http.StatusUnauthorized: // the token was good a moment ago
			return outcome{}, nil, fmt.Errorf("%w: the token's user may not merge into %q", ErrForbidden, pr.Base)
		}
		return outcome{}, nil, err
	case err != nil:
		return outcome{}, nil, err
	case mr.State == "merged":
		return outcome{what: MergeDone}, nil, nil
	case mr.MergeWhenPipelineSucceeds:
		return outcome{MergeEnabled, waitsFor(mr)}, nil, nil
	}
	return outcome{MergeWaiting, waitsFor(mr)}, nil, nil
}

// stopMerging checks before and after: GitLab answers 201 also if it refuses,
// or if there is no merge request:
// https://gitlab.com/gitlab-org/gitlab/-/merge_requests/255704
func (g *gitlab) stopMerging(ctx context.Context, number int) error {
	promised, err := g.promised(ctx, number)
	if err != nil || !promised {
		return err
	}
	_, err = write(ctx, g, func(project any) (*sdk.MergeRequest, *sdk.Response, error) {
		return g.api.MergeRequests.CancelMergeWhenPipelineSucceeds(project, int64(number), sdk.WithContext(ctx))
	})
	if _, ok := exchange.Status(err, http.StatusUnauthorized); ok { // the token was good a moment ago
		return fmt.Errorf("%w: the token's user may neither merge it nor opened it", ErrForbidden)
	}
	if err != nil {
		return err
	}
	if promised, err = g.promised(ctx, number); err == nil && promised {
		err = fmt.Errorf("%w: GitLab is still to merge it", ErrInvalid)
	}
	return err
}

// promised reports whether GitLab will merge an open merge request by itself.
func (g *gitlab) promised(ctx context.Context, number int) (bool, error) {
	now, _, err := g.fetch(ctx, number)
	if err != nil {
		return false, err
	}
	return now.State == "opened" && now.MergeWhenPipelineSucceeds, nil
}

// begins is the time that GitLab may need to begin a pipeline after a push. It
// does so in the background, and there is no way to ask.
const begins = time.Minute

// unready returns why a merge request that GitLab doesn't merge by itself can't
// be merged now, "" if it can. At is the forge's time.
func (g *gitlab) unready(ctx context.Context, mr *sdk.MergeRequest, at string) (string, error) {
	if why := waitsFor(mr); why != "" {
		return why, nil
	}
	now, err := http.ParseTime(at)
	if err == nil && mr.HeadPipeline == nil && mr.UpdatedAt != nil && now.Sub(*mr.UpdatedAt) < begins {
		return "GitLab may yet begin a pipeline", nil
	}
	project, err := g.about(ctx)
	if err != nil {
		return "", err
	}
	if project.MergeTrainsEnabled {
		return "the project merges by trains, and they take what has a pipeline", nil
	}
	return "", nil
}

// waitsFor returns what a merge request waits for, "" if GitLab names nothing:
// https://docs.gitlab.com/api/merge_requests/#merge-status
func waitsFor(mr *sdk.MergeRequest) string {
	if p := mr.HeadPipeline; p != nil && p.Status != "success" && p.Status != "skipped" {
		return fmt.Sprintf("the pipeline's status is %q", p.Status)
	}
	switch mr.DetailedMergeStatus {
	case "", "mergeable": // GitLab before 15.6 has none
		return ""
	}
	return "GitLab says: " + strings.ReplaceAll(mr.DetailedMergeStatus, "_", " ")
}
