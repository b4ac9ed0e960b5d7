package githubapp

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

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/forge/exchange"
	"github.com/pinsetter/pinsetter/login"
)

// Use is the purpose of an installation's token.
type Use string

// The uses of a token.
const (
	UseGit   Use = "git"   // fetch and push
	UsePulls Use = "pulls" // pull requests, and commits through the API
	UseTeams Use = "teams" // request reviews of teams
)

// permissions are the permissions that a use needs.
var permissions = map[Use]map[string]string{
	UseGit:   {"contents": "write", "metadata": "read"},
	UsePulls: {"contents": "write", "metadata": "read", "pull_requests": "write"},
	UseTeams: {"members": "read", "metadata": "read", "pull_requests": "write"},
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

// Server returns the web address of the GitHub that an app belongs to.
// Without a base URL that is github.com. No other server gets what the app
// signs.
func Server(app *fleet.GitHubApp, p exchange.Place) (*url.URL, error) {
	if app.BaseURL == "" {
		server := &url.URL{Scheme: "https", Host: "github.com"}
		if !pinsetter.SameOrigin(server, p.Web) {
			return nil, fmt.Errorf("%w: the app is one of github.com, and %s is elsewhere: give githubAppBaseURL", exchange.ErrInvalid, p)
		}
		return server, nil
	}
	u, err := url.Parse(app.BaseURL)
	if err != nil || u.Host == "" || u.User != nil || strings.TrimSuffix(strings.TrimSuffix(u.Path, "/"), "/api/v3") != "" {
		return nil, fmt.Errorf("%w: githubAppBaseURL is not an address such as https://HOST/api/v3", exchange.ErrInvalid)
	}
	server := &url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host)}
	if host, found := strings.CutPrefix(server.Host, "api."); found && (host == "github.com" || strings.HasSuffix(host, ".ghe.com")) {
		server.Host = host
	}
	if server.Scheme != "https" && (server.Scheme != "http" || !login.Loopback(server.Hostname())) {
		return nil, fmt.Errorf("%w: githubAppBaseURL is not https", exchange.ErrInvalid)
	}
	return server, nil
}

// fresh requests a token for one repository and the permissions of one use.
func (t *Tokens) fresh(ctx context.Context, where *fleet.Forge, p exchange.Place, u Use) (*Grant, error) {
	as, err := t.app(where, p)
	if err != nil {
		return nil, fmt.Errorf("the GitHub App %d: %w", where.App.ID, err)
	}
	granted, err := as.grant(ctx, where.App, p, u)
	if err != nil {
		return nil, fmt.Errorf("the GitHub App %d: %w", where.App.ID, exchange.Inner(err))
	}
	return granted, nil
}

func (t *Tokens) app(where *fleet.Forge, p exchange.Place) (client, error) {
	server, err := Server(where.App, p)
	if err != nil {
		return client{}, err
	}
	key, err := jwt.ParseRSAPrivateKeyFromPEM([]byte(where.App.PrivateKey.Reveal()))
	if err != nil {
		return client{}, fmt.Errorf("%w: githubAppPrivateKey is no RSA key in PEM", exchange.ErrAuth)
	}
	l := exchange.Login{Sent: fmt.Sprintf("the login of GitHub App %d, whose key is%s,", where.App.ID, exchange.From(where.App.PrivateKey))}
	l.Authorize = func(context.Context) (string, error) {
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
	rest := APIOf(server).REST
	transport, err := exchange.NewTransport(where, rest, l, nil, t.options)
	if err != nil {
		return client{}, err
	}
	return client{rest, transport.Client()}, nil
}

func (c client) grant(ctx context.Context, app *fleet.GitHubApp, p exchange.Place, u Use) (*Grant, error) {
	in, err := c.installation(ctx, app)
	if err != nil {
		return nil, err
	}
	owner, name := p.Path[0], p.Path[1]
	wanted := map[string]string{}
	for permission, level := range permissions[u] {
		wanted[permission] = level
	}
	if in.may(workflows, "write") && u != UseTeams {
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
	if _, refused := exchange.Status(err, http.StatusUnprocessableEntity); refused {
		return nil, fmt.Errorf("%w: its installation doesn't include %s: add it at %s: %w", exchange.ErrForbidden, p, exchange.Clean(in.HTMLURL), exchange.Inner(err))
	}
	if err != nil {
		return nil, err
	}
	if answer.Token == "" {
		return nil, errors.New("GitHub's answer has no token")
	}
	return &Grant{
		Token:     pinsetter.NewSecret(fmt.Sprintf("token of the GitHub App %d", app.ID), answer.Token),
		until:     answer.ExpiresAt,
		Workflows: wanted[workflows] != "",
		Settings:  exchange.Clean(in.HTMLURL),
	}, nil
}

// installation returns the app's installation, by its ID or owner.
func (c client) installation(ctx context.Context, app *fleet.GitHubApp) (*installation, error) {
	paths := []string{
		"orgs/" + app.InstallationOwner + "/installation",
		"users/" + app.InstallationOwner + "/installation",
	}
	what := fmt.Sprintf("at %q", app.InstallationOwner)
	switch {
	case app.InstallationID != 0:
		paths = []string{fmt.Sprintf("app/installations/%d", app.InstallationID)}
		what = fmt.Sprintf("with the ID %d", app.InstallationID)
	case app.InstallationOwner == "" || !Plain(app.InstallationOwner):
		return nil, fmt.Errorf("%w: give githubAppInstallationID or githubAppInstallationOwner", exchange.ErrInvalid)
	}
	for _, path := range paths {
		in := &installation{}
		err := c.do(ctx, http.MethodGet, path, nil, in)
		if err == nil {
			return in, nil
		}
		if !errors.Is(err, exchange.ErrNotFound) {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%w: it has no installation %s", exchange.ErrNotFound, what)
}

// allows returns an error if an installation can't serve a repository of this
// owner. GitHub's own answer wouldn't say why.
func (in *installation) allows(owner string, wanted map[string]string) error {
	account := exchange.Clean(in.Account.Login)
	if in.SuspendedAt != nil {
		return fmt.Errorf("%w: its installation at %s is suspended: %s", exchange.ErrForbidden, account, exchange.Clean(in.HTMLURL))
	}
	if !strings.EqualFold(in.Account.Login, owner) {
		return fmt.Errorf("%w: its installation is at %q, and the repository belongs to %q", exchange.ErrForbidden, account, owner)
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
		exchange.ErrForbidden, account, strings.Join(lacks, ", "), exchange.Clean(in.HTMLURL))
}

// levels orders the levels of a permission; a missing one is 0.
var levels = map[string]int{"read": 1, "write": 2, "admin": 3}

// may reports whether an installation has a permission.
func (in *installation) may(permission, level string) bool {
	return cmp.Compare(levels[in.Permissions[permission]], levels[level]) >= 0
}
