package parts

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// googleTokens is where the key of a service account is exchanged for a token:
// https://developers.google.com/identity/protocols/oauth2/service-account.
const googleTokens = "https://oauth2.googleapis.com/token"

// NewKey returns a key of a service account, in Google's JSON, and starts the
// service that exchanges it.
func (g *GCP) NewKey(email string) string {
	g.t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		g.t.Fatalf("make a key: %v", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		g.t.Fatalf("encode a key: %v", err)
	}
	g.clouds.Serve("oauth2.googleapis.com", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.exchangeKey(w, r, email, &key.PublicKey)
	}))
	text, err := json.MarshalIndent(map[string]string{
		"type": "service_account", "client_email": email, "private_key_id": "1", "token_uri": googleTokens,
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	}, "", "  ")
	if err != nil {
		g.t.Fatalf("encode a key: %v", err)
	}
	return string(text)
}

// exchangeKey gives a token for an assertion that the key has signed.
func (g *GCP) exchangeKey(w http.ResponseWriter, r *http.Request, email string, key *rsa.PublicKey) {
	data, _ := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	form, claims := formOf(string(data)), jwt.MapClaims{}
	_, err := jwt.ParseWithClaims(form.Get("assertion"), claims, func(*jwt.Token) (any, error) { return key, nil },
		jwt.WithValidMethods([]string{"RS256"}), jwt.WithAudience(googleTokens), jwt.WithIssuer(email), jwt.WithExpirationRequired())
	if err != nil || claims["scope"] != googleScope || form.Get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": "invalid_grant", "error_description": "Invalid JWT Signature."})
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": g.issue(), "token_type": "Bearer", "expires_in": 3599})
}

// Knows reports whether a token is one of Google's that lasts.
func (g *GCP) Knows(token string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return time.Now().Before(g.tokens[token])
}
