package forge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	sdk "github.com/google/go-github/v60/github"

	"github.com/pinsetter/pinsetter/fleet"
)

// betweenWrites is the least time that GitHub wants between requests that
// write:
// https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api
const betweenWrites = time.Second

// github is a repository at GitHub or at a GitHub Enterprise Server.
type github struct {
	owner, name string
	api         githubAPI
	transport   *transport
	client      *http.Client

	// granted returns the token and permissions of an app's installation; nil
	// if a plain token is used.
	granted func(context.Context) (*grant, error)
}

func openGitHub(where *fleet.Forge, p place, o Options) (host, error) {
	if len(p.path) != 2 || !plain(p.path[0]) || !plain(p.path[1]) {
		return nil, errors.New("a repository at GitHub is https://HOST/OWNER/NAME")
	}
	if o.Tokens == nil {
		o.Tokens = NewTokens(o)
	}
	if where.App != nil {
		return openGitHubApp(where, p, o)
	}
	secret, err := token(where, p, o)
	if err != nil {
		return nil, err
	}
	g := &github{owner: p.path[0], name: p.path[1], api: apiOf(p.web)}
	if err := g.connect(where, o, secret.Reveal()); err != nil {
		return nil, err
	}
	g.transport.bearing("Bearer", secret)
	return g, nil
}

func openGitHubApp(where *fleet.Forge, p place, o Options) (host, error) {
	server, err := appServer(where.App, p)
	if err != nil {
		return nil, err
	}
	g := &github{owner: p.path[0], name: p.path[1], api: apiOf(server)}
	if err := g.connect(where, o, where.App.PrivateKey.Reveal()); err != nil {
		return nil, err
	}
	g.granted = func(ctx context.Context) (*grant, error) { return o.Tokens.get(ctx, where, p, useOf(ctx)) }
	g.transport.authorize = func(ctx context.Context) (string, error) {
		granted, err := g.granted(ctx)
		if err != nil {
			return "", err
		}
		return "Bearer " + granted.token.Reveal(), nil
	}
	g.transport.sent = fmt.Sprintf("the token of GitHub App %d, whose key is%s,", where.App.ID, from(where.App.PrivateKey))
	g.transport.refused = func(ctx context.Context) { o.Tokens.forget(where, p, useOf(ctx)) }
	return g, nil
}

func (g *github) connect(where *fleet.Forge, o Options, credential string) error {
	t, err := newTransport(where, g.api.rest, o)
	if err != nil {
		return err
	}
	t.pace = o.Tokens.pace(g.api.rest.Host, credential)
	g.transport, g.client = t, t.client()
	return nil
}

// plain reports whether a name of an owner or repository is one that GitHub
// allows.
func plain(name string) bool {
	return strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") == ""
}

// githubAPI holds the addresses of a GitHub's two APIs.
type githubAPI struct {
	rest  *url.URL // with a final slash
	graph *url.URL
}

// apiOf returns the APIs of the GitHub with this web address: github.com, a
// tenant of ghe.com, or an Enterprise Server.
func apiOf(web *url.URL) githubAPI {
	if web.Host == "github.com" || strings.HasSuffix(web.Host, ".ghe.com") {
		host := &url.URL{Scheme: web.Scheme, Host: "api." + web.Host, Path: "/"}
		return githubAPI{rest: host, graph: host.JoinPath("graphql")}
	}
	return githubAPI{rest: web.JoinPath("api", "v3", "/"), graph: web.JoinPath("api", "graphql")}
}

// sdk returns a client for one request. A longer-lived client would refuse
// requests by itself, by the machine's clock, once an answer said that none are
// left; the transport waits instead if that helps.
func (a githubAPI) sdk(c *http.Client) *sdk.Client {
	client := sdk.NewClient(c)
	client.BaseURL = a.rest
	return client
}

func (g *github) sdk() *sdk.Client { return g.api.sdk(g.client) }

func (g *github) get(ctx context.Context, number int, _ string) (*PullRequest, error) {
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
func (g *github) create(ctx context.Context, p Proposal) (*PullRequest, error) {
	pr, _, err := g.sdk().PullRequests.Create(ctx, g.owner, g.name, &sdk.NewPullRequest{
		Title: &p.Title, Head: &p.Head, Base: &p.Base, Body: &p.Body, Draft: &p.Draft,
	})
	refused, ok := status(err, http.StatusUnprocessableEntity)
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

func (g *github) further(p Proposal) bool {
	return len(p.Labels)+len(p.Reviewers)+len(p.Assignees) > 0
}

// adorn adds missing labels, reviewers and assignees, and keeps the present
// ones. GitHub creates labels that the repository lacks.
func (g *github) adorn(ctx context.Context, pr *PullRequest, p Proposal) error {
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
func (g *github) label(ctx context.Context, pr *PullRequest, names []string) error {
	client := g.sdk()
	path := fmt.Sprintf("repos/%s/%s/issues/%d/labels", g.owner, g.name, pr.Number)
	request, err := client.NewRequest(http.MethodPost, path, map[string]any{"labels": names})
	if err != nil {
		return err
	}
	_, err = client.Do(ctx, request, nil)
	return inner(err)
}

// assign returns an error that names who couldn't be assigned: GitHub drops
// them silently.
func (g *github) assign(ctx context.Context, pr *PullRequest, names []string) error {
	issue, _, err := g.sdk().Issues.AddAssignees(ctx, g.owner, g.name, pr.Number, names)
	if err != nil {
		return inner(err)
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

func (g *github) review(ctx context.Context, pr *PullRequest, names []string) error {
	var request sdk.ReviewersRequest
	for _, name := range names {
		if _, team, found := strings.Cut(name, "/"); found {
			request.TeamReviewers = append(request.TeamReviewers, team)
			ctx = context.WithValue(ctx, useKey{}, useTeams)
		} else {
			request.Reviewers = append(request.Reviewers, name)
		}
	}
	_, _, err := g.sdk().PullRequests.RequestReviewers(ctx, g.owner, g.name, pr.Number, request)
	return inner(err)
}

func (g *github) edit(ctx context.Context, pr *PullRequest, e edit) (*PullRequest, error) {
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

func (g *github) comment(ctx context.Context, number int, text string) error {
	_, _, err := g.sdk().Issues.CreateComment(ctx, g.owner, g.name, number, &sdk.IssueComment{Body: &text})
	return err
}
