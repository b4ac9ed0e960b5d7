package gitops

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/login"
)

// Credential returns what a GitHub App logs in with to the repository of src,
// whose App is set. It is safe for concurrent use.
type Credential func(ctx context.Context, src *fleet.GitSource) (user string, password pinsetter.Secret, err error)

// loginFunc returns what one conversation logs in with; nil for nothing.
type loginFunc func(context.Context) (transport.AuthMethod, error)

// always is for credentials that last.
func always(method transport.AuthMethod) loginFunc {
	return func(context.Context) (transport.AuthMethod, error) { return method, nil }
}

// appLogin asks for the credentials of a GitHub App anew each time, since its
// tokens end after an hour.
func appLogin(u *url.URL, src *fleet.GitSource, ask Credential, secrets *login.Scrubber) (loginFunc, error) {
	switch {
	case ask == nil:
		return nil, errors.New("no way to log in as a GitHub App was given")
	case u.Scheme != "https" && !login.Loopback(u.Hostname()):
		return nil, errors.New("a GitHub App's token would be shown by plain http: use https")
	}
	return func(ctx context.Context) (transport.AuthMethod, error) {
		user, password, err := ask(ctx, src)
		if err != nil {
			return nil, fmt.Errorf("log in as GitHub App %d: %w", src.App.ID, err)
		}
		return basic(user, password, secrets), nil
	}, nil
}
