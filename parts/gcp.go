package parts

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// GCP are the services of Google Cloud that log in to its registries, written
// from its API descriptions: the metadata server, STS, IAM Credentials and
// Artifact Registry with its token exchange.
type GCP struct {
	Metadata Front // http://169.254.169.254

	t      T
	clouds *Clouds

	mu        sync.Mutex
	account   string               // of the instance; "": none
	subjects  map[string]string    // subject token by audience
	awsKeys   map[string]AWSKeys   // that federate, by ID
	tokens    map[string]time.Time // of Google, and their end
	federated map[string]bool      // tokens of STS
	denied    bool
	busy      int // requests to the metadata server to refuse
}

// googleScope is the only scope that the stand-ins give tokens for.
const googleScope = "https://www.googleapis.com/auth/cloud-platform"

// emailScope may stand beside it: Flux's library asks for the address of the
// account too.
const emailScope = "https://www.googleapis.com/auth/userinfo.email"

// NewGCP starts the services. They end with t.
func NewGCP(t T, clouds *Clouds) *GCP {
	g := &GCP{t: t, clouds: clouds, subjects: map[string]string{}, awsKeys: map[string]AWSKeys{},
		tokens: map[string]time.Time{}, federated: map[string]bool{}}
	g.Metadata = Serve(t, http.HandlerFunc(g.metadata), FrontOptions{})
	clouds.Serve("sts.googleapis.com", http.HandlerFunc(g.sts))
	clouds.Serve("iamcredentials.googleapis.com", http.HandlerFunc(g.iam))
	return g
}

// SetAccount gives the instance a service account.
func (g *GCP) SetAccount(email string) { g.change(func() { g.account = email }) }

// Trust lets a token of another issuer in, for an audience.
func (g *GCP) Trust(audience, subject string) { g.change(func() { g.subjects[audience] = subject }) }

// TrustAWS lets an identity of AWS in.
func (g *GCP) TrustAWS(k AWSKeys) { g.change(func() { g.awsKeys[k.ID] = k }) }

// Deny takes the right to read from all identities.
func (g *GCP) Deny() { g.change(func() { g.denied = true }) }

// Busy makes the metadata server answer the next n requests with 503.
func (g *GCP) Busy(n int) { g.change(func() { g.busy = n }) }

func (g *GCP) change(f func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f()
}

// issue returns a new token of Google.
func (g *GCP) issue() string {
	token := "ya29." + rand.Text()
	g.tokens[token] = time.Now().Add(time.Hour)
	return token
}

