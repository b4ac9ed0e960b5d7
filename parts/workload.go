package parts

import (
	"crypto/ecdsa"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
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
// (https://github.com/project-zot/zot/pull/3711, …/4171).
func (w *Workloads) Guard(host, account string, registry *Registry) http.Handler {
	admits := func(token string) bool {
		var claims jwt.RegisteredClaims
		_, err := jwt.ParseWithClaims(token, &claims, func(*jwt.Token) (any, error) { return &w.key.PublicKey, nil },
			jwt.WithIssuer(w.Issuer), jwt.WithAudience(host), jwt.WithValidMethods([]string{"ES256"}), jwt.WithExpirationRequired())
		return err == nil && claims.Subject == "system:serviceaccount:"+account
	}
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
