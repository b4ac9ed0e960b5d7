package forge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	sdk "github.com/google/go-github/v60/github"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/forge/exchange"
	"github.com/pinsetter/pinsetter/forge/githubapp"
)

// githubAccess is a repository at GitHub or at a GitHub Enterprise Server, and the
// way to it.
type githubAccess struct {
	owner, name string
	api         githubapp.API
	transport   *exchange.Transport
	client      *http.Client

	// granted returns the token and permissions of an app's installation; nil
	// if a plain token is used.
	granted func(context.Context) (*githubapp.Grant, error)
}

// github has the pull requests of a repository at GitHub.
type github struct{ *githubAccess }

func openGitHub(where *fleet.Forge, p exchange.Place, o Options) (host, error) {
	if len(p.Path) != 2 || !githubapp.Plain(p.Path[0]) || !githubapp.Plain(p.Path[1]) {
		return nil, errors.New("a repository at GitHub is https://HOST/OWNER/NAME")
	}
	if o.Tokens == nil {
		o.Tokens = NewTokens(o)
	}
	g := &githubAccess{owner: p.Path[0], name: p.Path[1]}
	if where.App != nil {
		return github{g}, g.loginAsApp(where, p, o)
	}
	secret, err := token(where, p, o)
	if err != nil {
		return nil, err
	}
	return github{g}, g.connect(where, p.Web, exchange.Bearing("Bearer", secret), secret, o)
}

// loginAsApp connects as the installation of an app.
func (g *githubAccess) loginAsApp(where *fleet.Forge, p exchange.Place, o Options) error {
	server, err := githubapp.Server(where.App, p)
	if err != nil {
		return err
	}
	g.granted = func(ctx context.Context) (*githubapp.Grant, error) { return o.Tokens.Grant(ctx, where, p, useOf(ctx)) }
	return g.connect(where, server, exchange.Login{
		Authorize: func(ctx context.Context) (string, error) {
			granted, err := g.granted(ctx)
			if err != nil {
				return "", err
			}
			return "Bearer " + granted.Token.Reveal(), nil
		},
		Sent:    fmt.Sprintf("the token of GitHub App %d, whose key is%s,", where.App.ID, exchange.From(where.App.PrivateKey)),
		Refused: func(ctx context.Context) { o.Tokens.Forget(where, p, useOf(ctx)) },
	}, where.App.PrivateKey, o)
}

// connect makes the transport to a server. All that log in with one credential
// share a pace.
func (g *githubAccess) connect(where *fleet.Forge, server *url.URL, l exchange.Login, credential pinsetter.Secret, o Options) error {
	g.api = githubapp.APIOf(server)
	pace := o.Tokens.Pace(g.api.REST.Host, credential.Reveal())
	t, err := exchange.NewTransport(where, g.api.REST, l, pace, o.exchange())
	if err != nil {
		return err
	}
	g.transport, g.client = t, t.Client()
	return nil
}

// sdk returns a client for one request. A longer-lived client would refuse
// requests by itself, by the machine's clock, once an answer said that none are
// left; the transport waits instead if that helps.
func (g *githubAccess) sdk() *sdk.Client {
	client := sdk.NewClient(g.client)
	client.BaseURL = g.api.REST
	return client
}

// useKey is the key of a context's use.
type useKey struct{}

// useOf returns the purpose of a context's requests, pull requests by default.
func useOf(ctx context.Context) githubapp.Use {
	if u, ok := ctx.Value(useKey{}).(githubapp.Use); ok {
		return u
	}
	return githubapp.UsePulls
}

func (g github) get(ctx context.Context, number int) (*PullRequest, error) {
	pr, response, err := g.sdk().PullRequests.Get(ctx, g.owner, g.name, number)
	if err != nil {
		return nil, err
	}
	out := readPull(pr)
	if out != nil {
		out.ETag = response.Header.Get("ETag")
	}
	return out, nil
}

