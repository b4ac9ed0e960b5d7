package forge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	sdk "gitlab.com/gitlab-org/api/client-go"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/forge/exchange"
)

// gitlab is a project at a GitLab.
type gitlab struct {
	api   *sdk.Client
	path  string       // path of the project: groups, subgroups and name
	moved atomic.Int64 // the project's number once its path is known to have changed; else 0
}

func openGitLab(where *fleet.Forge, p exchange.Place, o Options) (host, error) {
	secret, err := token(where, p, o)
	if err != nil {
		return nil, err
	}
	if ofJob(secret) {
		return nil, fmt.Errorf("%w: %s is the token of a CI job, and GitLab lets none open merge requests: give a secretRef whose Secret has a project's access token of the scope api as the key token", ErrForbidden, secret)
	}
	t, err := exchange.NewTransport(where, p.Web, exchange.Bearing("Bearer", secret), nil, o.exchange())
	if err != nil {
		return nil, err
	}
	api, err := sdk.NewAuthSourceClient(sdk.Unauthenticated{}, sdk.WithBaseURL(p.Web.String()),
		sdk.WithHTTPClient(t.Client()), sdk.WithoutRetries(), sdk.WithCustomLimiter(noLimiter{}))
	if err != nil {
		return nil, err
	}
	return &gitlab{api: api, path: strings.Join(p.Path, "/")}, nil
}

// ofJob reports whether a token is a CI job's:
// https://docs.gitlab.com/security/tokens/#token-prefixes
func ofJob(secret pinsetter.Secret) bool {
	return secret.String() == "[CI_JOB_TOKEN]" || strings.HasPrefix(secret.Reveal(), "glcbt-")
}

// noLimiter disables the SDK's rate limiter; the transport keeps the pace.
type noLimiter struct{}

func (noLimiter) Wait(ctx context.Context) error { return ctx.Err() }

// project returns the project's name or number in the API.
func (g *gitlab) project() any {
	if number := g.moved.Load(); number != 0 {
		return number
	}
	return g.path
}

// write sends a request that writes. At a project's old path GitLab redirects
// only requests that read, so write sends it again with the project's number.
// It finds out the reason for a 403.
func write[T any](ctx context.Context, g *gitlab, send func(project any) (*T, *sdk.Response, error)) (*T, error) {
	out, err := whole(send(g.project()))
	refused, moved := exchange.Status(err, http.StatusMethodNotAllowed)
	moved = moved && strings.Contains(refused.Message, "moved projects")
	if !moved && !errors.Is(err, ErrForbidden) {
		return out, err
	}
	project, failed := g.about(ctx)
	switch {
	case failed != nil:
		return nil, err
	case moved:
		g.moved.Store(project.ID)
		return whole(send(project.ID))
	case project.Archived:
		return nil, ErrArchived
	}
	return nil, fmt.Errorf("%w (the token needs the scope api, and its user the role Developer)", exchange.Inner(err))
}

// whole returns an error if an SDK's result is nil, which happens if the answer
// was null.
func whole[T any](out *T, _ *sdk.Response, err error) (*T, error) {
	if err == nil && out == nil {
		err = errors.New("the answer is empty")
	}
	return out, err
}

// about returns the project.
func (g *gitlab) about(ctx context.Context) (*sdk.Project, error) {
	return whole(g.api.Projects.GetProject(g.project(), nil, sdk.WithContext(ctx)))
}

// fetch returns a merge request by its number.
func (g *gitlab) fetch(ctx context.Context, number int) (*sdk.MergeRequest, *sdk.Response, error) {
	mr, response, err := g.api.MergeRequests.GetMergeRequest(g.project(), int64(number), nil, sdk.WithContext(ctx))
	mr, err = whole(mr, response, err)
	return mr, response, err
}

// get returns the ETag of this very answer, since other requests' ETags are for
// other bytes.
func (g *gitlab) get(ctx context.Context, number int) (*PullRequest, error) {
	mr, response, err := g.fetch(ctx, number)
	if err != nil {
		return nil, err
	}
	pr := readMerge(&mr.BasicMergeRequest)
	if pr != nil {
		pr.ETag = response.Header.Get("ETag")
	}
	return pr, nil
}

// existing matches the number in GitLab's message about an existing merge
// request.
var existing = pinsetter.Pattern(`!([0-9]{1,9})\b`)

