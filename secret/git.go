package secret

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter/fleet"
)

// ProviderGitHub is the provider of a GitRepository that logs in as a GitHub App.
const ProviderGitHub = "github"

// Git fills in what a GitRepository's secretRef leads to, for its URL and provider.
func (r *Reader) Git(source *fleet.GitSource, provider string) {
	u, err := url.Parse(source.URL)
	if err != nil {
		return // reported
	}
	switch app, wanted := isGitHubApp(r), provider == ProviderGitHub; {
	case app && !wanted:
		r.fail("holds a GitHub App: write spec.provider: %s", ProviderGitHub)
		return
	case wanted && !app:
		r.fail("holds no GitHub App, which spec.provider: %s needs: give it the keys %s, %s and %s, or leave the provider out",
			ProviderGitHub, appID, appPrivateKey, appInstallationID)
		return
	case app && u.Scheme == "ssh":
		r.fail("holds a GitHub App, which logs in over https: write an https URL")
		return
	}
	switch u.Scheme {
	case "ssh":
		readSSH(r, &source.Auth)
	case "http", "https":
		if provider == ProviderGitHub {
			source.App, source.Auth.TLS = gitHubApp(r), r.TLS()
			return
		}
		readHTTP(r, &source.Auth)
	}
}

// certificateKeys are those of a Secret that has certificates.
var certificateKeys = []string{"ca.crt", "caFile", "tls.crt", "certFile", "tls.key", "keyFile"}

// otherKeys says which keys the Secret has, in brackets.
func otherKeys(r *Reader) string {
	if keys := r.Content.keys(); len(keys) > 0 {
		return fmt.Sprintf(" (it has %s)", strings.Join(keys, ", "))
	}
	return ""
}

func readSSH(r *Reader, auth *fleet.GitAuth) {
	identity := r.Need("identity", "an ssh URL needs a private key there")
	hosts := r.Need("known_hosts", "an ssh URL needs the server's keys there (ssh-keyscan HOST)")
	if !identity || !hosts {
		return
	}
	auth.Identity, auth.KnownHosts = r.SSHKey("identity"), r.bytes("known_hosts")
	auth.IdentityPassword = r.Line("password")
}

func readHTTP(r *Reader, auth *fleet.GitAuth) {
	username, password, bearer := r.has("username"), r.has("password"), r.has("bearerToken")
	switch {
	case r.has("identity") && !username && !bearer:
		r.fail("has the key identity, which is for ssh, and spec.url is http: write an ssh URL, or username and password")
		return
	case username && !password:
		r.fail("has username, and no password")
	case password && !username:
		r.fail("has password, and no username (any text will do where a token is the password)")
	case username && bearer:
		r.fail("has both username and bearerToken: keep one")
	case !username && !bearer && !slices.ContainsFunc(certificateKeys, r.has):
		r.fail("has nothing for an http URL: give it the keys username and password, or bearerToken%s", otherKeys(r))
	default:
		auth.Username, auth.Password, auth.Bearer = r.PlainLine("username"), r.Line("password"), r.Line("bearerToken")
	}
	auth.TLS = r.TLS()
}
