// Package charts reads the indexes of Helm's chart repositories over HTTP
// (https://helm.sh/docs/topics/chart_repository/): which versions of a chart there are,
// with their digests. An index is read once for all charts of it, as it comes, and
// asked for anew only if it changed. Its answers are treated as hostile: they are
// bounded in bytes and time, and what isn't a version never leaves the package.
package charts

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/login"
)

// ErrNotFound is in the chain of the error for a chart that the index doesn't have.
var ErrNotFound = errors.New("not found")

// Options are the settings of a Client. The zero value is ready for use.
type Options struct {
	Dialer    login.Dialer // opens every connection
	UserAgent string       // "": "pinsetter"
}

// Client asks for indexes and remembers them. It is safe for concurrent use.
type Client struct {
	options Options

	mu      sync.Mutex
	indexes map[string]*kept
}

// New returns a Client that remembers nothing yet.
func New(o Options) *Client {
	if o.UserAgent == "" {
		o.UserAgent = "pinsetter"
	}
	return &Client{options: o, indexes: map[string]*kept{}}
}

// Access is a chart repository and how it is reached.
type Access struct {
	URL      string // of the repository: http or https
	Username string
	Password pinsetter.Secret
	TLS      pinsetter.TLS
	Proxy    *pinsetter.Proxy // nil: the environment's proxies
	Timeout  time.Duration    // of one answer; 0: one minute
}

// Listing is the versions of a chart.
type Listing struct {
	Versions []Version // in the order of the index, each once
	Broken   []string  // entries that were passed over, with the reason; of all charts the first hundred
	At       time.Time // when the index was asked for
}

// kept is what is remembered of an index.
type kept struct {
	mu           sync.Mutex // held while it is asked for
	index        *index
	etag, edited string
	asked        time.Time
	client       *http.Client

	failed   error // of the last call of ask; nil: it went well
	failedAt time.Time
	waited   time.Duration // the timeout that it had
}

// Versions returns the versions of a chart, from an answer that is not older than
// after. Others of the same index share the answer, and a failure that is not older. The
// error names the index, and wraps ErrNotFound if it doesn't have the chart.
func (c *Client) Versions(ctx context.Context, a Access, chart string, after time.Time) (*Listing, error) {
	address, err := indexURL(a.URL)
	if err != nil {
		return nil, err
	}
	secrets := new(login.Scrubber)
	secrets.Keep("credential", login.SentAs(a.Username, a.Password)...)
	k, err := c.of(a)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", shown(address), err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.index == nil || k.asked.Before(after) {
		if err := k.askOnce(ctx, c.options, a, address, after); err != nil {
			return nil, secrets.Error(fmt.Errorf("read index %s: %w", shown(address), err))
		}
	}
	versions, found := k.index.charts[chart]
	if !found {
		return nil, fmt.Errorf("index %s has no chart %q that can be read: %w", shown(address), chart, ErrNotFound)
	}
	seen := map[string]bool{}
	l := &Listing{Broken: slices.Clone(k.index.broken[chart]), At: k.asked}
	for _, v := range versions {
		if !seen[v.Version] {
			seen[v.Version] = true
			l.Versions = append(l.Versions, v)
		}
	}
	return l, nil
}

// indexURL returns the address of a repository's index, with its query.
func indexURL(repository string) (*url.URL, error) {
	u, err := url.Parse(repository)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%q is not the http or https address of a chart repository", pinsetter.Printable(withoutUser(repository)))
	}
	u.Path = strings.TrimSuffix(u.Path, "/") + "/index.yaml"
	u.RawPath = ""
	return u, nil
}

// shown returns an address without what may be a credential: its user and its query.
func shown(address *url.URL) string {
	return (&url.URL{Scheme: address.Scheme, Host: address.Host, Path: address.Path}).String()
}

func withoutUser(address string) string {
	if at := strings.LastIndexByte(address, '@'); at >= 0 {
		return address[at+1:]
	}
	return address
}

