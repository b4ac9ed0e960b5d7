// Package githubapp has the tokens of GitHub Apps: short-lived credentials for one
// repository and one use, for Git and for pull requests. It knows no pull request.
package githubapp

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/forge/exchange"
)

// refreshBefore is how long before its end a token is replaced, so that none
// expires on the way. GitHub's tokens last an hour.
const refreshBefore = 5 * time.Minute

// betweenWrites is the least time that GitHub wants between requests that
// write:
// https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api
const betweenWrites = time.Second

// Tokens is the state that all repositories of a program share at GitHub: the
// tokens of apps' installations, and the pauses between requests that write. It
// is safe for concurrent use.
//
// A token is for one repository and one purpose, and is reused until five
// minutes before its end. It is never handed to a caller with another private
// key or installation.
type Tokens struct {
	options exchange.Options

	mu     sync.Mutex
	grants map[grantKey]*slot
	paces  map[[sha256.Size]byte]*exchange.Pace
}

// NewTokens returns empty Tokens.
func NewTokens(o exchange.Options) *Tokens {
	return &Tokens{options: o.WithDefaults(), grants: map[grantKey]*slot{}, paces: map[[sha256.Size]byte]*exchange.Pace{}}
}

// Git returns a token with which Git reads and writes the repository over
// https, with the user name "x-access-token". Where.App is the app. The
// repository must be at the app's server, since another server would see the
// token. The token may change .github/workflows if the installation may. It is
// valid for at least five minutes.
func (t *Tokens) Git(ctx context.Context, where *fleet.Forge) (pinsetter.Secret, error) {
	p, err := exchange.ParsePlace(where.URL)
	if err != nil {
		return pinsetter.Secret{}, fmt.Errorf("get a token for Git: %w", err)
	}
	granted, err := t.git(ctx, where, p)
	if err != nil {
		return pinsetter.Secret{}, fmt.Errorf("get a token for Git at %s: %w", p, err)
	}
	return granted.Token, nil
}

func (t *Tokens) git(ctx context.Context, where *fleet.Forge, p exchange.Place) (*Grant, error) {
	if where.App == nil {
		return nil, fmt.Errorf("%w: no GitHub App is given", exchange.ErrInvalid)
	}
	server, err := Server(where.App, p)
	if err != nil {
		return nil, err
	}
	if !pinsetter.SameOrigin(server, p.Web) {
		return nil, fmt.Errorf("%w: the app's server is %s", exchange.ErrInvalid, server)
	}
	return t.Grant(ctx, where, p, UseGit)
}

// Grant is a token for one repository and one use.
type Grant struct {
	Token     pinsetter.Secret
	Workflows bool   // it may change .github/workflows
	Settings  string // web address of the installation's settings
	until     time.Time
}

// grantKey identifies a grant's owner and purpose. It includes the private key,
// which proves that its holder may use the app.
type grantKey struct {
	app        [sha256.Size]byte
	repository string
	use        Use
}

// slot holds a grant. Turn is a semaphore for the caller that requests a new
// one.
type slot struct {
	turn  chan struct{}
	grant *Grant // nil: none yet
}

// Grant returns a token that is valid for a while. Of several concurrent callers
// one asks GitHub; if that fails, the next one does.
func (t *Tokens) Grant(ctx context.Context, where *fleet.Forge, p exchange.Place, u Use) (*Grant, error) {
	s := t.slot(where, p, u)
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if s.grant != nil && t.options.Now().Before(s.grant.until.Add(-refreshBefore)) {
		return s.grant, nil
	}
	fresh, err := t.fresh(exchange.WithETag(ctx, ""), where, p, u)
	if err != nil {
		return nil, err
	}
	s.grant = fresh
	return fresh, nil
}

// Forget drops a token that GitHub no longer accepts, for example of an app
// that was uninstalled. It keeps a token that somebody is just renewing.
func (t *Tokens) Forget(where *fleet.Forge, p exchange.Place, u Use) {
	s := t.slot(where, p, u)
	select {
	case s.turn <- struct{}{}:
		s.grant = nil
		<-s.turn
	default:
	}
}

func (t *Tokens) slot(where *fleet.Forge, p exchange.Place, u Use) *slot {
	key := grantKey{app: fingerprint(where.App), repository: p.String(), use: u}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.grants[key] == nil {
		t.grants[key] = &slot{turn: make(chan struct{}, 1)}
	}
	return t.grants[key]
}

// fingerprint identifies an app, its installation and its private key.
func fingerprint(app *fleet.GitHubApp) [sha256.Size]byte {
	return sha256.Sum256(fmt.Appendf(nil, "%q %d %d %q %q",
		app.BaseURL, app.ID, app.InstallationID, app.InstallationOwner, app.PrivateKey.Reveal()))
}

// Pace returns the pace of all writers at a host with one credential.
func (t *Tokens) Pace(host, credential string) *exchange.Pace {
	key := sha256.Sum256(fmt.Appendf(nil, "%q %q", host, credential))
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.paces[key] == nil {
		t.paces[key] = exchange.NewPace(betweenWrites)
	}
	return t.paces[key]
}
