package config

import (
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/config/index"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/secret"
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
	ServiceAccount string                     `json:"serviceAccountName"`
}

// gitDraft is a GitRepository. Only one that an automation uses is resolved: the
// others' Secrets need not be at hand.
type gitDraft struct {
	*index.Object
	spec gitSpec
}

// defaultGitTimeout is the CRD's.
const defaultGitTimeout = 60 * time.Second

func (l reader) readGit(o *index.Object, n *strict.Node) {
	g := &gitDraft{Object: o}
	l.gits[o.Name] = g
	if o.Outdated {
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
		if provider := strict.Child(n, "provider"); provider != nil && !strict.IsNull(provider) && g.spec.Provider == "" && !d.Blamed("spec.provider") {
			o.Warn(codeBadValue, "spec.provider", "is empty, which Flux refuses: write generic, or leave it out")
		}
		if l.opts.FluxNeeds && strict.Child(n, "interval") == nil {
			o.Warn(codeMissingField, "spec.interval", "is missing, which Flux refuses: write one, such as 10m")
		}
		d.checkedOut("spec.ref", g.spec.Reference)
	}
	o.Remember("spec.url", "spec.provider", "spec.secretRef", "spec.secretRef.name", "spec.proxySecretRef.name", "spec.serviceAccountName")
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
		d.fail(codeURL, field, "is not a URL%s", d.object.Hint(address))
	case u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "ssh" && u.Scheme != "file":
		d.fail(codeURL, field, "%q is not an http, https or ssh URL%s", shown, d.object.Hint(address))
	case u.Scheme == "file" && u.Path == "", u.Scheme != "file" && u.Hostname() == "":
		d.fail(codeURL, field, "%q names no repository%s", shown, d.object.Hint(address))
	case index.Substitution().MatchString(address):
		d.fail(codeURL, field, "%q can't be used%s", shown, d.object.Hint(address))
	default:
		if _, found := u.User.Password(); found {
			d.fail(codeURL, field, "holds a password: move it to the Secret of spec.secretRef")
		}
		if !strings.HasPrefix(address, u.Scheme+"://") {
			d.object.Warn(codeURL, field, "has a scheme that Flux refuses: write %s:// in lower case", u.Scheme)
		}
	}
}

// gitSource resolves a GitRepository, once for all automations that use it.
func (l *loader) gitSource(g *gitDraft) *fleet.GitSource {
	if done, found := l.resolved[g.Name]; found {
		return done
	}
	source := &fleet.GitSource{Name: g.Name, Origin: g.Origin, URL: g.spec.URL, Timeout: defaultGitTimeout}
	l.resolved[g.Name] = source
	if g.spec.Timeout != nil {
		source.Timeout = max(g.spec.Timeout.Duration, time.Second)
	}
	switch {
	case g.spec.Provider == "", g.spec.Provider == "generic", g.spec.Provider == secret.ProviderGitHub:
	case slices.Contains(clouds, g.spec.Provider):
		l.gitCloud(g, source)
	default:
		g.Fail(codeBadValue, "spec.provider", "%q is not a provider: write generic, github, aws, azure or gcp%s", g.spec.Provider, g.Hint(g.spec.Provider))
	}
	switch {
	case source.Provider != "": // a secretRef is without effect
	case g.spec.SecretRef != nil && index.ValidName(g.spec.SecretRef.Name):
		l.gitAuth(g, source)
	case g.spec.SecretRef == nil && g.spec.Provider == secret.ProviderGitHub:
		g.Fail(codeMissingField, "spec.secretRef", "is missing: provider %s logs in as the GitHub App that a Secret holds", secret.ProviderGitHub)
	}
	if g.spec.ProxySecretRef != nil {
		source.Auth.Proxy = l.proxy(g.Object, "spec.proxySecretRef.name", g.spec.ProxySecretRef.Name)
	}
	source.Err = g.Err()
	return source
}

// gitCloud makes a cloud log in to the GitRepository.
func (l *loader) gitCloud(g *gitDraft, source *fleet.GitSource) {
	source.Provider = g.spec.Provider
	switch {
	case !strings.HasPrefix(g.spec.URL, "https://"):
		g.Fail(codeURL, "spec.url", "provider %s logs in over https: write an https URL, or leave the provider out", g.spec.Provider)
	case g.spec.ServiceAccount != "":
		g.Fail(codeUnsupported, "spec.serviceAccountName", "beside provider %s it asks a cluster for a token of that ServiceAccount, which is not supported: "+
			"leave it out to log in as this process", g.spec.Provider)
	case g.spec.SecretRef != nil:
		g.Warn(codeIgnored, "spec.secretRef", "is ignored beside provider %s: remove one of them", g.spec.Provider)
	}
}

// gitAuth fills in what the GitRepository's Secret holds.
func (l *loader) gitAuth(g *gitDraft, source *fleet.GitSource) {
	source.Auth.Set, source.Auth.Secret = true, pinsetter.Name{Namespace: g.Name.Namespace, Name: g.spec.SecretRef.Name}
	if with := l.secret(g.Object, "spec.secretRef.name", g.spec.SecretRef.Name); with != nil {
		with.Git(source, g.spec.Provider)
	}
}
