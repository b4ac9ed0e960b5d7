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
	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/git"
	"github.com/pinsetter/pinsetter/git/wire"
	"github.com/pinsetter/pinsetter/gitops/refusal"
)

// The errors that a caller acts on.
var (
	// ErrStale: the branch isn't what it was when it was read. Fetch and do it
	// again.
	ErrStale = refusal.ErrStale

	// ErrProtected: the server's rules refuse the push. Trying again won't help.
	ErrProtected = refusal.ErrProtected

	// ErrNoReplace is an ErrProtected: the branch may get commits on top of those that
	// it has, and keeps these.
	ErrNoReplace = refusal.ErrNoReplace

	// ErrUnknown: the answer to a push was lost, and it could not be found out
	// whether the push arrived. Fetch and look.
	ErrUnknown = errors.New("whether the push arrived is not known")

	// ErrAuth: the server doesn't accept the credentials, or wants some.
	ErrAuth = refusal.ErrAuth

	// ErrNotFound: there is no such repository, or the credentials don't show it.
	ErrNotFound = refusal.ErrNotFound

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

// explain returns err in the words of this package: with one of its sentinels
// and the way out, if they are known.
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
	if page := new(wire.PageError); errors.As(err, &page) {
		return explainPage(page)
	}
	if answer := new(githttp.Err); errors.As(err, &answer) {
		no := refusal.New(answered(answer), "", answer.Reason)
		if asked := answer.Response.Header.Get("Retry-After"); asked != "" {
			no.Help(fmt.Sprintf("it asks to wait (Retry-After: %s), and spec.timeout of the GitRepository is over before", pinsetter.Truncate(wire.Clean(asked), 100)))
		}
		return no
	}
	if line := new(pktline.ErrorLine); errors.As(err, &line) {
		return explainText(line.Text, err)
	}
	switch {
	case errors.Is(err, transport.ErrEmptyRemoteRepository):
		return ErrEmptyRepository
	case errors.Is(err, transport.ErrRepositoryNotFound):
		return refusal.New(ErrNotFound, "", detail(err, transport.ErrRepositoryNotFound))
	case errors.Is(err, transport.ErrAuthenticationRequired):
		return refusal.New(ErrAuth, "401", detail(err, transport.ErrAuthenticationRequired))
	case errors.Is(err, transport.ErrAuthorizationFailed):
		return refusal.New(ErrAuth, refusal.Forbidden, detail(err, transport.ErrAuthorizationFailed))
	}
	return explainTLS(err)
}

// explainText explains an error of reading by the text that the server sent
// before it ended; "": it sent none.
func explainText(text string, err error) error {
	switch {
	case text != "":
		return refusal.OfText(text)
	case errors.Is(err, packp.ErrEmptyInput):
		return io.ErrUnexpectedEOF
	}
	return err
}

// explainPage is explain for a page that is made for people.
func explainPage(page *wire.PageError) error {
	if page.Login {
		return refusal.New(ErrAuth, page.Error(), "")
	}
	return refusal.New(ErrNotFound, page.Error(), "")
}

// answered is refusal.ErrStatus with an HTTP status that go-git has no word for.
func answered(answer *githttp.Err) error {
	status := answer.StatusCode()
	return fmt.Errorf("%w %s", refusal.ErrStatus, strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status))))
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
	if refusal.NotOurRef(err.Error()) {
		return fmt.Errorf("%w: %w", ErrStale, cleaned{err})
	}
	return cleaned{err}
}

// cleaned is an error whose text may be a server's.
type cleaned struct{ error }

func (c cleaned) Error() string { return wire.Clean(c.error.Error()) }
func (c cleaned) Unwrap() error { return c.error }

// detail returns the text that a server sent beside a sentinel of go-git.
func detail(err, sentinel error) string {
	said, _ := strings.CutPrefix(err.Error(), sentinel.Error())
	return strings.TrimPrefix(said, ": ")
}
