package registry

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/login"
)

// defaultTimeout bounds a call if an Access sets no timeout. It is the usual
// minimum interval of an ImageRepository.
const defaultTimeout = time.Minute

// Access says how one object reaches its registry. The zero Access uses the
// environment's credentials over https.
type Access struct {
	// DockerConfigs are dockerconfigjson documents. Only one credential is
	// used: the one whose key has the longest path that matches the image; of
	// equal ones, the first document's. If none matches, the environment is
	// asked; if it has none either, requests are anonymous.
	DockerConfigs []pinsetter.Secret

	// Provider logs in if DockerConfigs has no credential: the cloud login.AWS,
	// login.Azure or login.GCP, or login.Kubernetes with a token like Token. "":
	// none, or a token if Options.Tokens has one for the host.
	Provider string
	Token    pinsetter.TokenWanted

	TLS pinsetter.TLS

	Proxy    *pinsetter.Proxy // nil: the environment's proxies (HTTPS_PROXY, NO_PROXY…)
	Insecure bool             // allow plain HTTP if the registry has no TLS

	// Write asks token servers for the right to push too.
	Write bool

	// MountFrom are repositories at the same registry, such as "org/staging", whose
	// blobs PushBlob may mount instead of sending them.
	MountFrom []string

	// Timeout bounds one call of Tags or Digest: waiting, authentication and all
	// pages. 0: one minute.
	Timeout time.Duration

	// LoginAdvice tells people how to give a login, in the error of a registry that
	// wants one, such as "give --creds". "": by a Secret in secretRef.
	LoginAdvice string

	// Answer bounds one answer if it is longer than Options.Answer.
	Answer time.Duration
}

// proxyPasswords returns the passwords of all proxies that this access may use.
func (a Access) proxyPasswords() []pinsetter.Secret {
	if a.Proxy == nil {
		return login.Environment{Getenv: os.Getenv}.ProxyPasswords()
	}
	return login.ProxySecrets(a.Proxy)
}

func (a Access) timeout() time.Duration {
	if a.Timeout <= 0 {
		return defaultTimeout
	}
	return a.Timeout
}

// connection returns an identity of the settings that a connection depends on.
func (a Access) connection() string {
	parts := []string{string(a.TLS.CA), string(a.TLS.Cert), a.TLS.Key.Reveal()}
	if a.Proxy != nil {
		parts = append(parts, a.Proxy.Address, a.Proxy.Username, a.Proxy.Password.Reveal())
	}
	return identity(parts...)
}

// identity returns a short digest of the parts: equal parts have equal digests.
// It reveals nothing about the parts, some of which are secret.
func identity(parts ...string) string {
	hash := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(hash, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(hash.Sum(nil)[:16])
}

// transport returns the transport for an access with that connection. Equal ones
// share a transport, and with it their connections.
func (r *Registry) transport(key string, a Access) (*http.Transport, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if kept, ok := r.transports[key]; ok {
		return kept, nil
	}
	made, err := newTransport(a, r.options)
	if err != nil {
		return nil, err
	}
	r.transports[key] = made
	return made, nil
}

func newTransport(a Access, o Options) (*http.Transport, error) {
	config, err := tlsConfig(a)
	if err != nil {
		return nil, err
	}
	proxy, err := proxyFunc(a.Proxy)
	if err != nil {
		return nil, err
	}
	return &http.Transport{
		DialContext:            o.Dialer.DialContext,
		Proxy:                  proxy,
		TLSClientConfig:        config,
		TLSHandshakeTimeout:    10 * time.Second,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    o.Concurrency,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 256 << 10, // a Link with an opaque token is a few KiB
	}, nil
}

func tlsConfig(a Access) (*tls.Config, error) {
	if (len(a.TLS.Cert) == 0) != a.TLS.Key.IsZero() {
		return nil, errors.New("read certSecretRef: tls.crt and tls.key go together, and only one is there")
	}
	return login.TLSConfig(a.TLS, " of certSecretRef")
}

func proxyFunc(p *pinsetter.Proxy) (func(*http.Request) (*url.URL, error), error) {
	if p == nil {
		return http.ProxyFromEnvironment, nil
	}
	address, err := url.Parse(p.Address)
	if err != nil || address.Host == "" {
		return nil, errors.New("read address of proxySecretRef: not a URL such as http://proxy.example:3128")
	}
	switch address.Scheme {
	case "http", "https", "socks5":
	default:
		return nil, fmt.Errorf("read address of proxySecretRef: scheme %q is none of http, https, socks5", address.Scheme)
	}
	if address.User != nil {
		return nil, errors.New("read address of proxySecretRef: it holds a user; give username and password as keys of the Secret")
	}
	if err := (login.Dialer{}).CheckHost(address.Host); err != nil {
		return nil, fmt.Errorf("read address of proxySecretRef: %w", err)
	}
	if p.Username != "" || !p.Password.IsZero() {
		address.User = url.UserPassword(p.Username, p.Password.Reveal())
	}
	return http.ProxyURL(address), nil
}
