package parts

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// GitHubApp is an app, and its installation at one account.
type GitHubApp struct {
	ID, InstallationID int64
	Owner              string        // of the installation
	PrivateKey         []byte        // PEM, PKCS #1 as GitHub gives it
	Life               time.Duration // lifetime of a token; an hour

	github       *GitHub
	key          *rsa.PrivateKey
	permissions  map[string]string
	repositories []*GitHubRepository
	suspended    bool
	issued       int
}

// NewApp creates an app and installs it at an account, with permissions such as
// "contents": "write", for some repositories.
func (g *GitHub) NewApp(owner string, permissions map[string]string, repositories ...*GitHubRepository) *GitHubApp {
	g.t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		g.t.Fatalf("make a key: %v", err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	a := &GitHubApp{
		ID: int64(g.id()), InstallationID: int64(g.id()), Owner: owner, Life: time.Hour,
		PrivateKey: encode("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key)),
		github:     g, key: key, permissions: maps.Clone(permissions), repositories: repositories,
	}
	g.apps = append(g.apps, a)
	return a
}

// Grant changes a permission of the installation. Existing tokens keep theirs.
func (a *GitHubApp) Grant(permission, level string) {
	a.github.mu.Lock()
	defer a.github.mu.Unlock()
	a.permissions[permission] = level
}

// Suspend suspends the installation.
func (a *GitHubApp) Suspend() {
	a.github.mu.Lock()
	defer a.github.mu.Unlock()
	a.suspended = true
}

// Revoke revokes all issued tokens.
func (a *GitHubApp) Revoke() {
	a.github.mu.Lock()
	defer a.github.mu.Unlock()
	maps.DeleteFunc(a.github.tokens, func(_ string, t *githubToken) bool { return t.app == a })
}

// Issued returns the number of issued tokens.
func (a *GitHubApp) Issued() int {
	a.github.mu.Lock()
	defer a.github.mu.Unlock()
	return a.issued
}

// name is the author that GitHub shows.
func (t *githubToken) name() string {
	if t.app != nil {
		return fmt.Sprintf("app-%d[bot]", t.app.ID)
	}
	return t.user
}

// appOf returns the app that signed a JSON web token, or else what is wrong
// with the token:
// https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app
func (g *GitHub) appOf(token string) (*GitHubApp, string) {
	const undecodable = "A JSON web token could not be decoded"
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, undecodable
	}
	var claims struct {
		Iss      string
		Iat, Exp int64
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(payload, &claims) != nil {
		return nil, undecodable
	}
	now := time.Now().Unix()
	switch {
	case claims.Iat > now || claims.Exp < now:
		return nil, "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
	case claims.Exp > now+600:
		return nil, "'Expiration time' claim ('exp') is too far in the future"
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	for _, a := range g.apps {
		if err == nil && fmt.Sprint(a.ID) == claims.Iss && rsa.VerifyPKCS1v15(&a.key.PublicKey, crypto.SHA256, sum[:], signature) == nil {
			return a, ""
		}
	}
	return nil, undecodable
}

func (c *call) installation() reply {
	a := c.who.app
	var suspended any
	if a.suspended {
		suspended = "2026-01-02T03:04:05Z"
	}
	return reply{http.StatusOK, object{
		"id": a.InstallationID, "app_id": a.ID, "account": object{"login": a.Owner}, "permissions": a.permissions,
		"suspended_at": suspended, "repository_selection": "selected",
		"html_url": fmt.Sprintf("%s/organizations/%s/settings/installations/%d", c.github.URL, a.Owner, a.InstallationID),
	}}
}

func (c *call) getInstallation() reply {
	if int64(c.number("installation_id")) != c.who.app.InstallationID {
		return refuse(http.StatusNotFound, "Integration not found")
	}
	return c.installation()
}

// findInstallation treats accounts with a hyphen in their names as users.
func (c *call) findInstallation() reply {
	user := strings.Contains(c.who.app.Owner, "-")
	if owner := c.params["org"] + c.params["username"]; !strings.EqualFold(owner, c.who.app.Owner) || user != (c.params["org"] == "") {
		return refuse(http.StatusNotFound, "Not Found")
	}
	return c.installation()
}

func (c *call) createAccessToken() reply {
	a := c.who.app
	var in struct {
		Repositories []string
		Permissions  map[string]string
	}
	c.into(&in)
	switch {
	case int64(c.number("installation_id")) != a.InstallationID:
		return refuse(http.StatusNotFound, "Integration not found")
	case a.suspended:
		return refuse(http.StatusForbidden, "This installation has been suspended")
	case len(in.Repositories) == 0 || len(in.Permissions) == 0:
		c.github.wrong = append(c.github.wrong, c.name+": the token isn't narrowed")
	}
	made := &githubToken{app: a, permissions: in.Permissions, until: time.Now().Add(a.Life)}
	for permission, level := range in.Permissions {
		if !(&githubToken{permissions: a.permissions}).may(permission, level) {
			return invalidData("The permissions requested are not granted to this installation.")
		}
	}
	for _, name := range in.Repositories {
		i := slices.IndexFunc(a.repositories, func(r *GitHubRepository) bool { return strings.EqualFold(r.Name, a.Owner+"/"+name) })
		if i < 0 {
			return invalidData("There is at least one repository that does not exist or is not accessible to the parent installation.")
		}
		made.repositories = append(made.repositories, a.repositories[i])
	}
	a.issued++
	return reply{http.StatusCreated, object{
		"token": c.github.addToken("ghs_", made), "expires_at": made.until.UTC().Format(time.RFC3339), "permissions": in.Permissions,
	}}
}
