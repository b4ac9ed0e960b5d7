package forge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	sdk "github.com/google/go-github/v60/github"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/login"
)

// use is the purpose of an installation's token.
type use string

const (
	useGit   use = "git"   // fetch and push
	usePulls use = "pulls" // pull requests, and commits through the API
	useTeams use = "teams" // request reviews of teams
)

// useKey is the key of a context's use.
type useKey struct{}

// useOf returns the purpose of a context's requests, pull requests by default.
func useOf(ctx context.Context) use {
	if u, ok := ctx.Value(useKey{}).(use); ok {
		return u
	}
	return usePulls
}

// permissions are the permissions that a use needs.
var permissions = map[use]map[string]string{
	useGit:   {"contents": "write", "metadata": "read"},
	usePulls: {"contents": "write", "metadata": "read", "pull_requests": "write"},
	useTeams: {"members": "read", "metadata": "read", "pull_requests": "write"},
}

// workflows is the permission to change .github/workflows. A token has it if
// the installation has.
const workflows = "workflows"

// installation is GitHub's description of an app's installation.
type installation struct {
	ID      int64  `json:"id"`
	HTMLURL string `json:"html_url"`
	Account struct {
		Login string `json:"login"`
	} `json:"account"`
	Permissions map[string]string `json:"permissions"`
	SuspendedAt *time.Time        `json:"suspended_at"`
}

// appServer returns the web address of the GitHub that an app belongs to.
// Without a base URL that is github.com. No other server gets what the app
// signs.
func appServer(app *fleet.GitHubApp, p place) (*url.URL, error) {
	if app.BaseURL == "" {
		server := &url.URL{Scheme: "https", Host: "github.com"}
		if !pinsetter.SameOrigin(server, p.web) {
			return nil, fmt.Errorf("%w: the app is one of github.com, and %s is elsewhere: give githubAppBaseURL", ErrInvalid, p)
		}
		return server, nil
	}
	u, err := url.Parse(app.BaseURL)
	if err != nil || u.Host == "" || u.User != nil || strings.TrimSuffix(strings.TrimSuffix(u.Path, "/"), "/api/v3") != "" {
		return nil, fmt.Errorf("%w: githubAppBaseURL is not an address such as https://HOST/api/v3", ErrInvalid)
	}
	server := &url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host)}
	if host, found := strings.CutPrefix(server.Host, "api."); found && (host == "github.com" || strings.HasSuffix(host, ".ghe.com")) {
		server.Host = host
	}
	if server.Scheme != "https" && (server.Scheme != "http" || !login.Loopback(server.Hostname())) {
		return nil, fmt.Errorf("%w: githubAppBaseURL is not https", ErrInvalid)
	}
	return server, nil
}

// grant requests a token for one repository and the permissions of one use.
func (t *Tokens) grant(ctx context.Context, where *fleet.Forge, p place, u use) (*grant, error) {
	client, err := t.app(where, p)
	if err != nil {
		return nil, fmt.Errorf("the GitHub App %d: %w", where.App.ID, err)
	}
	granted, err := client.grant(ctx, where.App, p, u)
	if err != nil {
		return nil, fmt.Errorf("the GitHub App %d: %w", where.App.ID, inner(err))
	}
	return granted, nil
}

// appClient sends requests as an app.
type appClient struct{ *sdk.Client }

func (t *Tokens) app(where *fleet.Forge, p place) (appClient, error) {
	server, err := appServer(where.App, p)
	if err != nil {
		return appClient{}, err
	}
	key, err := jwt.ParseRSAPrivateKeyFromPEM([]byte(where.App.PrivateKey.Reveal()))
	if err != nil {
		return appClient{}, fmt.Errorf("%w: githubAppPrivateKey is no RSA key in PEM", ErrAuth)
	}
	api := apiOf(server)
	transport, err := newTransport(where, api.rest, t.options)
	if err != nil {
		return appClient{}, err
	}
	transport.authorize = func(context.Context) (string, error) {
		now := t.options.Now()
		// GitHub allows a clock difference of a minute, and a lifetime of ten:
		// https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app
		signed, err := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.RegisteredClaims{
			Issuer:    strconv.FormatInt(where.App.ID, 10),
			IssuedAt:  jwt.NewNumericDate(now.Add(-time.Minute)),
			ExpiresAt: jwt.NewNumericDate(now.Add(9 * time.Minute)),
		}).SignedString(key)
		return "Bearer " + signed, err
	}
	transport.sent = fmt.Sprintf("the login of GitHub App %d, whose key is%s,", where.App.ID, from(where.App.PrivateKey))
	return appClient{api.sdk(transport.client())}, nil
}

