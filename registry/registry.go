package registry

import (
	"context"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/pinsetter/pinsetter/login"
	"github.com/pinsetter/pinsetter/pause"
	"github.com/pinsetter/pinsetter/taglist"
)

// defaultConcurrency is the documented default of --concurrency.
const defaultConcurrency = 16

// defaultRetries lets a request outlive the restart of a backend: with the
// pauses of backoff, four retries take about five seconds.
const defaultRetries = 4

// Options are the settings of a Registry. The zero value is ready for use.
type Options struct {
	Concurrency int          // maximum of requests in flight for each host; 0: 16
	Retries     int          // after resets, 5xx, and 429 or 503 without Retry-After; 0: 4, negative: none
	UserAgent   string       // "": "pinsetter"
	Dialer      login.Dialer // opens every connection
	PlainHTTP   []string     // hosts, "name" or "name:port", that may be asked without TLS if they have none
	Anonymous   bool         // don't use the environment's Docker configuration and credential helpers

	// Answer bounds one answer of a registry or token server, such as a page of
	// tags, from the request to its last byte. After a third of that time an
	// answer must arrive at 1 KiB a second or more. 0: 30 seconds.
	Answer time.Duration

	// Keep bounds the memory for remembered listings, in bytes. With them an
	// unchanged answer needs no parsing, and Kept works. 0: none, which fits a
	// program that lists each image once.
	Keep int64

	// RateLimit is called with the number of requests that a host still allows,
	// if the host says so. It is called concurrently. Nil: nobody is told.
	RateLimit func(host string, remaining int)

	// Clouds logs in to the registries of an Access with a Provider. Nil: such
	// an Access is an error.
	Clouds CloudLogins

	// Tokens are the hosts for which Clouds has an OpenID Connect token. An
	// Access without another login uses it.
	Tokens map[string]bool

	// LoggedIn is called once for each host with a provider, with a description
	// for people of the credential that it gets. It is called concurrently.
	// Nil: nobody is told.
	LoggedIn func(host, provider, credential string)

	// Now, Sleep and Random replace time and chance in tests. Nil: the real
	// ones. Sleep returns early with the context's error; Random returns a
	// number in [0, 1).
	Now    func() time.Time
	Sleep  func(ctx context.Context, d time.Duration) error
	Random func() float64
}

func (o Options) withDefaults() Options {
	if o.Concurrency <= 0 {
		o.Concurrency = defaultConcurrency
	}
	switch {
	case o.Retries == 0:
		o.Retries = defaultRetries
	case o.Retries < 0:
		o.Retries = 0
	}
	if o.Answer <= 0 {
		o.Answer = defaultAnswer
	}
	if o.UserAgent == "" {
		o.UserAgent = "pinsetter"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sleep == nil {
		o.Sleep = pause.For
	}
	if o.Random == nil {
		o.Random = rand.Float64
	}
	return o
}

// Registry holds the state that requests share: connections, the limits of each
// host, pings, tokens, and remembered listings. Make one for the life of the
// program. It is safe for concurrent use.
type Registry struct {
	options Options
	flights singleflight.Group // pings, token requests and calls of credential helpers
	lists   *taglist.Memory

	mu         sync.Mutex
	hosts      map[string]*host
	transports map[string]*http.Transport
	remembered map[string]memory
}

// New returns a Registry. It connects to nothing yet.
func New(options Options) *Registry {
	return &Registry{
		options:    options.withDefaults(),
		lists:      taglist.NewMemory(options.Keep),
		hosts:      map[string]*host{},
		transports: map[string]*http.Transport{},
		remembered: map[string]memory{},
	}
}
