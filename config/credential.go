package config

import (
	"cmp"

	"github.com/pinsetter/pinsetter"
)

// kubernetes is the provider of credentials that are tokens of ServiceAccounts,
// and usernameAnnotation says that such a token is sent as a password
// (fluxcd/pkg, auth/generic/provider.go).
const (
	kubernetes         = "kubernetes"
	usernameAnnotation = "auth.fluxcd.io/username"
)

// credential reports a spec.credential that can't log in here, and what
// contradicts it.
func (d *decoder) credential(f registryFields) {
	const at = "spec.credential"
	c := f.credential
	if d.require(at+".provider", c.Provider) && c.Provider != kubernetes {
		d.fail(codeUnsupported, at+".provider", "%q is not supported: write kubernetes, the projected token of a ServiceAccount", c.Provider)
	}
	if d.require(at+".type", c.Type) && c.Type != "jwt" {
		d.fail(codeUnsupported, at+".type", "%q is not supported: write jwt", c.Type)
	}
	for name := range c.Annotations {
		if name != usernameAnnotation {
			d.fail(codeUnsupported, at+".annotations", "%s is not supported: only %s is", name, usernameAnnotation)
		}
	}
	if a := c.Annotations[usernameAnnotation]; a != "" && c.Username != "" && a != c.Username {
		d.fail(codeBadValue, at+".username", "%q and the annotation %s differ: keep one", c.Username, usernameAnnotation)
	}
	switch {
	case f.provider != "" && f.provider != "generic":
		d.fail(codeUnsupported, at, "beside provider %s it logs in as a ServiceAccount, which is not supported: leave it out to log in as this process", f.provider)
	case f.secretRef != nil:
		d.fail(codeBadValue, at, "stands beside spec.secretRef, and only one of them can log in: remove the other")
	}
}

// tokenWanted returns which token the credential means, in a namespace.
func (f registryFields) tokenWanted(namespace string) pinsetter.TokenWanted {
	wanted := pinsetter.TokenWanted{
		Audiences: f.credential.Audiences,
		User:      cmp.Or(f.credential.Annotations[usernameAnnotation], f.credential.Username),
	}
	if f.serviceAccountName != "" {
		wanted.Subject = "system:serviceaccount:" + namespace + ":" + f.serviceAccountName
	}
	return wanted
}
