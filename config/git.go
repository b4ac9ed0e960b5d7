package config

import (
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/spec"
	"github.com/pinsetter/pinsetter/strict"
)

// gitSpec is what is used of a GitRepository's spec.
type gitSpec struct {
	URL            string                     `json:"url"`
	Provider       string                     `json:"provider"`
	SecretRef      *spec.LocalObjectReference `json:"secretRef"`
	ProxySecretRef *spec.LocalObjectReference `json:"proxySecretRef"`
	Reference      *spec.GitRepositoryRef     `json:"ref"`
	Timeout        *spec.Duration             `json:"timeout"`
}

// gitDraft is a GitRepository. Only one that an automation uses is resolved: the
// others' Secrets need not be at hand.
type gitDraft struct {
	*object
	spec gitSpec
}

// providerGitHub logs in as a GitHub App.
const providerGitHub = "github"

// defaultGitTimeout is the CRD's.
const defaultGitTimeout = 60 * time.Second

func (l *loader) readGit(o *object, n *strict.Node) {
	g := &gitDraft{object: o}
	l.gits[o.name] = g
	if o.outdated {
		return
	}
	d := l.decoder(o)
	if n == nil {
		d.missing("spec")
	} else {
		d.lenientDecode(n, reflect.ValueOf(&g.spec).Elem(), "spec")
		d.optionalReference("spec.secretRef", g.spec.SecretRef)
		d.optionalReference("spec.proxySecretRef", g.spec.ProxySecretRef)
		if d.require("spec.url", g.spec.URL) {
			d.url(g.spec.URL)
		}
		d.checkedOut("spec.ref", g.spec.Reference)
	}
	o.remember("spec.url", "spec.provider", "spec.secretRef.name", "spec.proxySecretRef.name")
}

// url reports an address that Git can't be asked at. It doesn't show one that
// can't be parsed or holds a password.
func (d *decoder) url(address string) {
	const field = "spec.url"
	u, err := url.Parse(address)
	shown := address
	if err == nil && u.User != nil {
		shown = u.Redacted()
	}
	switch {
	case err != nil && !strings.Contains(address, "://") && strings.Contains(address, "@"):
		d.fail(codeURL, field, "is written as for scp: write ssh://USER@HOST/PATH")
	case err != nil:
		d.fail(codeURL, field, "is not a URL%s", d.object.hint(address))
	case u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "ssh" && u.Scheme != "file":
		d.fail(codeURL, field, "%q is not an http, https or ssh URL%s", shown, d.object.hint(address))
	case u.Scheme == "file" && u.Path == "", u.Scheme != "file" && u.Hostname() == "":
		d.fail(codeURL, field, "%q names no repository%s", shown, d.object.hint(address))
	case substitution().MatchString(address):
		d.fail(codeURL, field, "%q can't be used%s", shown, d.object.hint(address))
	default:
		if _, found := u.User.Password(); found {
			d.fail(codeURL, field, "holds a password: move it to the Secret of spec.secretRef")
		}
	}
}

// gitSource resolves a GitRepository, once for all automations that use it.
func (l *loader) gitSource(g *gitDraft) *fleet.GitSource {
	if done, found := l.resolved[g.name]; found {
		return done
	}
	source := &fleet.GitSource{Name: g.name, Origin: g.origin, URL: g.spec.URL, Timeout: defaultGitTimeout}
	l.resolved[g.name] = source
	if g.spec.Timeout != nil {
		source.Timeout = max(g.spec.Timeout.Duration, time.Second)
	}
	switch g.spec.Provider {
	case "", "generic", providerGitHub:
	case "aws", "azure":
		g.fail(codeUnsupported, "spec.provider", "provider %s is not supported yet; use a secretRef", g.spec.Provider)
	default:
		g.fail(codeBadValue, "spec.provider", "%q is not a provider: write generic%s", g.spec.Provider, g.hint(g.spec.Provider))
	}
	switch {
	case g.spec.SecretRef != nil && validName(g.spec.SecretRef.Name):
		l.gitAuth(g, source)
	case g.spec.SecretRef == nil && g.spec.Provider == providerGitHub:
		g.fail(codeMissingField, "spec.secretRef", "is missing: provider %s logs in as the GitHub App that a Secret holds", providerGitHub)
	}
	if g.spec.ProxySecretRef != nil {
		source.Auth.Proxy = l.proxy(g.object, "spec.proxySecretRef.name", g.spec.ProxySecretRef.Name)
	}
	source.Err = g.err()
	return source
}

// gitAuth fills in what the GitRepository's Secret holds.
func (l *loader) gitAuth(g *gitDraft, source *fleet.GitSource) {
	const field = "spec.secretRef.name"
	auth := &source.Auth
	auth.Set = true
	s := l.secret(g.object, field, g.spec.SecretRef.Name)
	u, err := url.Parse(g.spec.URL)
	if s == nil || err != nil {
		return
	}
	with := user{g.object, field, s}
	switch app, wanted := with.isGitHubApp(), g.spec.Provider == providerGitHub; {
	case app && !wanted:
		with.fail("holds a GitHub App: write spec.provider: %s", providerGitHub)
		return
	case wanted && !app:
		with.fail("holds no GitHub App, which spec.provider: %s needs: give it the keys %s, %s and %s, or leave the provider out",
			providerGitHub, appID, appPrivateKey, appInstallationID)
		return
	case app && u.Scheme == "ssh":
		with.fail("holds a GitHub App, which logs in over https: write an https URL")
		return
	}
	switch u.Scheme {
	case "ssh":
		with.sshAuth(auth)
	case "http", "https":
		if g.spec.Provider == providerGitHub {
			source.App, auth.TLS = with.gitHubApp(), with.tls()
			return
		}
		with.httpAuth(auth)
	}
}

// certificateKeys are those of a Secret that has certificates.
var certificateKeys = []string{"ca.crt", "caFile", "tls.crt", "certFile", "tls.key", "keyFile"}

// others says which keys the Secret has, in brackets.
func (u user) others() string {
	if keys := u.from.keys(); len(keys) > 0 {
		return fmt.Sprintf(" (it has %s)", strings.Join(keys, ", "))
	}
	return ""
}

func (u user) sshAuth(auth *fleet.GitAuth) {
	identity := u.need("identity", "an ssh URL needs a private key there")
	hosts := u.need("known_hosts", "an ssh URL needs the server's keys there (ssh-keyscan HOST)")
	if !identity || !hosts {
		return
	}
	auth.Identity, auth.KnownHosts = u.secret("identity"), u.bytes("known_hosts")
	auth.IdentityPassword = u.line("password")
}

func (u user) httpAuth(auth *fleet.GitAuth) {
	username, password, bearer := u.has("username"), u.has("password"), u.has("bearerToken")
	switch {
	case u.has("identity") && !username && !bearer:
		u.fail("has the key identity, which is for ssh, and spec.url is http: write an ssh URL, or username and password")
		return
	case username && !password:
		u.fail("has username, and no password")
	case password && !username:
		u.fail("has password, and no username (any text will do where a token is the password)")
	case username && bearer:
		u.fail("has both username and bearerToken: keep one")
	case !username && !bearer && !slices.ContainsFunc(certificateKeys, u.has):
		u.fail("has nothing for an http URL: give it the keys username and password, or bearerToken%s", u.others())
	default:
		auth.Username, auth.Password, auth.Bearer = u.plainLine("username"), u.line("password"), u.line("bearerToken")
	}
	auth.TLS = u.tls()
}
