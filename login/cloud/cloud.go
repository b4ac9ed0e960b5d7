// Package cloud logs in to the registries and Git services of AWS, Azure and
// Google Cloud as the identity that the cloud gives to this process. There is
// no password to keep: the clouds' own libraries find the identity, and it is
// exchanged for a short-lived token for one host.
//
//	logins := cloud.New(cloud.Options{Environment: e, Dialer: d})
//	found, err := logins.Registry(ctx, login.CloudRequest{Provider: "aws", Host: "123456789012.dkr.ecr.eu-west-1.amazonaws.com"})
//
// Nothing is asked before the first request. Every connection is opened by the
// Dialer, except those to metadata services, which have a door of their own
// (see door).
package cloud

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/login"
)

// Options are the settings of Logins. The zero value uses the environment's
// identities without a proxy.
type Options struct {
	Environment login.Environment // names the proxies
	Dialer      login.Dialer      // opens every connection but those to metadata services
	UserAgent   string            // "": "pinsetter"
	Tokens      TokenFiles        // of registries that take tokens of OpenID Connect

	// Now and Sleep replace time in tests. Nil: the real ones.
	Now   func() time.Time
	Sleep func(ctx context.Context, d time.Duration) error
}

// Logins are the logins to clouds of one process, remembered until shortly
// before they end. Make one for the life of the program. It is safe for
// concurrent use.
type Logins struct {
	options Options
	cache   *cache
	secrets *login.Scrubber
	dial    dialFunc      // of metadata services; replaced in tests
	trust   pinsetter.TLS // of the clouds' APIs; set in tests
}

// New returns Logins. It asks nobody yet.
func New(options Options) *Logins {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Sleep == nil {
		options.Sleep = sleep
	}
	if options.UserAgent == "" {
		options.UserAgent = "pinsetter"
	}
	return &Logins{options: options, cache: newCache(options.Now), secrets: new(login.Scrubber), dial: dialMetadata}
}

// Registry returns a login to a registry. Registries that share a scope, such
// as all of one region of AWS, share the login and its request. The error says
// which identity was tried, and wraps login.ErrNoIdentity if there is none.
func (l *Logins) Registry(ctx context.Context, r login.CloudRequest) (login.CloudLogin, error) {
	host, err := login.CloudHostFor(r.Provider, r.Host)
	if err != nil {
		return login.CloudLogin{}, err
	}
	if r.Provider == login.Kubernetes {
		found, err := l.projected(r)
		if err != nil {
			return login.CloudLogin{}, fmt.Errorf("log in to %s: %w", host.Host, l.told(err))
		}
		return found, nil
	}
	ask := map[string]func(context.Context, login.CloudHost, login.CloudRequest) (login.CloudLogin, error){
		login.AWS: l.ecr, login.GCP: l.gcp, login.Azure: l.acr,
	}[r.Provider]
	found, err := l.cache.get(ctx, scope(host, r), r.Refused, func(ctx context.Context) (login.CloudLogin, error) {
		return ask(ctx, host, r)
	})
	if err != nil {
		return login.CloudLogin{}, fmt.Errorf("log in to %s: %w", host.Host, l.told(err))
	}
	return found, nil
}

// scope returns the key of the logins that are the same for several hosts.
func scope(host login.CloudHost, r login.CloudRequest) string {
	key := host.Provider + " "
	switch host.Provider {
	case login.AWS:
		key += host.API // a token is for all registries of a region that the identity may read
	case login.Azure:
		key += host.Host + " " + connection(r)
	}
	return key + proxyKey(r)
}

// proxyKey tells proxies apart: a login is shared by requests through the same.
func proxyKey(r login.CloudRequest) string {
	if r.Proxy == nil {
		return ""
	}
	return fmt.Sprintf(" %q %q %q", r.Proxy.Address, r.Proxy.Username, r.Proxy.Password.Reveal())
}

// connection tells TLS settings apart.
func connection(r login.CloudRequest) string {
	return fmt.Sprintf("%q %q %q", r.TLS.CA, r.TLS.Cert, r.TLS.Key.Reveal())
}

// tokens matches what a cloud may repeat of tokens that its library sent: JWTs
// and Google's own.
var tokens = pinsetter.Pattern(`\beyJ[A-Za-z0-9_=-]{8,}(\.[A-Za-z0-9_=-]*)*|\bya29\.[A-Za-z0-9._-]+`)

// told returns an error that is safe to show: on one line, bounded, without the
// secrets that a cloud may have repeated.
func (l *Logins) told(err error) error {
	err = l.secrets.Error(err)
	text := pinsetter.Printable(tokens().ReplaceAllString(err.Error(), "[token]"))
	if text != err.Error() {
		return plainError{text, err}
	}
	return err
}

// plainError is an error with another text.
type plainError struct {
	text string
	err  error
}

func (e plainError) Error() string { return e.text }
func (e plainError) Unwrap() error { return e.err }

// client returns the HTTP client for a cloud's own library. It follows no
// redirect: the clouds' APIs send none, and a metadata service must not.
func (l *Logins) client(provider string, r login.CloudRequest, to pinsetter.TLS) (*http.Client, error) {
	base, err := l.options.Environment.Transport(l.options.Dialer, to, r.Proxy)
	if err != nil {
		return nil, err
	}
	return &http.Client{
		Transport:     &door{provider: provider, inside: metadataTransport(l.dial), outside: base, userAgent: l.options.UserAgent},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       requestTimeout,
	}, nil
}

// requestTimeout bounds one request to a cloud's API and its answer.
const requestTimeout = 30 * time.Second
