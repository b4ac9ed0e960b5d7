package config

import (
	"cmp"
	"slices"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/config/index"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/spec"
)

// clouds are the providers that log in without a Secret.
var clouds = []string{"aws", "azure", "gcp"}

// registryFields are what an object's spec says of how its registry is reached.
// A kind that lacks one of the fields leaves it empty.
type registryFields struct {
	provider           string // "": generic
	secretRef          *spec.LocalObjectReference
	serviceAccountName string
	certSecretRef      *spec.LocalObjectReference
	proxySecretRef     *spec.LocalObjectReference
	insecure           bool
	credential         *spec.Credential
	host               string // whose username and password the Secret may hold instead of a Docker configuration; "": of none

	// secretWins says which of both Flux uses where Secrets stand beside a
	// provider: of an OCIRepository and a HelmRepository the Secrets, of an
	// ImageRepository the provider.
	secretWins bool

	under string // where the fields are, "" for "spec"
}

// at returns the path of a field.
func (f registryFields) at(name string) string { return cmp.Or(f.under, "spec") + "." + name }

// isCloud reports whether the provider logs in without a Secret.
func (f registryFields) isCloud() bool { return slices.Contains(clouds, f.provider) }

// registry reports fields that can't be used, and what is without effect beside
// a provider.
func (d *decoder) registry(f registryFields) {
	switch {
	case f.credential != nil:
		d.credential(f)
	case f.provider == "", f.provider == "generic":
	case !f.isCloud():
		d.fail(codeBadValue, f.at("provider"), "%q is not a provider: write generic, aws, azure or gcp%s", f.provider, d.object.Hint(f.provider))
	case f.secretWins && f.secretRef != nil:
		d.object.Warn(codeIgnored, f.at("provider"), "%s is ignored beside %s, as in Flux: remove one of them", f.provider, f.at("secretRef"))
	case f.secretWins: // the ServiceAccount's imagePullSecrets decide
	case f.serviceAccountName != "":
		noAccountToken(d.object, f)
	case f.secretRef != nil:
		d.object.Warn(codeIgnored, "spec.secretRef", "is ignored beside provider %s, as in Flux: remove one of them", f.provider)
	}
	d.optionalReference(f.at("secretRef"), f.secretRef)
	d.optionalReference(f.at("certSecretRef"), f.certSecretRef)
	d.optionalReference(f.at("proxySecretRef"), f.proxySecretRef)
	if f.serviceAccountName != "" {
		d.reference(f.at("serviceAccountName"), f.serviceAccountName)
	}
	d.object.Remember(f.at("provider"), f.at("secretRef.name"), f.at("certSecretRef.name"), f.at("proxySecretRef.name"), f.at("serviceAccountName"))
}

// noAccountToken reports a ServiceAccount as which a provider should log in.
func noAccountToken(o *index.Object, f registryFields) {
	o.Fail(codeUnsupported, f.at("serviceAccountName"), "beside provider %s it asks a cluster for a token of that ServiceAccount, which is not supported: "+
		"leave it out to log in as this process, or write provider generic to use the account's imagePullSecrets", f.provider)
}

// registryAccess returns how the registry of an object is reached. What can't be
// resolved is reported to the object, and then lacks in the access.
func (l *loader) registryAccess(o *index.Object, f registryFields) fleet.RegistryAccess {
	access := fleet.RegistryAccess{Insecure: f.insecure}
	switch {
	case f.credential != nil:
		access.Provider, access.Token = kubernetes, f.tokenWanted(o.Name.Namespace)
	case l.providerLogsIn(o, f):
		access.Provider = f.provider
	default:
		if f.secretRef != nil {
			l.dockerConfig(o, f.at("secretRef.name"), f.secretRef.Name, f.host, &access)
		}
		if f.serviceAccountName != "" {
			l.pullSecrets(o, f.serviceAccountName, &access)
		}
	}
	if f.certSecretRef != nil {
		access.TLS = l.certificates(o, f.at("certSecretRef.name"), f.certSecretRef.Name)
	}
	if f.proxySecretRef != nil {
		access.Proxy = l.proxy(o, f.at("proxySecretRef.name"), f.proxySecretRef.Name)
	}
	return access
}

// providerLogsIn reports whether the provider is used rather than Secrets. Where
// Secrets win, those of a ServiceAccount do too; one without asks a cluster for
// its token.
func (l *loader) providerLogsIn(o *index.Object, f registryFields) bool {
	switch {
	case !f.isCloud():
		return false
	case !f.secretWins:
		return true
	case f.secretRef != nil:
		return false
	case f.serviceAccountName == "":
		return true
	}
	a := l.accounts[pinsetter.Name{Namespace: o.Name.Namespace, Name: f.serviceAccountName}]
	if a == nil || a.Outdated || len(a.PullSecrets) == 0 {
		noAccountToken(o, f)
		return true
	}
	o.Warn(codeIgnored, f.at("provider"), "%s is ignored beside the imagePullSecrets of %s, as in Flux: remove one of them", f.provider, a)
	return false
}
