package parts

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// TokenOptions configure a token server. The zero value gives everybody any
// requested token.
type TokenOptions struct {
	FrontOptions

	Users   map[string]string // password by user; nil: anonymous requests are allowed
	Refresh string            // an accepted refresh token; "": none
	Expires time.Duration     // validity of a token; 0: five minutes
}

// TokenServer issues bearer tokens for registries, as the distribution project
// specifies them: JWTs, signed by ES256, with their certificate in x5c.
type TokenServer struct {
	Front
	Service string // the registry's name in token requests
	Issuer  string // issuer of the tokens
	CA      *CA    // of the tokens' certificate

	t       T
	options TokenOptions
	key     *ecdsa.PrivateKey
	chain   []string

	mu     sync.Mutex
	issued []grant
}

// grant is an issued token.
type grant struct {
	token   string
	scopes  []string
	expires time.Time
}

// NewTokenServer starts a token server that ends with t.
func NewTokenServer(t T, o TokenOptions) *TokenServer {
	t.Helper()
	if o.Expires == 0 {
		o.Expires = 5 * time.Minute
	}
	s := &TokenServer{Service: "registry.test", Issuer: "issuer.test", CA: NewCA(t), t: t, options: o, key: newKey(t)}
	leaf := template(s.Issuer)
	block, _ := pem.Decode(encode("CERTIFICATE", s.CA.sign(leaf, s.key)))
	s.chain = []string{base64.StdEncoding.EncodeToString(block.Bytes)}
	s.Front = Serve(t, s, o.FrontOptions)
	return s
}

// Realm returns the URL for a registry's challenge. Its host is localhost,
// because go-containerregistry refuses realms at private addresses other than
// the registry's own (its issue 2258).
func (s *TokenServer) Realm() string {
	return strings.Replace(s.URL, "127.0.0.1", "localhost", 1) + "/token"
}

// Issued returns the number of tokens issued for a scope, such as
// "repository:org/app:pull"; "": for all scopes.
func (s *TokenServer) Issued(scope string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, g := range s.issued {
		if scope == "" || strings.Contains(" "+strings.Join(g.scopes, " ")+" ", " "+scope+" ") {
			n++
		}
	}
	return n
}

// Revoke makes registries in this process refuse all tokens issued so far.
func (s *TokenServer) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.issued {
		s.issued[i].expires = time.Time{}
	}
}

func (s *TokenServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.knows(r) {
		http.Error(w, `{"errors":[{"code":"UNAUTHORIZED","message":"incorrect username or password"}]}`, http.StatusUnauthorized)
		return
	}
	var scopes []string
	for _, scope := range r.Form["scope"] {
		scopes = append(scopes, strings.Fields(scope)...)
	}
	token, err := s.issue(scopes)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"token": token, "access_token": token, "expires_in": int(s.options.Expires.Seconds()),
	})
}

// knows reports whether a request has valid credentials: GET with HTTP Basic,
// or POST with an OAuth 2 grant.
func (s *TokenServer) knows(r *http.Request) bool {
	if err := r.ParseForm(); err != nil {
		return false
	}
	if refresh := r.PostForm.Get("refresh_token"); refresh != "" {
		return s.options.Refresh != "" && equal(refresh, s.options.Refresh)
	}
	user, password, given := r.BasicAuth()
	if r.Method == http.MethodPost {
		user, password, given = r.PostForm.Get("username"), r.PostForm.Get("password"), true
	}
	if s.options.Users == nil {
		return true
	}
	want, known := s.options.Users[user]
	return given && known && equal(password, want)
}

func (s *TokenServer) issue(scopes []string) (string, error) {
	now := time.Now()
	grants := grant{scopes: scopes, expires: now.Add(s.options.Expires)}
	access := []map[string]any{}
	for _, scope := range scopes {
		kind, rest, _ := strings.Cut(scope, ":")
		colon := strings.LastIndex(rest, ":")
		if colon < 0 {
			continue
		}
		access = append(access, map[string]any{"type": kind, "name": rest[:colon], "actions": strings.Split(rest[colon+1:], ",")})
	}
	token, err := s.sign(map[string]any{
		"iss": s.Issuer, "aud": s.Service, "sub": "", "jti": rand.Text(), "access": access,
		"iat": now.Unix(), "nbf": now.Add(-time.Minute).Unix(), "exp": grants.expires.Unix(),
	})
	if err != nil {
		return "", err
	}
	grants.token = token
	s.mu.Lock()
	defer s.mu.Unlock()
	s.issued = append(s.issued, grants)
	return token, nil
}

// sign returns claims as a JWT (RFC 7519) with the signature of RFC 7518, 3.4.
func (s *TokenServer) sign(claims map[string]any) (string, error) {
	header, err := json.Marshal(map[string]any{"typ": "JWT", "alg": "ES256", "x5c": s.chain})
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	raw := base64.RawURLEncoding
	text := raw.EncodeToString(header) + "." + raw.EncodeToString(body)
	hash := sha256.Sum256([]byte(text))
	r, ss, err := ecdsa.Sign(rand.Reader, s.key, hash[:])
	if err != nil {
		return "", err
	}
	signature := append(r.FillBytes(make([]byte, 32)), ss.FillBytes(make([]byte, 32))...)
	return text + "." + raw.EncodeToString(signature), nil
}

// demand passes requests with a token of this server for their repository to
// next, and sends others to Realm.
func (s *TokenServer) demand(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scope := scopeOf(r)
		if s.covers(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), scope) {
			next.ServeHTTP(w, r)
			return
		}
		challenge := fmt.Sprintf("Bearer realm=%q,service=%q", s.Realm(), s.Service)
		if scope != "" {
			challenge += fmt.Sprintf(",scope=%q", scope)
		}
		w.Header().Set("WWW-Authenticate", challenge)
		http.Error(w, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`, http.StatusUnauthorized)
	})
}

func (s *TokenServer) covers(token, scope string) bool {
	resource := scope[:strings.LastIndex(scope, ":")+1]
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.issued {
		if g.token != token || time.Now().After(g.expires) {
			continue
		}
		for _, have := range g.scopes {
			if strings.HasPrefix(have, resource) && strings.Contains(have[len(resource):], strings.TrimPrefix(scope, resource)) {
				return true
			}
		}
		return scope == ""
	}
	return false
}

// scopeOf returns the scope that a request of a registry's API needs, "" for
// the bare /v2/.
func scopeOf(r *http.Request) string {
	path := strings.TrimPrefix(r.URL.Path, "/v2/")
	for _, resource := range []string{"/tags/list", "/manifests/", "/blobs/", "/referrers/"} {
		if i := strings.LastIndex(path, resource); i > 0 {
			action := "pull"
			if r.Method != http.MethodGet && r.Method != http.MethodHead {
				action = "push"
			}
			return "repository:" + path[:i] + ":" + action
		}
	}
	return ""
}