func (g *GCP) metadata(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	w.Header().Set("Metadata-Flavor", "Google")
	const account = "/computeMetadata/v1/instance/service-accounts/default/"
	switch {
	case r.Header.Get("Metadata-Flavor") != "Google" || r.Header.Get("X-Forwarded-For") != "" || r.Method != http.MethodGet:
		w.WriteHeader(http.StatusForbidden)
	case g.busy > 0:
		g.busy--
		w.WriteHeader(http.StatusServiceUnavailable)
	case g.account == "" || !strings.HasPrefix(r.URL.Path, account):
		w.WriteHeader(http.StatusNotFound)
	case r.URL.Path == account+"email":
		_, _ = io.WriteString(w, g.account)
	case r.URL.Path == account+"token":
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": g.issue(), "expires_in": 3599, "token_type": "Bearer"})
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// sts exchanges tokens: https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token.
func (g *GCP) sts(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	data, _ := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	form := formOf(string(data))
	audience := form.Get("audience")
	problem := ""
	switch {
	case r.URL.Path != "/v1/token" || form.Get("grant_type") != "urn:ietf:params:oauth:grant-type:token-exchange" ||
		form.Get("requested_token_type") != "urn:ietf:params:oauth:token-type:access_token" || strings.TrimSuffix(form.Get("scope"), " "+emailScope) != googleScope:
		problem = "invalid_request"
	case form.Get("subject_token_type") == "urn:ietf:params:aws:token-type:aws4_request":
		if err := g.verifyAWS(form.Get("subject_token"), audience); err != nil {
			problem = "invalid_grant: " + err.Error()
		}
	case form.Get("subject_token_type") != "urn:ietf:params:oauth:token-type:jwt" || g.subjects[audience] == "" || form.Get("subject_token") != g.subjects[audience]:
		problem = "invalid_grant: the audience or the subject token is not trusted"
	}
	if problem != "" {
		kind, text, _ := strings.Cut(problem, ": ")
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": kind, "error_description": text})
		return
	}
	token := g.issue()
	g.federated[token] = true
	_ = json.NewEncoder(w).Encode(map[string]any{
		"access_token": token, "issued_token_type": "urn:ietf:params:oauth:token-type:access_token", "token_type": "Bearer", "expires_in": 3600,
	})
}

// verifyAWS checks the signed request for GetCallerIdentity that is the subject
// token of an identity of AWS.
func (g *GCP) verifyAWS(subject, audience string) error {
	plain, err := url.QueryUnescape(subject)
	if err != nil {
		return err
	}
	var signed struct {
		URL, Method string
		Headers     []struct{ Key, Value string }
	}
	if err := json.Unmarshal([]byte(plain), &signed); err != nil {
		return err
	}
	r, err := http.NewRequest(signed.Method, signed.URL, http.NoBody)
	if err != nil {
		return err
	}
	for _, h := range signed.Headers {
		r.Header.Set(h.Key, h.Value)
	}
	region := strings.Split(r.URL.Host, ".")[1]
	if r.Header.Get("X-Goog-Cloud-Target-Resource") != audience || r.URL.Query().Get("Action") != "GetCallerIdentity" {
		return fmt.Errorf("it is not a request for GetCallerIdentity that is bound to %s", audience)
	}
	id, _, _ := strings.Cut(signatureFields(r.Header.Get("Authorization"))["Credential"], "/")
	_, err = verifySigV4(r, g.awsKeys[id], region, "sts", time.Now())
	return err
}

// iam gives the token of a service account to a federated identity.
func (g *GCP) iam(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !g.federated[token] || !strings.HasSuffix(r.URL.Path, ":generateAccessToken") {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"accessToken": g.issue(), "expireTime": time.Now().Add(time.Hour).UTC().Format(time.RFC3339)})
}

// NewRegistry starts an Artifact Registry at a host, with its token server.
func (g *GCP) NewRegistry(host string) *Registry {
	r := NewRegistry(g.t, RegistryOptions{})
	g.clouds.Serve(host, exchanging{
		host: host, realm: "/v2/token", next: r.pages,
		login: func(user, password string) (int, string) {
			g.mu.Lock()
			defer g.mu.Unlock()
			switch until, known := g.tokens[password]; {
			case user != "oauth2accesstoken" || !known || time.Now().After(until):
				return http.StatusUnauthorized, "UNAUTHORIZED: authentication failed"
			case g.denied:
				return http.StatusForbidden, `DENIED: Permission "artifactregistry.repositories.downloadArtifacts" denied on resource`
			}
			return http.StatusOK, ""
		},
		mu: new(sync.Mutex), given: map[string]bool{},
	})
	return r
}

// exchanging is a registry with a token server at the same host, which gives a
// token for HTTP Basic.
type exchanging struct {
	host, realm string
	next        http.Handler
	login       func(user, password string) (status int, problem string)
	mu          *sync.Mutex
	given       map[string]bool
}

func (e exchanging) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == e.realm {
		e.token(w, r)
		return
	}
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	e.mu.Lock()
	known := e.given[token]
	e.mu.Unlock()
	if !known {
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="https://%s%s",service=%q`, e.host, e.realm, e.host))
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	e.next.ServeHTTP(w, r)
}

// token answers GET of the token server.
func (e exchanging) token(w http.ResponseWriter, r *http.Request) {
	user, password, ok := r.BasicAuth()
	status, problem := http.StatusUnauthorized, "UNAUTHORIZED: no credentials"
	if ok && r.URL.Query().Get("service") == e.host && strings.HasSuffix(r.URL.Query().Get("scope"), ":pull") {
		status, problem = e.login(user, password)
	}
	if problem != "" {
		code, text, _ := strings.Cut(problem, ": ")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]any{"errors": []any{map[string]string{"code": code, "message": text}}})
		return
	}
	token := rand.Text()
	e.mu.Lock()
	e.given[token] = true
	e.mu.Unlock()
	_ = json.NewEncoder(w).Encode(map[string]any{"token": token, "access_token": token, "expires_in": 300})
}
