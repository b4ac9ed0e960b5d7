package config

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/secret"
	"github.com/pinsetter/pinsetter/strict"
)

// defaultProviderTimeout is Flux's.
const defaultProviderTimeout = 15 * time.Second

// provider resolves a Provider, once for all alerts that send to it.
func (l messenger) provider(p *providerDraft) *fleet.Provider {
	if done, found := l.sentTo[p.Name]; found {
		return done
	}
	out := &fleet.Provider{
		Name: p.Name, Origin: p.Origin, Type: p.spec.Type, Channel: p.spec.Channel, Username: p.spec.Username,
		Timeout: defaultProviderTimeout, Suspended: p.spec.Suspend,
	}
	l.sentTo[p.Name] = out
	if p.spec.Timeout != nil {
		out.Timeout = max(p.spec.Timeout.Duration, time.Second)
	}
	needs, supported := providerTypes[p.spec.Type]
	switch {
	case supported:
		l.providerAccess(p, out, needs)
	case p.spec.Type != "":
		p.Fail(codeBadValue, "spec.type", "%q is not a type of Provider%s%s", p.spec.Type, p.Hint(p.spec.Type),
			strict.DidYouMean(p.spec.Type, slices.Collect(maps.Keys(providerTypes))))
	}
	if p.spec.CommitStatusExpr != "" {
		p.Fail(codeUnsupported, "spec.commitStatusExpr", "expressions in CEL are not supported yet: leave it out")
	}
	out.Err = p.Err()
	return out
}

// providerAccess fills in how the provider is reached: what its Secrets hold goes
// before what its spec says.
func (l messenger) providerAccess(p *providerDraft, out *fleet.Provider, needs providerNeeds) {
	const field = "spec.secretRef.name"
	address, from, proxy := p.spec.Address, "spec.address", p.spec.Proxy
	if p.spec.SecretRef != nil {
		with := l.secret(p.Object, field, p.spec.SecretRef.Name)
		if with == nil {
			return
		}
		if given := with.PlainLine("address"); given != "" {
			address, from = given, field
		}
		out.Username = cmp.Or(with.PlainLine("username"), out.Username)
		out.Password, out.Token = with.Line("password"), with.Line("token")
		out.Headers = with.Headers("headers")
		out.TLS = with.TLS() // deprecated for certSecretRef
		proxy = cmp.Or(with.PlainLine("proxy"), proxy)
	}
	p.providerAddress(out, from, address, needs)
	switch {
	case needs.token && needs.login && out.Token.IsZero() && (out.Username == "" || out.Password.IsZero()):
		p.Fail(codeSecret, field, "a Provider of type %s needs a Secret with the key token, or with username and password", p.spec.Type)
	case needs.login && !needs.token && (out.Username == "" || out.Password.IsZero()):
		p.Fail(codeSecret, field, "a Provider of type %s needs a Secret with the keys username and password", p.spec.Type)
	case needs.token && !needs.login && out.Token.IsZero():
		p.Fail(codeSecret, field, "a Provider of type %s needs a Secret with the key token", p.spec.Type)
	case needs.channel && out.Channel == "":
		p.Fail(codeMissingField, "spec.channel", "is missing, and a Provider of type %s needs it", p.spec.Type)
	}
	if p.spec.CertSecretRef != nil {
		out.TLS = l.certificates(p.Object, "spec.certSecretRef.name", p.spec.CertSecretRef.Name)
	}
	if p.spec.ProxySecretRef != nil {
		out.Proxy = l.proxy(p.Object, "spec.proxySecretRef.name", p.spec.ProxySecretRef.Name)
	} else if proxy != "" {
		out.Proxy = p.plainProxy(proxy)
	}
}

// providerAddress checks the address, which is never shown.
func (p *providerDraft) providerAddress(out *fleet.Provider, field, address string, needs providerNeeds) {
	if address == "" {
		if needs.address {
			p.Fail(codeMissingField, "spec.address", "is missing: write the URL there, or under the key address of the Secret")
		}
		return
	}
	if needs.reads != nil {
		needs.reads(p, out, field, address)
		return
	}
	hint := ""
	if field == "spec.address" {
		hint = p.Hint(address)
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		p.Fail(codeURL, field, "the address is not an http or https URL%s", hint)
		return
	}
	if password, both := u.User.Password(); both && p.spec.Type == fleet.ProviderAlertmanager && field != "spec.address" {
		// Flux's page of Alertmanager has it so.
		if out.Username == "" {
			out.Username, out.Password = u.User.Username(), pinsetter.NewSecret("password of Provider "+p.Name.String(), password)
		}
		u.User = nil
		address = u.String()
	}
	if u.User != nil && p.spec.Type != fleet.ProviderSentry {
		p.Fail(codeURL, field, "the address has a user in it: move that to the keys username and password of the Secret")
		return
	}
	p.setAddress(out, address)
}

// plainProxy reads the address of a proxy that may hold a user and a password.
func (p *providerDraft) plainProxy(address string) *pinsetter.Proxy {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || len(address) > secret.MaxProxyAddress {
		p.Fail(codeURL, "spec.proxy", "the proxy's address is not an http or https URL")
		return nil
	}
	proxy := &pinsetter.Proxy{Username: u.User.Username()}
	if password, found := u.User.Password(); found {
		proxy.Password = pinsetter.NewSecret("proxy password of Provider "+p.Name.String(), password)
	}
	u.User = nil
	proxy.Address = u.String()
	return proxy
}