// of returns what is remembered of an index, for this access to it.
func (c *Client) of(a Access) (*kept, error) {
	sum := sha256.New()
	proxy := pinsetter.Proxy{}
	if a.Proxy != nil {
		proxy = *a.Proxy
	}
	for _, text := range []string{a.URL, a.Username, a.Password.Reveal(), string(a.TLS.CA), string(a.TLS.Cert), a.TLS.Key.Reveal(),
		proxy.Address, proxy.Username, proxy.Password.Reveal()} {
		fmt.Fprintf(sum, "%d %s\n", len(text), text)
	}
	key := string(sum.Sum(nil))
	c.mu.Lock()
	defer c.mu.Unlock()
	if found, ok := c.indexes[key]; ok {
		return found, nil
	}
	made, err := c.client(a)
	if err != nil {
		return nil, err
	}
	c.indexes[key] = &kept{client: made}
	return c.indexes[key], nil
}

func (c *Client) client(a Access) (*http.Client, error) {
	config, err := login.TLSConfig(a.TLS, " of certSecretRef")
	if err != nil {
		return nil, err
	}
	connections, err := login.Environment{Getenv: os.Getenv}.Transport(c.options.Dialer, pinsetter.TLS{}, a.Proxy)
	if err != nil {
		return nil, err
	}
	connections.TLSClientConfig = config
	connections.IdleConnTimeout, connections.MaxResponseHeaderBytes = 90*time.Second, 256<<10
	return &http.Client{CheckRedirect: toSameHostOrAnonymous, Transport: connections}, nil
}

// maxRedirects is that of Go's own client.
const maxRedirects = 10

// toSameHostOrAnonymous follows redirects, with the credential only to the origin that
// it belongs to, and never from https to http. No host is told the address that led to
// it: its query may be a credential.
func toSameHostOrAnonymous(request *http.Request, via []*http.Request) error {
	first := via[0].URL
	request.Header.Del("Referer")
	switch {
	case len(via) >= maxRedirects:
		return errors.New("it redirects too often")
	case first.Scheme == "https" && request.URL.Scheme != "https":
		return fmt.Errorf("%w: from https to %s://%s", login.ErrRedirect, request.URL.Scheme, request.URL.Host)
	case request.URL.Scheme != first.Scheme || request.URL.Host != first.Host:
		request.Header.Del("Authorization")
	}
	return nil
}

// askOnce asks for the index, unless that failed since after. It asks again if that was
// for want of time and there is more now. That a caller gave up says nothing of the index.
func (k *kept) askOnce(ctx context.Context, o Options, a Access, address *url.URL, after time.Time) error {
	timeout := a.timeout()
	hurried := errors.Is(k.failed, context.DeadlineExceeded) && timeout > k.waited
	if k.failed != nil && !after.IsZero() && !k.failedAt.Before(after) && !hurried {
		return k.failed
	}
	began := time.Now()
	err := k.ask(ctx, o, a, address)
	if k.failed = err; ctx.Err() != nil {
		k.failed = nil
	}
	k.failedAt, k.waited = began, timeout
	return err
}

func (a Access) timeout() time.Duration {
	if a.Timeout <= 0 {
		return time.Minute
	}
	return a.Timeout
}

// ask asks for the index. Without a change it keeps the one that it has.
func (k *kept) ask(ctx context.Context, o Options, a Access, address *url.URL) error {
	ctx, cancel := context.WithTimeout(ctx, a.timeout())
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return err
	}
	request.URL.User = nil
	request.Header.Set("User-Agent", o.UserAgent)
	if !a.Password.IsZero() || a.Username != "" {
		request.SetBasicAuth(a.Username, a.Password.Reveal())
	}
	if k.index != nil && k.etag != "" {
		request.Header.Set("If-None-Match", k.etag)
	}
	if k.index != nil && k.edited != "" {
		request.Header.Set("If-Modified-Since", k.edited)
	}
	asked := time.Now()
	response, err := k.client.Do(request)
	if with := (*url.Error)(nil); errors.As(err, &with) {
		return with.Err // without the address, which may be a redirect's with a signature
	}
	if err != nil {
		return err
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode == http.StatusNotModified && k.index != nil:
		k.asked = asked
		return nil
	case response.StatusCode != http.StatusOK:
		said, _ := io.ReadAll(io.LimitReader(response.Body, 4<<10))
		return fmt.Errorf("%s: %s", response.Status, login.Said(said))
	}
	found, err := read(response.Body)
	if err != nil {
		return err
	}
	k.index, k.asked = found, asked
	k.etag, k.edited = response.Header.Get("ETag"), response.Header.Get("Last-Modified")
	return nil
}
