package verify

import (
	"bytes"
	"context"
	_ "embed" // of the public good's root
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/tuf"
	sigstore "github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
)

// publicRoot is the trusted root of Sigstore's public good instance. It is the one
// in @sigstore/tuf 5.0.1, which was published on RootDate with version 16 of TUF's
// own root.
//
//go:embed trusted_root.json
var publicRoot []byte

// RootDate is the date of the trusted root that the program brings.
const RootDate = "2026-11-05"

const (
	// rootAge is the age at which a root is too old to be relied on alone: TUF's own
	// root, which vouches for it, is signed for half a year.
	rootAge = 180 * 24 * time.Hour

	// refreshTime bounds the refresh of the root, all requests together.
	refreshTime = 5 * time.Second

	// refreshEvery is how long a root is used before a newer one is asked for. TUF's
	// timestamp of it is signed for a week.
	refreshEvery = 24 * time.Hour
)

// Roots has the trusted roots of keyless rules. That of the public good instance is
// refreshed when it is first needed; if TUF doesn't answer in time, the one of
// RootDate is used. After refreshEvery it is refreshed again, and nobody waits for
// that. The zero Roots refreshes nothing. It is safe for concurrent use.
type Roots struct {
	Client *http.Client     // for TUF's repository; nil: nothing is refreshed
	Now    func() time.Time // nil: time.Now

	repository *repository // nil: that of the public good instance

	mu         sync.Mutex
	public     *trustedRoot
	text       []byte        // of public
	at         time.Time     // when public was asked for, zero before
	made       time.Time     // when public was known to be TUF's
	rotated    time.Time     // when another one took its place; zero: none did
	failed     error         // why it could not be refreshed
	refreshing chan struct{} // closed when a refresh that nobody waits for ended; nil: there was none
}

// repository is one of TUF.
type repository struct {
	url      string
	root     []byte        // to start from
	patience time.Duration // bounds all requests together
}

// trustedRoot is a root, ready to use.
type trustedRoot struct {
	material *root.TrustedRoot
	verifier *sigstore.Verifier
	old      string // what to say if it is too old, else ""
}

// of returns the root that a rule trusts.
func (r *Roots) of(ctx context.Context, trusted *fleet.Keyless) (*trustedRoot, error) {
	if trusted.Root != nil {
		return newRoot(trusted.Root)
	}
	if r == nil {
		r = &Roots{}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch now := r.now(); {
	case r.at.IsZero():
		r.at = now
		text, err := r.refresh(ctx)
		if err = r.replace(text, err); err != nil {
			return nil, err
		}
	case now.Sub(r.at) >= refreshEvery && r.Client != nil:
		r.at = now
		done := make(chan struct{})
		r.refreshing = done
		go r.refreshAgain(context.WithoutCancel(ctx), done)
	}
	root := *r.public
	root.old = r.tooOld()
	return &root, nil
}

// refreshAgain refreshes the root while the one before is in use.
func (r *Roots) refreshAgain(ctx context.Context, done chan struct{}) {
	defer close(done)
	text, err := r.refresh(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	_ = r.replace(text, err) // the one before stays
}

// replace takes a root into use that was asked for. If there is none, or it can't be
// read, the one in use stays; the first is that which the program brings. The error
// means that there is none at all.
func (r *Roots) replace(text []byte, failed error) error {
	if failed == nil {
		var root *trustedRoot
		if root, failed = newRoot(text); failed == nil {
			if r.public != nil && !bytes.Equal(text, r.text) {
				r.rotated = r.now()
			}
			r.public, r.text, r.made, r.failed = root, text, r.now(), nil
			return nil
		}
	}
	r.failed = failed
	if r.public != nil {
		return nil
	}
	root, err := newRoot(publicRoot)
	if err != nil {
		return err
	}
	r.public, r.text = root, publicRoot
	r.made, err = time.Parse(time.DateOnly, RootDate)
	return err
}

// Rotated returns when another root of the public good instance took the place of the
// one before, zero if none did: what was verified by it until then is to be asked
// again. A nil Roots has none.
func (r *Roots) Rotated() time.Time {
	if r == nil {
		return time.Time{}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rotated
}

func (r *Roots) now() time.Time {
	if r.Now != nil {
		return r.Now()
	}
	return time.Now()
}

// tooOld says that the root in use is too old, and why there is no other; "" if it
// isn't.
func (r *Roots) tooOld() string {
	if r.now().Sub(r.made) < rootAge || r.failed == nil {
		return ""
	}
	return fmt.Sprintf("the trusted root of Sigstore is of %s, which is too old, and there is no newer one (%s): use a newer version, let it reach %s, or name a trustedRootSecretRef",
		r.made.UTC().Format(time.DateOnly), pinsetter.Printable(r.failed.Error()), tuf.DefaultMirror)
}

// refresh returns the root that TUF's repository has now. The end of ctx doesn't end
// it, since others wait for it too.
func (r *Roots) refresh(ctx context.Context) ([]byte, error) {
	if r.Client == nil {
		return nil, errors.New("it isn't asked for")
	}
	from := r.repository
	if from == nil {
		from = &repository{tuf.DefaultMirror, tuf.DefaultRoot(), refreshTime}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), from.patience)
	defer cancel()
	client, err := tuf.New(&tuf.Options{Root: from.root, RepositoryBaseURL: from.url, DisableLocalCache: true, Fetcher: fetcher{ctx, r.Client}})
	if err != nil {
		return nil, err
	}
	return client.GetTarget("trusted_root.json")
}

// doubt returns why a signature doesn't verify: with a root that is too old that
// isn't known.
func (r *trustedRoot) doubt(err error) error {
	if r.old == "" {
		return err
	}
	return unknownError{fmt.Errorf("%w; %s", err, r.old)}
}

// newRoot reads a trusted root. Everything that it has is demanded of a signature: a
// log of certificates, a log of signatures, and in any case somebody who says when
// it was made.
func newRoot(text []byte) (*trustedRoot, error) {
	material, err := root.NewTrustedRootFromJSON(text)
	if err != nil {
		return nil, fmt.Errorf("the trusted root can't be read: %s", pinsetter.Printable(err.Error()))
	}
	demands := []sigstore.VerifierOption{sigstore.WithObserverTimestamps(1), sigstore.WithoutStatementPredicate()}
	if len(material.RekorLogs()) > 0 {
		demands = append(demands, sigstore.WithTransparencyLog(1))
	}
	if len(material.CTLogs()) > 0 {
		demands = append(demands, sigstore.WithSignedCertificateTimestamps(1))
	}
	verifier, err := sigstore.NewVerifier(material, demands...)
	if err != nil {
		return nil, err
	}
	return &trustedRoot{material: material, verifier: verifier}, nil
}

// fetcher reads files of TUF's repository. TUF's client passes no context, so it is
// kept here for one refresh.
type fetcher struct {
	ctx    context.Context
	client *http.Client
}

// DownloadFile implements the interface of TUF's client.
func (f fetcher) DownloadFile(address string, most int64, _ time.Duration) ([]byte, error) {
	request, err := http.NewRequestWithContext(f.ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	response, err := f.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, &metadata.ErrDownloadHTTP{StatusCode: response.StatusCode, URL: address}
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, most+1))
	if err == nil && int64(len(data)) > most {
		err = &metadata.ErrDownloadLengthMismatch{Msg: fmt.Sprintf("%s is larger than %d bytes", address, most)}
	}
	return data, err
}
