package gitops

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/git"
)

// The errors that a caller acts on.
var (
	// ErrStale: the branch isn't what it was when it was read. Fetch and do it
	// again.
	ErrStale = errors.New("the branch has moved since it was read")

	// ErrProtected: the server's rules refuse the push. Trying again won't help.
	ErrProtected = errors.New("the server refuses the push")

	// ErrUnknown: the answer to a push was lost, and it could not be found out
	// whether the push arrived. Fetch and look.
	ErrUnknown = errors.New("whether the push arrived is not known")

	// ErrAuth: the server doesn't accept the credentials, or wants some.
	ErrAuth = errors.New("access denied")

	// ErrNotFound: there is no such repository, or the credentials don't show it.
	ErrNotFound = errors.New("repository not found")

	// ErrNoRef: the branch, tag, commit or ref to check out doesn't exist.
	ErrNoRef = errors.New("no such ref")

	// ErrEmptyRepository: nothing was ever pushed to the repository.
	ErrEmptyRepository = errors.New("the repository is empty: push a first commit to it")

	// ErrNoPath: a file or directory isn't in the commit.
	ErrNoPath = git.ErrNoPath

	// ErrNoChange: a commit would change nothing.
	ErrNoChange = git.ErrNoChange

	// ErrBound: the repository is over one of the Bounds. The message names it.
	ErrBound = git.ErrBound

	// ErrNotEdits: a commit does more to its parent's files than to change the bytes
	// of some, or has not one parent.
	ErrNotEdits = git.ErrNotEdits

	// ErrTimeout: the source's timeout is over.
	ErrTimeout = errors.New("timed out")
)

// errStatus is for an answer of a server that is neither yes nor one of the
// errors above.
var errStatus = errors.New("the server answered")

// explain returns err in the words of this package: with one of its sentinels
// where one fits, and with the way out where it is known.
func explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if unexpected := new(plumbing.UnexpectedError); errors.As(err, &unexpected) {
		err = unexpected.Err // it has no Unwrap
	}
	if permanent := new(plumbing.PermanentError); errors.As(err, &permanent) {
		err = permanent.Err
	}
	if answer := new(githttp.Err); errors.As(err, &answer) {
		return explainStatus(answer)
	}
	switch {
	case errors.Is(err, transport.ErrEmptyRemoteRepository):
		return ErrEmptyRepository
	case errors.Is(err, transport.ErrRepositoryNotFound):
		return fmt.Errorf("%w: check the URL, and that the credentials may read it%s", ErrNotFound, detail(err, transport.ErrRepositoryNotFound))
	case errors.Is(err, transport.ErrAuthenticationRequired):
		return &denial{said: detail(err, transport.ErrAuthenticationRequired)}
	case errors.Is(err, transport.ErrAuthorizationFailed):
		return fmt.Errorf("%w (403): the credentials may not do this%s", ErrAuth, detail(err, transport.ErrAuthorizationFailed))
	}
	return explainTLS(err)
}

// denial is a 401.
type denial struct {
	sent string // what was sent and refused, for people; "": it isn't known, or nothing
	said string // by the server
}

func (e *denial) Error() string {
	if e.sent != "" {
		return fmt.Sprintf("%v (401): %s%s", ErrAuth, e.sent, e.said)
	}
	return fmt.Sprintf("%v (401): give a secretRef with valid credentials (where there is one, the environment counts for nothing), or a token in the environment (PINSETTER_GIT_TOKEN for the host, and port, in PINSETTER_GIT_HOST, or .netrc; over https)%s", ErrAuth, e.said)
}

func (e *denial) Unwrap() error { return ErrAuth }

// sentBy says what a source sends to log in, "" if no secretRef says so.
func sentBy(src *fleet.GitSource) string {
	auth := src.Auth
	switch {
	case auth.Secret.Name == "":
		return ""
	case src.App != nil:
		return fmt.Sprintf("the token of the GitHub App in Secret %s was refused", auth.Secret)
	case auth.Username == "" && auth.Password.IsZero() && auth.Bearer.IsZero():
		return fmt.Sprintf("Secret %s of the secretRef holds no credentials, and the environment isn't asked beside it: give it username and password, or bearerToken", auth.Secret)
	}
	return fmt.Sprintf("the credentials in Secret %s were refused: renew them there", auth.Secret)
}

// explainStatus is explain for an HTTP status that go-git has no word for.
func explainStatus(answer *githttp.Err) error {
	status := answer.StatusCode()
	text := fmt.Sprintf("%d %s", status, http.StatusText(status))
	if lines := git.Clean(answer.Reason); lines != "" {
		text += ": " + lines
	}
	return fmt.Errorf("%w %s", errStatus, text)
}

// explainTLS is explain for certificates, and for everything else.
func explainTLS(err error) error {
	var verification *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	switch {
	case errors.As(err, &authority):
		return fmt.Errorf("the server's certificate is not trusted: give its CA as ca.crt in the secret: %w", authority)
	case errors.As(err, &verification):
		return fmt.Errorf("the server's certificate is not valid: %w", verification.Err)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return fmt.Errorf("the server ended the connection early: %w", io.ErrUnexpectedEOF)
	}
	if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
		return fmt.Errorf("%w: %w", ErrTimeout, err)
	}
	if strings.Contains(err.Error(), "not our ref") { // git's upload-pack, of a want that was a ref before
		return fmt.Errorf("%w: %w", ErrStale, cleaned{err})
	}
	return cleaned{err}
}

// cleaned is an error whose text may be a server's.
type cleaned struct{ error }

func (c cleaned) Error() string { return git.Clean(c.error.Error()) }
func (c cleaned) Unwrap() error { return c.error }

// detail returns what a server said beside a sentinel of go-git, as ": text".
func detail(err, sentinel error) string {
	text, prefix := err.Error(), sentinel.Error()
	if len(text) < len(prefix) || text[:len(prefix)] != prefix {
		return ""
	}
	said := git.Clean(text[len(prefix):])
	if said == "" || said == ":" {
		return ""
	}
	if said[0] != ':' {
		said = ": " + said
	}
	return said
}
