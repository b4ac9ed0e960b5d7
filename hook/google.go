package hook

import (
	"context"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/pinsetter/pinsetter"
)

// googleKeys is the address of the keys that Google signs its tokens with, the
// jwks_uri of https://accounts.google.com/.well-known/openid-configuration.
const googleKeys = "https://www.googleapis.com/oauth2/v3/certs"

// Bounds on fetching keys. Google changes them every few days and allows to
// keep them for some hours.
const (
	keysTimeout = 10 * time.Second
	maxKeys     = 64 << 10 // bytes; today's are 2 kB
	minKeptFor  = 5 * time.Minute
	maxKeptFor  = 24 * time.Hour
	keysPause   = time.Minute // least time between two requests, whatever senders do
)

// errNoKeys says that a token can't be checked now.
var errNoKeys = errors.New("Google's keys are not to be had") //nolint:staticcheck // a name

// keyring holds Google's keys.
type keyring struct {
	url    string
	client *http.Client
	now    func() time.Time

	mu    sync.Mutex // held during a fetch: whoever waits needs the keys too
	keys  map[string]*rsa.PublicKey
	until time.Time // time of the next fetch
	asked time.Time
}

func newKeyring(o Options) *keyring {
	connections, _ := o.Environment.Transport(o.Dialer, pinsetter.TLS{}, nil) // without a proxy or certificates of its own this never fails
	return &keyring{url: googleKeys, now: o.Now, client: &http.Client{
		Transport:     connections,
		Timeout:       keysTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// googleClaims are the claims of Google's tokens
// (https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions).
type googleClaims struct {
	jwt.RegisteredClaims
	Email         string `json:"email"`
	EmailVerified bool   `json:"email_verified"`
}

// check refuses a delivery without a token that Google signed for the
// receiver's audience and account.
func (k *keyring) check(ctx context.Context, d delivery) error {
	scheme, token, _ := strings.Cut(d.header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return errors.New("it has no bearer token: enable authentication of the push subscription")
	}
	var claims googleClaims
	_, err := jwt.ParseWithClaims(token, &claims, func(t *jwt.Token) (any, error) {
		id, _ := t.Header["kid"].(string)
		return k.key(ctx, id)
	}, jwt.WithValidMethods([]string{"RS256"}), jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(time.Minute),
		jwt.WithAudience(d.to.Audience), jwt.WithTimeFunc(k.now))
	switch {
	case errors.Is(err, errNoKeys):
		return errNoKeys
	case errors.Is(err, jwt.ErrTokenExpired):
		return errors.New("its token has expired")
	case errors.Is(err, jwt.ErrTokenInvalidAudience):
		return errors.New("its token is for another audience than the Secret's")
	case err != nil:
		return errors.New("its token is not one that Google signed")
	case claims.Issuer != "https://accounts.google.com" && claims.Issuer != "accounts.google.com":
		return errors.New("its token is of another issuer than Google")
	case !claims.EmailVerified || d.to.Email == "" || claims.Email != d.to.Email:
		return errors.New("its token is of another account than the Secret's email")
	}
	return nil
}

// key returns the key with the id. It fetches the keys if needed.
func (k *keyring) key(ctx context.Context, id string) (*rsa.PublicKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	current := now.Before(k.until)
	if key := k.keys[id]; key != nil && current {
		return key, nil
	}
	if now.Sub(k.asked) >= keysPause {
		k.asked = now
		if err := k.fetch(context.WithoutCancel(ctx), now); err != nil { // if this sender hangs up, the others still get the keys
			return nil, fmt.Errorf("%w: %w", errNoKeys, err)
		}
		current = true
	}
	switch key := k.keys[id]; {
	case !current:
		return nil, errNoKeys
	case key == nil:
		return nil, errors.New("no key of Google has this id")
	default:
		return key, nil
	}
}

var maxAge = pinsetter.Pattern(`(?:^|[,\s])max-age=([0-9]{1,9})(?:$|[,\s])`)

// fetch replaces the keys.
func (k *keyring) fetch(ctx context.Context, now time.Time) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, k.url, http.NoBody)
	if err != nil {
		return err
	}
	response, err := k.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, maxKeys))
	if err != nil {
		return err
	}
	keys, err := parseKeys(data)
	if err != nil {
		return err
	}
	age := time.Duration(0)
	if m := maxAge().FindStringSubmatch(response.Header.Get("Cache-Control")); m != nil {
		seconds, _ := strconv.Atoi(m[1])
		age = time.Duration(seconds) * time.Second
	}
	k.keys, k.until = keys, now.Add(min(max(age, minKeptFor), maxKeptFor))
	return nil
}

// parseKeys parses a JSON Web Key Set (RFC 7517) and returns its RSA keys for
// RS256 by their ids. It skips others; a set without any is an error.
func parseKeys(data []byte) (map[string]*rsa.PublicKey, error) {
	var set struct {
		Keys []struct{ Kid, Kty, Alg, Use, N, E string }
	}
	if err := json.Unmarshal(data, &set); err != nil {
		return nil, errors.New("no JSON Web Key Set")
	}
	keys := map[string]*rsa.PublicKey{}
	for _, key := range set.Keys {
		n, errN := base64.RawURLEncoding.DecodeString(key.N)
		e, errE := base64.RawURLEncoding.DecodeString(key.E)
		fit := key.Kty == "RSA" && (key.Alg == "" || key.Alg == "RS256") && (key.Use == "" || key.Use == "sig")
		if !fit || key.Kid == "" || errN != nil || errE != nil || len(e) == 0 || len(e) > 4 {
			continue
		}
		public := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
		if public.N.BitLen() >= 2048 && public.N.BitLen() <= 8192 && public.E >= 3 && public.E%2 == 1 {
			keys[key.Kid] = public
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("a JSON Web Key Set without a key for RS256")
	}
	return keys, nil
}
