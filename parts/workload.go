package parts

import (
	"crypto/ecdsa"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Workloads issues tokens of ServiceAccounts, as a cluster projects them into
// Pods, and guards registries that take them.
type Workloads struct {
	Issuer string

	key *ecdsa.PrivateKey
}

// NewWorkloads returns an issuer.
func NewWorkloads(t T) *Workloads {
	t.Helper()
	return &Workloads{Issuer: "https://cluster.example", key: newKey(t)}
}

// Token returns a token of an account, "namespace:name", for an audience, which
// ends after a time.
func (w *Workloads) Token(account, audience string, life time.Duration) string {
	now := time.Now()
	token, err := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.RegisteredClaims{
		Issuer: w.Issuer, Subject: "system:serviceaccount:" + account, Audience: jwt.ClaimStrings{audience},
		IssuedAt: jwt.NewNumericDate(now.Add(min(0, life) - time.Minute)), ExpiresAt: jwt.NewNumericDate(now.Add(life)),
	}).SignedString(w.key)
	if err != nil {
		panic(err) // the key fits
	}
	return token
}

// Guard lets an account's tokens for a host through to a registry there, as Zot
// does: as bearer tokens, and as passwords at its own token server
// (https://github.com/project-zot/zot, examples/README-OIDC-WORKLOAD-IDENTITY.md).
func (w *Workloads) Guard(host, account string, registry *Registry) http.Handler {
	admits := func(token string) bool { return w.admits(host, account, token) }
	const server = "/zot/auth/token"
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		_, password, basic := r.BasicAuth()
		switch {
		case r.URL.Path == server && basic && admits(password):
			_ = json.NewEncoder(rw).Encode(map[string]string{"token": password})
		case r.URL.Path != server && bearer && admits(token):
			registry.pages.ServeHTTP(rw, r)
		default:
			rw.Header().Set("WWW-Authenticate", fmt.Sprintf("Bearer realm=%q,service=%q", "https://"+host+server, host))
			rw.WriteHeader(http.StatusUnauthorized)
		}
	})
}

// admits reports whether a token is one of the account for the host.
func (w *Workloads) admits(host, account, token string) bool {
	var claims jwt.RegisteredClaims
	_, err := jwt.ParseWithClaims(token, &claims, func(*jwt.Token) (any, error) { return &w.key.PublicKey, nil },
		jwt.WithIssuer(w.Issuer), jwt.WithAudience(host), jwt.WithValidMethods([]string{"ES256"}), jwt.WithExpirationRequired())
	return err == nil && claims.Subject == "system:serviceaccount:"+account
}

// Harbor lets an account's tokens for a host through to a registry there, as
// Harbor does for its federated robot accounts: as passwords beside any user name,
// which its token server exchanges for tokens of its own. The registry takes only
// these, until revoke is called
// (https://github.com/container-registry/harbor-workload-identity-federation, docs/how-it-works.md).
func (w *Workloads) Harbor(host, account string, registry *Registry) (guard http.Handler, revoke func()) {
	const server = "/service/token"
	var mu sync.Mutex
	issued := map[string]bool{}
	guard = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		user, password, basic := r.BasicAuth()
		switch {
		case r.URL.Path == server && basic && user != "" && w.admits(host, account, password):
			token := rand.Text()
			issued[token] = true
			_ = json.NewEncoder(rw).Encode(map[string]any{"token": token, "expires_in": 1800})
		case r.URL.Path == server:
			rw.WriteHeader(http.StatusUnauthorized)
		case bearer && issued[token]:
			registry.pages.ServeHTTP(rw, r)
		default:
			rw.Header().Set("WWW-Authenticate", fmt.Sprintf("Bearer realm=%q,service=%q", "https://"+host+server, "harbor-registry"))
			rw.WriteHeader(http.StatusUnauthorized)
		}
	})
	return guard, func() {
		mu.Lock()
		defer mu.Unlock()
		clear(issued)
	}
}
