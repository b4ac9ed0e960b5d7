// Package config loads Flux's objects: image repositories, policies and
// automations, and the Git repositories, Secrets, ServiceAccounts and Namespaces
// that they lead to. It finds everything that is wrong with them, with file and
// line, applies the defaults of Flux's CRDs, resolves references and hands on
// values that need no further checks.
package config

import "github.com/pinsetter/pinsetter/source"

// Options says how to load. The zero value loads without mounted Secrets.
type Options struct {
	// Namespace is that of objects that name none; "" is "default".
	Namespace string

	// SecretDirs are folders of mounted Secrets: DIR/<namespace>/<name>/<key>,
	// or DIR/<name>/<key> for Namespace.
	SecretDirs []string

	// Unread are sources, and entries of them, that could not be read. What they may
	// forbid isn't done: each policy may have a Gate in them, and each automation a
	// PullRequest.
	Unread []source.Unread

	// Filled names sources of which each must hold an object of a kind that is read.
	// One that holds none is unread: its volume may not be mounted.
	Filled []string

	// OtherFlux says that a source is not empty either if it holds another object of
	// Flux, such as a HelmRelease, or a marker. Its files must be read with
	// claim.MayConcern.
	OtherFlux bool

	// Artifacts says that what Flux pulls from registries is read too: OCIRepositories.
	// Without it they are passed over. The files must be read with claim.MayConcern.
	Artifacts bool

	// FluxNeeds says that a field which Flux demands and nobody here reads is
	// missed: the interval of a GitRepository.
	FluxNeeds bool

	// Notifications says what is made of Receivers, Providers and Alerts.
	Notifications Notifications

	// NoCrossNamespaceRefs makes a reference to an object of another namespace an
	// error, as the flag of that name of Flux's controllers does.
	NoCrossNamespaceRefs bool
}