func (c appClient) grant(ctx context.Context, app *fleet.GitHubApp, p place, u use) (*grant, error) {
	in, err := c.installation(ctx, app)
	if err != nil {
		return nil, err
	}
	owner, name := p.path[0], p.path[1]
	wanted := map[string]string{}
	for permission, level := range permissions[u] {
		wanted[permission] = level
	}
	if in.may(workflows, "write") && u != useTeams {
		wanted[workflows] = "write"
	}
	if err := in.allows(owner, wanted); err != nil {
		return nil, err
	}
	var answer struct {
		Token     string    `json:"token"`
		ExpiresAt time.Time `json:"expires_at"`
	}
	err = c.do(ctx, http.MethodPost, fmt.Sprintf("app/installations/%d/access_tokens", in.ID), map[string]any{
		"repositories": []string{name}, "permissions": wanted,
	}, &answer)
	if _, refused := status(err, http.StatusUnprocessableEntity); refused {
		return nil, fmt.Errorf("%w: its installation doesn't include %s: add it at %s: %w", ErrForbidden, p, clean(in.HTMLURL), inner(err))
	}
	if err != nil {
		return nil, err
	}
	if answer.Token == "" {
		return nil, errors.New("GitHub's answer has no token")
	}
	return &grant{
		token:     pinsetter.NewSecret(fmt.Sprintf("token of the GitHub App %d", app.ID), answer.Token),
		until:     answer.ExpiresAt,
		workflows: wanted[workflows] != "",
		settings:  clean(in.HTMLURL),
	}, nil
}

// installation returns the app's installation, by its ID or owner.
func (c appClient) installation(ctx context.Context, app *fleet.GitHubApp) (*installation, error) {
	paths := []string{
		"orgs/" + app.InstallationOwner + "/installation",
		"users/" + app.InstallationOwner + "/installation",
	}
	what := fmt.Sprintf("at %q", app.InstallationOwner)
	switch {
	case app.InstallationID != 0:
		paths = []string{fmt.Sprintf("app/installations/%d", app.InstallationID)}
		what = fmt.Sprintf("with the ID %d", app.InstallationID)
	case app.InstallationOwner == "" || !plain(app.InstallationOwner):
		return nil, fmt.Errorf("%w: give githubAppInstallationID or githubAppInstallationOwner", ErrInvalid)
	}
	for _, path := range paths {
		in := &installation{}
		err := c.do(ctx, http.MethodGet, path, nil, in)
		if err == nil {
			return in, nil
		}
		if !errors.Is(err, ErrNotFound) {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%w: it has no installation %s", ErrNotFound, what)
}

func (c appClient) do(ctx context.Context, method, path string, in, out any) error {
	request, err := c.NewRequest(method, path, in)
	if err != nil {
		return err
	}
	_, err = c.Do(ctx, request, out)
	return err
}

// allows returns an error if an installation can't serve a repository of this
// owner. GitHub's own answer wouldn't say why.
func (in *installation) allows(owner string, wanted map[string]string) error {
	account := clean(in.Account.Login)
	if in.SuspendedAt != nil {
		return fmt.Errorf("%w: its installation at %s is suspended: %s", ErrForbidden, account, clean(in.HTMLURL))
	}
	if !strings.EqualFold(in.Account.Login, owner) {
		return fmt.Errorf("%w: its installation is at %q, and the repository belongs to %q", ErrForbidden, account, owner)
	}
	var lacks []string
	for permission, level := range wanted {
		if !in.may(permission, level) {
			lacks = append(lacks, permission+": "+level)
		}
	}
	if len(lacks) == 0 {
		return nil
	}
	slices.Sort(lacks)
	return fmt.Errorf("%w: its installation at %s lacks %s: grant that in the app's settings, then accept it at %s",
		ErrForbidden, account, strings.Join(lacks, ", "), clean(in.HTMLURL))
}

// levels orders the levels of a permission; a missing one is 0.
var levels = map[string]int{"read": 1, "write": 2, "admin": 3}

// may reports whether an installation has a permission.
func (in *installation) may(permission, level string) bool {
	return cmp.Compare(levels[in.Permissions[permission]], levels[level]) >= 0
}
