package config

import (
	"github.com/pinsetter/pinsetter"
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
}

// isCloud reports whether the provider logs in without a Secret.
func (f registryFields) isCloud() bool { return contains(clouds, f.provider) }

// registry reports fields that can't be used, and what is without effect beside
// a provider.
func (d *decoder) registry(f registryFields) {
	switch {
	case f.credential != nil:
		d.credential(f)
	case f.provider == "", f.provider == "generic":
	case !f.isCloud():
		d.fail(codeBadValue, "spec.provider", "%q is not a provider: write generic, aws, azure or gcp%s", f.provider, d.object.hint(f.provider))
	case f.secretWins && f.secretRef != nil:
		d.object.warn(codeIgnored, "spec.provider", "%s is ignored beside spec.secretRef, as in Flux: remove one of them", f.provider)
	case f.secretWins: // the ServiceAccount's imagePullSecrets decide
	case f.serviceAccountName != "":
		d.object.noAccountToken(f.provider)
	case f.secretRef != nil:
		d.object.warn(codeIgnored, "spec.secretRef", "is ignored beside provider %s, as in Flux: remove one of them", f.provider)
	}
	d.optionalReference("spec.secretRef", f.secretRef)
	d.optionalReference("spec.certSecretRef", f.certSecretRef)
	d.optionalReference("spec.proxySecretRef", f.proxySecretRef)
	if f.serviceAccountName != "" {
		d.reference("spec.serviceAccountName", f.serviceAccountName)
	}
	d.object.remember("spec.provider", "spec.secretRef.name", "spec.certSecretRef.name", "spec.proxySecretRef.name", "spec.serviceAccountName")
}

// noAccountToken reports a ServiceAccount as which a provider should log in.
func (o *object) noAccountToken(provider string) {
	o.fail(codeUnsupported, "spec.serviceAccountName", "beside provider %s it asks a cluster for a token of that ServiceAccount, which is not supported: "+
		"leave it out to log in as this process, or write provider generic to use the account's imagePullSecrets", provider)
}

// registryAccess returns how the registry of an object is reached. What can't be
// resolved is reported to the object, and then lacks in the access.
func (l *loader) registryAccess(o *object, f registryFields) fleet.RegistryAccess {
	access := fleet.RegistryAccess{Insecure: f.insecure}
	switch {
	case f.credential != nil:
		access.Provider, access.Token = kubernetes, f.tokenWanted(o.name.Namespace)
	case l.providerLogsIn(o, f):
		access.Provider = f.provider
	default:
		if f.secretRef != nil {
			l.dockerConfig(o, "spec.secretRef.name", f.secretRef.Name, f.host, &access)
		}
		if f.serviceAccountName != "" {
			l.pullSecrets(o, f.serviceAccountName, &access)
		}
	}
	if f.certSecretRef != nil {
		access.TLS = l.certificates(o, "spec.certSecretRef.name", f.certSecretRef.Name)
	}
	if f.proxySecretRef != nil {
		access.Proxy = l.proxy(o, "spec.proxySecretRef.name", f.proxySecretRef.Name)
	}
	return access
}

// providerLogsIn reports whether the provider is used rather than Secrets. Where
// Secrets win, those of a ServiceAccount do too; one without asks a cluster for
// its token.
func (l *loader) providerLogsIn(o *object, f registryFields) bool {
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
	a := l.accounts[pinsetter.Name{Namespace: o.name.Namespace, Name: f.serviceAccountName}]
	if a == nil || a.outdated || len(a.PullSecrets) == 0 {
		o.noAccountToken(f.provider)
		return true
	}
	o.warn(codeIgnored, "spec.provider", "%s is ignored beside the imagePullSecrets of %s, as in Flux: remove one of them", f.provider, a)
	return false
}
