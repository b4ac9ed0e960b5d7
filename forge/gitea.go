package forge

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	sdk "code.gitea.io/sdk/gitea"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/forge/exchange"
)

// gitea is a repository at a Gitea or Forgejo.
type gitea struct {
	base        string // URL that /api/v1 is below
	owner, name string
	client      *http.Client
}

func openGitea(where *fleet.Forge, p exchange.Place, o Options) (host, error) {
	secret, err := token(where, p, o)
	if err != nil {
		return nil, err
	}
	t, err := exchange.NewTransport(where, p.Web, exchange.Bearing("token", secret), nil, o.exchange())
	if err != nil {
		return nil, err
	}
	n := len(p.Path) // a Gitea may live below a path
	return &gitea{
		base:  p.Web.JoinPath(p.Path[:n-2]...).String(),
		owner: p.Path[n-2], name: p.Path[n-1],
		client: t.Client(),
	}, nil
}

// api returns an SDK client for the requests of one call, because the client
// stores its context. It doesn't ask for the server's version, which would cost
// a request, and which Forgejo answers with its own.
func (g *gitea) api(ctx context.Context) (*sdk.Client, error) {
	return sdk.NewClient(g.base, sdk.SetHTTPClient(g.client), sdk.SetContext(ctx), sdk.SetGiteaVersion(""))
}

func (g *gitea) get(ctx context.Context, number int) (*PullRequest, error) {
	pr, err := g.fetch(ctx, number)
	if err != nil {
		return nil, err
	}
	return g.read(pr), nil
}

// fetch returns a pull request by its number.
func (g *gitea) fetch(ctx context.Context, number int) (*sdk.PullRequest, error) {
	api, err := g.api(ctx)
	if err != nil {
		return nil, err
	}
	pr, _, err := api.GetPullRequest(g.owner, g.name, int64(number))
	return pr, err
}

// taken matches the number in Gitea's message about an existing pull request.
var taken = pinsetter.Pattern(`issue_id: ([0-9]{1,9})\b`)

// create needs three requests, and more for labels. Reviewers follow later,
// since Forgejo doesn't accept them here.
func (g *gitea) create(ctx context.Context, p Proposal) (*PullRequest, error) {
	api, err := g.api(ctx)
	if err != nil {
		return nil, err
	}
	if err := g.differ(api, p); err != nil {
		return nil, err
	}
	labels, err := g.labels(api, p.Labels)
	if err != nil {
		return nil, err
	}
	pr, _, err := api.CreatePullRequest(g.owner, g.name, sdk.CreatePullRequestOption{
		Head: p.Head, Base: p.Base, Title: draftTitle(giteaDraft, p.Title, p.Draft), Body: p.Body,
		Labels: labels, Assignees: p.Assignees,
	})
	if refused, ok := exchange.Status(err, http.StatusConflict); ok {
		exists := &existsError{cause: refused}
		if match := taken().FindStringSubmatch(refused.Message); match != nil {
			exists.number, _ = strconv.Atoi(match[1])
		}
		return nil, exists
	}
	if err != nil {
		return nil, err
	}
	return g.read(pr), nil
}

// differ returns an error if two branches are at one commit. Gitea would open
// an empty pull request; other forges don't.
func (g *gitea) differ(api *sdk.Client, p Proposal) error {
	head, _, err := api.GetRepoBranch(g.owner, g.name, p.Head)
	if err != nil {
		return fmt.Errorf("branch %q: %w", p.Head, exchange.Inner(err))
	}
	base, _, err := api.GetRepoBranch(g.owner, g.name, p.Base)
	if err != nil {
		return fmt.Errorf("branch %q: %w", p.Base, exchange.Inner(err))
	}
	if head.Commit != nil && base.Commit != nil && head.Commit.ID == base.Commit.ID {
		return fmt.Errorf("%w: there is no difference between %q and %q", ErrInvalid, p.Head, p.Base)
	}
	return nil
}

func (g *gitea) further(p Proposal) bool { return len(p.Reviewers) > 0 }

// adorn requests reviews. Requesting one twice has no further effect.
func (g *gitea) adorn(ctx context.Context, pr *PullRequest, p Proposal) error {
	var options sdk.PullReviewRequestOptions
	for _, name := range p.Reviewers {
		if _, team, found := strings.Cut(name, "/"); found {
			options.TeamReviewers = append(options.TeamReviewers, team)
		} else {
			options.Reviewers = append(options.Reviewers, name)
		}
	}
	api, err := g.api(ctx)
	if err != nil || !g.further(p) {
		return err
	}
	_, err = api.CreateReviewRequests(g.owner, g.name, int64(pr.Number), options)
	return err
}

func (g *gitea) edit(ctx context.Context, pr *PullRequest, e edit) (*PullRequest, error) {
	api, err := g.api(ctx)
	if err != nil {
		return nil, err
	}
	options := sdk.EditPullRequestOption{Title: draftTitle(giteaDraft, e.Title, pr.Draft), Body: &e.Body}
	if e.Close {
		closed := sdk.StateClosed
		options.State = &closed
	}
	changed, _, err := api.EditPullRequest(g.owner, g.name, int64(pr.Number), options)
	if err != nil {
		return nil, err
	}
	return g.read(changed), nil
}

// commented needs one request: Gitea returns all comments at once.
func (g *gitea) commented(ctx context.Context, number int, mark string) (bool, error) {
	api, err := g.api(ctx)
	if err != nil {
		return false, err
	}
	comments, _, err := api.ListIssueComments(g.owner, g.name, int64(number), sdk.ListIssueCommentOptions{})
	if err != nil {
		return false, err
	}
	for _, comment := range comments {
		if strings.Contains(comment.Body, mark) {
			return true, nil
		}
	}
	return false, nil
}

func (g *gitea) comment(ctx context.Context, number int, text string) error {
	api, err := g.api(ctx)
	if err != nil {
		return err
	}
	_, _, err = api.CreateIssueComment(g.owner, g.name, int64(number), sdk.CreateIssueCommentOption{Body: text})
	return err
}