// create opens a pull request. GitHub accepts nothing else in that request.
func (g github) create(ctx context.Context, p Proposal) (*PullRequest, error) {
	pr, _, err := g.sdk().PullRequests.Create(ctx, g.owner, g.name, &sdk.NewPullRequest{
		Title: &p.Title, Head: &p.Head, Base: &p.Base, Body: &p.Body, Draft: &p.Draft,
	})
	refused, ok := exchange.Status(err, http.StatusUnprocessableEntity)
	switch {
	case err == nil:
		return soundPull(pr)
	case ok && strings.Contains(refused.Message, "pull request already exists"):
		return nil, &existsError{cause: refused}
	case ok && strings.Contains(refused.Message, "PullRequest head invalid"):
		return nil, fmt.Errorf("%w: there is no branch %q", ErrNotFound, p.Head)
	case ok && strings.Contains(refused.Message, "PullRequest base invalid"):
		return nil, fmt.Errorf("%w: there is no branch %q", ErrNotFound, p.Base)
	}
	return nil, err
}

func (g github) further(p Proposal) bool {
	return len(p.Labels)+len(p.Reviewers)+len(p.Assignees) > 0
}

// adorn adds missing labels, reviewers and assignees, and keeps the present
// ones. GitHub creates labels that the repository lacks.
func (g github) adorn(ctx context.Context, pr *PullRequest, p Proposal) error {
	var errs []error
	if len(p.Labels) > 0 {
		errs = append(errs, g.label(ctx, pr, p.Labels))
	}
	if len(p.Assignees) > 0 {
		errs = append(errs, g.assign(ctx, pr, p.Assignees))
	}
	if len(p.Reviewers) > 0 {
		errs = append(errs, g.review(ctx, pr, p.Reviewers))
	}
	return errors.Join(errs...)
}

// label sends the documented form; the SDK sends a list, which is outdated.
func (g github) label(ctx context.Context, pr *PullRequest, names []string) error {
	client := g.sdk()
	path := fmt.Sprintf("repos/%s/%s/issues/%d/labels", g.owner, g.name, pr.Number)
	request, err := client.NewRequest(http.MethodPost, path, map[string]any{"labels": names})
	if err != nil {
		return err
	}
	_, err = client.Do(ctx, request, nil)
	return exchange.Inner(err)
}

// assign returns an error that names who couldn't be assigned: GitHub drops
// them silently.
func (g github) assign(ctx context.Context, pr *PullRequest, names []string) error {
	issue, _, err := g.sdk().Issues.AddAssignees(ctx, g.owner, g.name, pr.Number, names)
	if err != nil {
		return exchange.Inner(err)
	}
	assigned := map[string]bool{}
	for _, user := range issue.Assignees {
		assigned[strings.ToLower(user.GetLogin())] = true
	}
	for _, name := range names {
		if !assigned[strings.ToLower(name)] {
			return fmt.Errorf("%w: %q can't be assigned", ErrInvalid, name)
		}
	}
	return nil
}

func (g github) review(ctx context.Context, pr *PullRequest, names []string) error {
	var request sdk.ReviewersRequest
	for _, name := range names {
		if _, team, found := strings.Cut(name, "/"); found {
			request.TeamReviewers = append(request.TeamReviewers, team)
			ctx = context.WithValue(ctx, useKey{}, githubapp.UseTeams)
		} else {
			request.Reviewers = append(request.Reviewers, name)
		}
	}
	_, _, err := g.sdk().PullRequests.RequestReviewers(ctx, g.owner, g.name, pr.Number, request)
	return exchange.Inner(err)
}

func (g github) edit(ctx context.Context, pr *PullRequest, e edit) (*PullRequest, error) {
	change := &sdk.PullRequest{Title: &e.Title, Body: &e.Body}
	if e.Close {
		change.State = sdk.String("closed")
	}
	changed, _, err := g.sdk().PullRequests.Edit(ctx, g.owner, g.name, pr.Number, change)
	if err != nil {
		return nil, err
	}
	return soundPull(changed)
}

func (g github) comment(ctx context.Context, number int, text string) error {
	_, _, err := g.sdk().Issues.CreateComment(ctx, g.owner, g.name, number, &sdk.IssueComment{Body: &text})
	return err
}
