// Package config loads Flux's objects: image repositories, policies and
// automations, and the Git repositories, Secrets, ServiceAccounts and Namespaces
// that they lead to. It finds everything that is wrong with them, with file and
// line, applies the defaults of Flux's CRDs, resolves references and hands on
// values that need no further checks.
//
// It is the only door to YAML decoding and to kustomize.
package config

import "github.com/pinsetter/pinsetter/spec"

// Options says how to load. The zero value loads without mounted Secrets, and
// checks neither policies nor templates nor gates' schedules and ranges.
type Options struct {
	// Namespace is that of objects that name none; "" is "default".
	Namespace string

	// SecretDirs are folders of mounted Secrets: DIR/<namespace>/<name>/<key>,
	// or DIR/<name>/<key> for Namespace.
	SecretDirs []string

	// Unread are sources, and entries of them, that could not be read. What they may
	// forbid isn't done: each policy may have a Gate in them, and each automation a
	// PullRequest.
	Unread []Unread

	// Filled names sources of which each must hold an object of a kind that is read.
	// One that holds none is unread: its volume may not be mounted.
	Filled []string

	// Notifications says what is made of Receivers, Providers and Alerts.
	Notifications Notifications

	// CheckPolicy says what is wrong with a policy whose defaults are applied;
	// see FieldError. Nil checks nothing.
	CheckPolicy func(spec.ImagePolicySpec) error

	// CheckAutomation is the same for an automation.
	CheckAutomation func(spec.ImageUpdateAutomationSpec) error

	// CheckSchedule says what is wrong with the annotation of an automation that
	// says when it is run. Nil checks nothing.
	CheckSchedule func(string) error

	// CheckGate is the same as CheckPolicy for a gate.
	CheckGate func(spec.GateSpec) error

	// CheckPullRequest is the same for a pull request.
	CheckPullRequest func(spec.PullRequestSpec) error
}
