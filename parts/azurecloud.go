package parts

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// AzureCloud are the services of Azure that log in to its registries, written from
// its API descriptions: the metadata service, Entra, and registries with their
// token exchange.
type AzureCloud struct {
	IMDS Front // http://169.254.169.254

	t      T
	clouds *Clouds
	tenant string

	mu         sync.Mutex
	identities map[string]bool   // client ids of the machine's managed identities; "": the system's
	assertions map[string]string // federated token by client id
	entra      map[string]string // resource by token
	refresh    map[string]string // host by registry's token
	denied     bool              // the role
}

// NewAzureCloud starts the services, and Entra for a tenant at an authority such as
// login.microsoftonline.com. They end with t.
func NewAzureCloud(t T, clouds *Clouds, authority, tenant string) *AzureCloud {
	a := &AzureCloud{t: t, clouds: clouds, tenant: tenant, identities: map[string]bool{}, assertions: map[string]string{},
		entra: map[string]string{}, refresh: map[string]string{}}
	a.IMDS = Serve(t, http.HandlerFunc(a.imds), FrontOptions{})
	clouds.Serve(authority, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.serveEntra(w, r, authority) }))
	return a
}

func (a *AzureCloud) change(f func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f()
}

// Assign gives the machine a managed identity; "": the system's.
func (a *AzureCloud) Assign(client string) { a.change(func() { a.identities[client] = true }) }

// Federate lets a client log in with a token of another issuer.
func (a *AzureCloud) Federate(client, token string) {
	a.change(func() { a.assertions[client] = token })
}

// Deny takes the role from all identities.
func (a *AzureCloud) Deny() { a.change(func() { a.denied = true }) }

// Revoke ends all tokens of registries and of Entra.
func (a *AzureCloud) Revoke() {
	a.change(func() {
		clear(a.refresh)
		clear(a.entra)
	})
}

// issue returns a new token of Entra for a resource.
func (a *AzureCloud) issue(resource string) string {
	token := "eyJ." + rand.Text() + ".entra"
	a.entra[token] = resource
	return token
}

// imds answers as
// https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token.
func (a *AzureCloud) imds(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	query := r.URL.Query()
	client := query.Get("client_id")
	if r.Header.Get("Metadata") != "true" || r.URL.Path != "/metadata/identity/oauth2/token" || query.Get("api-version") == "" || query.Get("resource") == "" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if !a.identities[client] {
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": "invalid_request", "error_description": "Identity not found"})
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]string{
		"access_token": a.issue(query.Get("resource")), "client_id": client, "token_type": "Bearer", "resource": query.Get("resource"),
		"expires_in": "86399", "expires_on": strconv.FormatInt(time.Now().Add(24*time.Hour).Unix(), 10),
	})
}

// serveEntra answers the configuration of the tenant, and the client
// credentials flow with a federated assertion:
// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow.
func (a *AzureCloud) serveEntra(w http.ResponseWriter, r *http.Request, authority string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	root := "/" + a.tenant
	switch r.URL.Path {
	case root + "/v2.0/.well-known/openid-configuration":
		base := "https://" + authority + root
		_ = json.NewEncoder(w).Encode(map[string]string{
			"token_endpoint": base + "/oauth2/v2.0/token", "authorization_endpoint": base + "/oauth2/v2.0/authorize", "issuer": base + "/v2.0",
		})
		return
	case root + "/oauth2/v2.0/token":
	default:
		w.WriteHeader(http.StatusNotFound)
		return
	}
	data, _ := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	form := formOf(string(data))
	client := form.Get("client_id")
	scope, found := "", false
	for word := range strings.FieldsSeq(form.Get("scope")) {
		if resource, ok := strings.CutSuffix(word, "/.default"); ok {
			scope, found = resource, true
		}
	}
	if !found || form.Get("grant_type") != "client_credentials" || a.assertions[client] == "" ||
		form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" || form.Get("client_assertion") != a.assertions[client] {
		w.WriteHeader(http.StatusUnauthorized)
		_ = json.NewEncoder(w).Encode(map[string]any{"error": "invalid_client", "error_description": "AADSTS700213: No matching federated identity record found", "error_codes": []int{700213}})
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": a.issue(scope)})
}

// NewRegistry starts a registry at a host, with its token exchange:
// https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md.
func (a *AzureCloud) NewRegistry(host string) *Registry {
	r := NewRegistry(a.t, RegistryOptions{})
	guarded := exchanging{
		host: host, realm: "/oauth2/token", next: r.pages, mu: new(sync.Mutex), given: map[string]bool{},
		login: func(user, password string) (int, string) {
			a.mu.Lock()
			defer a.mu.Unlock()
			if user != "00000000-0000-0000-0000-000000000000" || a.refresh[password] != host {
				return http.StatusUnauthorized, "UNAUTHORIZED: authentication required, visit https://aka.ms/acr/authorization for more information."
			}
			return http.StatusOK, ""
		},
	}
	a.clouds.Serve(host, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/oauth2/exchange" {
			guarded.ServeHTTP(w, r)
			return
		}
		a.exchange(w, r, host)
	}))
	return r
}

// exchange gives a registry's token for one of Entra.
func (a *AzureCloud) exchange(w http.ResponseWriter, r *http.Request, host string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	data, _ := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	form := formOf(string(data))
	switch {
	case r.Method != http.MethodPost || form.Get("grant_type") != "access_token" || form.Get("service") != host:
		w.WriteHeader(http.StatusBadRequest)
	case a.entra[form.Get("access_token")] != "https://containerregistry.azure.net":
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = fmt.Fprint(w, `{"errors":[{"code":"UNAUTHORIZED","message":"the token is for another audience"}]}`)
	case a.denied:
		w.WriteHeader(http.StatusForbidden)
		_, _ = fmt.Fprint(w, `{"errors":[{"code":"DENIED","message":"the identity has no role on the registry"}]}`)
	default:
		claims := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"exp":%d,"jti":%q}`, time.Now().Add(3*time.Hour).Unix(), rand.Text()))
		token := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256"}`)) + "." + claims + ".c2ln"
		a.refresh[token] = host
		_ = json.NewEncoder(w).Encode(map[string]string{"refresh_token": token})
	}
}

// Resource returns what a token of Entra is for, "" if it is none.
func (a *AzureCloud) Resource(token string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.entra[token]
}
