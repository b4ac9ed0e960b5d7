package secret

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/pinsetter/pinsetter/fleet"
)

// Forge fills in what a PullRequest's own Secret holds.
func (r *Reader) Forge(forge *fleet.Forge) {
	if r.has("ca.crt") || r.has("caFile") || r.has("tls.crt") {
		forge.TLS = r.TLS()
	}
	switch {
	case isGitHubApp(r) && forge.Provider != fleet.ForgeGitHub:
		r.fail("holds a GitHub App, and the provider is %s: give it the key token", forge.Provider)
	case isGitHubApp(r):
		forge.App = gitHubApp(r)
	case r.Need("token", "pull requests are opened with a token"):
		forge.Token = r.Line("token")
	}
}

// The keys of a GitHub App in a Secret, as Flux has them.
const (
	appID                = "githubAppID"
	appPrivateKey        = "githubAppPrivateKey"
	appInstallationID    = "githubAppInstallationID"
	appInstallationOwner = "githubAppInstallationOwner"
	appBaseURL           = "githubAppBaseURL"
)

// isGitHubApp reports whether the Secret has a key of a GitHub App.
func isGitHubApp(r *Reader) bool {
	for _, key := range r.Content.keys() {
		if strings.HasPrefix(key, "githubApp") {
			return true
		}
	}
	return false
}

// gitHubApp returns the app that the Secret holds, nil after reporting what is
// wrong with it.
func gitHubApp(r *Reader) *fleet.GitHubApp {
	if !r.Need(appID, "it is the app's number") || !r.Need(appPrivateKey, "it is the app's private key, in PEM") {
		return nil
	}
	app := &fleet.GitHubApp{
		PrivateKey:        r.rsaKey(appPrivateKey),
		InstallationOwner: r.PlainLine(appInstallationOwner),
		BaseURL:           r.PlainLine(appBaseURL),
	}
	id, ok := numberIn(r, appID)
	app.ID = id
	if r.has(appInstallationID) == r.has(appInstallationOwner) {
		r.fail("needs one of %s and %s", appInstallationID, appInstallationOwner)
		return nil
	}
	if r.has(appInstallationID) {
		installation, fine := numberIn(r, appInstallationID)
		app.InstallationID, ok = installation, ok && fine
	}
	if app.BaseURL != "" {
		if base, err := url.Parse(app.BaseURL); err != nil || base.Hostname() == "" || base.Scheme != "https" && base.Scheme != "http" || base.User != nil {
			r.fail("has a %s that is no https URL", appBaseURL)
			return nil
		}
	}
	if !ok || app.PrivateKey.IsZero() {
		return nil
	}
	return app
}

// numberIn returns the positive number that a key holds, false after reporting
// that it holds none.
func numberIn(r *Reader, key string) (int64, bool) {
	n, err := strconv.ParseInt(r.PlainLine(key), 10, 64)
	if err != nil || n <= 0 {
		r.fail("has no number under %s", key)
		return 0, false
	}
	return n, true
}
