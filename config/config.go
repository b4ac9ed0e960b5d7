// Package config loads Flux's objects: image repositories, policies and
// automations, and the Git repositories, Secrets, ServiceAccounts and Namespaces
// that they lead to. It finds everything that is wrong with them, with file and
// line, applies the defaults of Flux's CRDs, resolves references and hands on
// values that need no further checks.
//
// It is the only door to Flux's API modules, to YAML decoding and to kustomize.
package config

import (
	autov1 "github.com/fluxcd/image-automation-controller/api/v1"
	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	"github.com/fluxcd/pkg/apis/meta"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"

	"github.com/pinsetter/pinsetter"
)

// Flux's own types, under short names.
type (
	ImageRepositorySpec       = imagev1.ImageRepositorySpec
	ImagePolicySpec           = imagev1.ImagePolicySpec
	ImagePolicyChoice         = imagev1.ImagePolicyChoice
	SemVerPolicy              = imagev1.SemVerPolicy
	AlphabeticalPolicy        = imagev1.AlphabeticalPolicy
	NumericalPolicy           = imagev1.NumericalPolicy
	TagFilter                 = imagev1.TagFilter
	ReflectionPolicy          = imagev1.ReflectionPolicy
	ImageUpdateAutomationSpec = autov1.ImageUpdateAutomationSpec
	UpdateStrategy            = autov1.UpdateStrategy
	GitSpec                   = autov1.GitSpec
	GitCheckoutSpec           = autov1.GitCheckoutSpec
	CommitSpec                = autov1.CommitSpec
	CommitUser                = autov1.CommitUser
	PushSpec                  = autov1.PushSpec
	GitRepositorySpec         = sourcev1.GitRepositorySpec
	GitRepositoryRef          = sourcev1.GitRepositoryRef
	LocalObjectReference      = meta.LocalObjectReference
	NamespacedObjectReference = meta.NamespacedObjectReference
)

// The digest reflection policies of an ImagePolicy.
const (
	ReflectAlways       = imagev1.ReflectAlways
	ReflectIfNotPresent = imagev1.ReflectIfNotPresent
	ReflectNever        = imagev1.ReflectNever
)

// The orders of an alphabetical or numerical policy.
const (
	OrderAscending  = "asc"
	OrderDescending = "desc"
)

// FieldError is what is wrong with one field of an object. The checks that
// Options injects return it, alone or several in errors.Join; config finds the
// field's line.
type FieldError struct {
	Field    string             // path from the root, such as "spec.policy.semver.range" or "spec.exclusionList[2]"
	Err      error              // what is wrong and what to do, without the field
	Severity pinsetter.Severity // "" is pinsetter.Error; a warning leaves the object usable
}

// Error returns "field: cause".
func (e *FieldError) Error() string { return e.Field + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *FieldError) Unwrap() error { return e.Err }

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
	CheckPolicy func(ImagePolicySpec) error

	// CheckAutomation is the same for an automation.
	CheckAutomation func(ImageUpdateAutomationSpec) error

	// CheckSchedule says what is wrong with the annotation of an automation that
	// says when it is run. Nil checks nothing.
	CheckSchedule func(string) error

	// CheckGate is the same as CheckPolicy for a gate.
	CheckGate func(GateSpec) error

	// CheckPullRequest is the same for a pull request.
	CheckPullRequest func(PullRequestSpec) error
}

// Origin is the place of an object: the file, as it was handed in, and the line
// of the first key of the object's document or item.
type Origin struct {
	Path string
	Line int
}