// create needs three requests. GitLab creates missing labels.
func (g *gitlab) create(ctx context.Context, p Proposal) (*PullRequest, error) {
	for _, label := range p.Labels {
		if strings.Contains(label, ",") {
			return nil, fmt.Errorf("%w: the label %q: GitLab has none with a comma", ErrInvalid, label)
		}
	}
	if err := g.differ(ctx, p); err != nil {
		return nil, err
	}
	mr, err := write(ctx, g, func(project any) (*sdk.MergeRequest, *sdk.Response, error) {
		return g.api.MergeRequests.CreateMergeRequest(project, &sdk.CreateMergeRequestOptions{
			SourceBranch: &p.Head, TargetBranch: &p.Base, Labels: (*sdk.LabelOptions)(&p.Labels),
			Title: sdk.Ptr(draftTitle(gitlabDraft, p.Title, p.Draft)), Description: sdk.Ptr(disarm(p.Body)),
		}, sdk.WithContext(ctx))
	})
	if refused, ok := exchange.Status(err, http.StatusConflict); ok {
		exists := &existsError{cause: refused}
		if match := existing().FindStringSubmatch(refused.Message); match != nil {
			exists.number, _ = strconv.Atoi(match[1])
		}
		return nil, exists
	}
	if err != nil {
		return nil, err
	}
	return readMerge(&mr.BasicMergeRequest), nil
}

// differ returns an error if a branch is missing, or both are at one commit:
// GitLab would open an empty merge request.
func (g *gitlab) differ(ctx context.Context, p Proposal) error {
	var hashes []string
	for _, name := range []string{p.Head, p.Base} {
		branch, err := whole(g.api.Branches.GetBranch(g.project(), name, sdk.WithContext(ctx)))
		if err != nil {
			return fmt.Errorf("branch %q: %w", name, exchange.Inner(err))
		}
		if branch.Commit != nil {
			hashes = append(hashes, branch.Commit.ID)
		}
	}
	if len(hashes) == 2 && hashes[0] == hashes[1] {
		return fmt.Errorf("%w: there is no difference between %q and %q", ErrInvalid, p.Head, p.Base)
	}
	return nil
}

func (g *gitlab) further(p Proposal) bool { return len(p.Reviewers)+len(p.Assignees) > 0 }

// adorn adds reviewers and assignees to those that people may have added. A
// name that GitLab doesn't know doesn't keep the others out.
func (g *gitlab) adorn(ctx context.Context, pr *PullRequest, p Proposal) error {
	if !g.further(p) {
		return nil
	}
	now, _, err := g.fetch(ctx, pr.Number)
	if err != nil {
		return err
	}
	reviewers, unasked := g.users(ctx, now.Reviewers, p.Reviewers)
	assignees, unassigned := g.users(ctx, now.Assignees, p.Assignees)
	_, err = write(ctx, g, func(project any) (*sdk.MergeRequest, *sdk.Response, error) {
		return g.api.MergeRequests.UpdateMergeRequest(project, int64(pr.Number), &sdk.UpdateMergeRequestOptions{
			ReviewerIDs: &reviewers, AssigneeIDs: &assignees,
		}, sdk.WithContext(ctx))
	})
	return errors.Join(unasked, unassigned, err)
}

// users returns the numbers of the present users and of the named ones.
func (g *gitlab) users(ctx context.Context, there []*sdk.BasicUser, names []string) ([]int64, error) {
	ids, errs := []int64{}, []error{}
	for _, user := range there {
		if user != nil {
			ids = append(ids, user.ID)
		}
	}
	for _, name := range names {
		id, err := g.user(ctx, name)
		if err != nil {
			errs = append(errs, err)
		} else if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids, errors.Join(errs...)
}

func (g *gitlab) user(ctx context.Context, name string) (int64, error) {
	if strings.Contains(name, "/") {
		return 0, fmt.Errorf("%w: %q: GitLab asks users for reviews, and no groups", ErrInvalid, name)
	}
	users, _, err := g.api.Users.ListUsers(&sdk.ListUsersOptions{Username: &name}, sdk.WithContext(ctx))
	if err != nil {
		return 0, fmt.Errorf("user %q: %w", name, exchange.Inner(err))
	}
	for _, user := range users {
		if strings.EqualFold(user.Username, name) {
			return user.ID, nil
		}
	}
	return 0, fmt.Errorf("%w: user %q", ErrNotFound, name)
}

func (g *gitlab) edit(ctx context.Context, pr *PullRequest, e edit) (*PullRequest, error) {
	options := &sdk.UpdateMergeRequestOptions{
		Title: sdk.Ptr(draftTitle(gitlabDraft, e.Title, pr.Draft)), Description: sdk.Ptr(disarm(e.Body)),
	}
	if e.Close {
		options.StateEvent = sdk.Ptr("close")
	}
	mr, err := write(ctx, g, func(project any) (*sdk.MergeRequest, *sdk.Response, error) {
		return g.api.MergeRequests.UpdateMergeRequest(project, int64(pr.Number), options, sdk.WithContext(ctx))
	})
	if err != nil {
		return nil, err
	}
	return readMerge(&mr.BasicMergeRequest), nil
}

func (g *gitlab) comment(ctx context.Context, number int, text string) error {
	_, err := write(ctx, g, func(project any) (*sdk.Note, *sdk.Response, error) {
		return g.api.Notes.CreateMergeRequestNote(project, int64(number), &sdk.CreateMergeRequestNoteOptions{Body: sdk.Ptr(disarm(text))}, sdk.WithContext(ctx))
	})
	return err
}
