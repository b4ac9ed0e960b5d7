package forge

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
)

// refreshBefore is how long before its end a token is replaced, so that none ends
// on the way: GitHub's end after an hour.
const refreshBefore = 5 * time.Minute

// Tokens is what all repositories of a program share at GitHub: the tokens of
// apps' installations, and the pauses between requests that write. It is safe for
// concurrent use.
//
// A token is for one repository and for what is done there, and is kept until
// five minutes before its end. Who shows another private key, or another
// installation, never gets it.
type Tokens struct {
	options Options

	mu     sync.Mutex
	grants map[grantKey]*slot
	paces  map[[sha256.Size]byte]*pace
}

// NewTokens returns Tokens without any token.
func NewTokens(o Options) *Tokens {
	return &Tokens{options: o.filled(), grants: map[grantKey]*slot{}, paces: map[[sha256.Size]byte]*pace{}}
}

// Git returns a token with which Git reads and writes the repository over https,
// by the user name "x-access-token". where.App is the app, and the repository is
// at the app's server: another one would see the token. The token may change
// .github/workflows where the installation may. It is good for five minutes at
// least.
func (t *Tokens) Git(ctx context.Context, where *fleet.Forge) (pinsetter.Secret, error) {
	p, err := parsePlace(where.URL)
	if err != nil {
		return pinsetter.Secret{}, fmt.Errorf("get a token for Git: %w", err)
	}
	granted, err := t.git(ctx, where, p)
	if err != nil {
		return pinsetter.Secret{}, fmt.Errorf("get a token for Git at %s: %w", p, err)
	}
	return granted.token, nil
}

func (t *Tokens) git(ctx context.Context, where *fleet.Forge, p place) (*grant, error) {
	if where.App == nil {
		return nil, fmt.Errorf("%w: no GitHub App is given", ErrInvalid)
	}
	server, err := appServer(where.App, p)
	if err != nil {
		return nil, err
	}
	if !pinsetter.SameOrigin(server, p.web) {
		return nil, fmt.Errorf("%w: the app's server is %s", ErrInvalid, server)
	}
	return t.get(ctx, where, p, useGit)
}

// grant is what an installation gives for one repository and one use.
type grant struct {
	token     pinsetter.Secret
	until     time.Time
	workflows bool   // it may change .github/workflows
	settings  string // web address of the installation's settings
}

// grantKey says whose token it is and what for. The private key is part of it:
// it is what shows that somebody may use the app.
type grantKey struct {
	app        [sha256.Size]byte
	repository string
	use        use
}

// slot holds a grant. Turn has room for one: who asks GitHub for a new token.
type slot struct {
	turn  chan struct{}
	grant *grant // nil: none yet
}

// get returns a grant that is good for a while. Of those who want one at the same
// time one asks GitHub; where that fails the next does.
func (t *Tokens) get(ctx context.Context, where *fleet.Forge, p place, u use) (*grant, error) {
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
	fresh, err := t.grant(withETag(ctx, ""), where, p, u)
	if err != nil {
		return nil, err
	}
	s.grant = fresh
	return fresh, nil
}

// forget drops a token that GitHub doesn't accept any more, such as one of an app
// that was uninstalled. If somebody is just getting a new one, that one stays.
func (t *Tokens) forget(where *fleet.Forge, p place, u use) {
	s := t.slot(where, p, u)
	select {
	case s.turn <- struct{}{}:
		s.grant = nil
		<-s.turn
	default:
	}
}

func (t *Tokens) slot(where *fleet.Forge, p place, u use) *slot {
	key := grantKey{app: fingerprint(where.App), repository: p.String(), use: u}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.grants[key] == nil {
		t.grants[key] = &slot{turn: make(chan struct{}, 1)}
	}
	return t.grants[key]
}

// fingerprint tells apps, installations and private keys apart.
func fingerprint(app *fleet.GitHubApp) [sha256.Size]byte {
	return sha256.Sum256(fmt.Appendf(nil, "%q %d %d %q %q",
		app.BaseURL, app.ID, app.InstallationID, app.InstallationOwner, app.PrivateKey.Reveal()))
}

// pace returns the pause that all share who write at a host with one credential.
func (t *Tokens) pace(host, credential string) *pace {
	key := sha256.Sum256(fmt.Appendf(nil, "%q %q", host, credential))
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.paces[key] == nil {
		t.paces[key] = &pace{between: betweenWrites}
	}
	return t.paces[key]
}
