// Package spec has the specs of the objects that are read: Flux's API types and
// Kubernetes' under short names, and those of our own kinds.
//
// It is the only door to Flux's API modules.
package spec

import (
	autov1 "github.com/fluxcd/image-automation-controller/api/v1"
	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	"github.com/fluxcd/pkg/apis/meta"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

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

// Kubernetes' types, under short names.
type (
	LabelSelector = metav1.LabelSelector
	Duration      = metav1.Duration
)

// FieldError is what is wrong with one field of an object. Checks
// return it, alone or several in errors.Join; package config finds the field's
// line.
type FieldError struct {
	Field    string             // path from the root, such as "spec.policy.semver.range" or "spec.exclusionList[2]"
	Err      error              // what is wrong and what to do, without the field
	Severity pinsetter.Severity // "" is pinsetter.Error; a warning leaves the object usable
}

// Error returns "field: cause".
func (e *FieldError) Error() string { return e.Field + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *FieldError) Unwrap() error { return e.Err }

// Selector matches labels.
type Selector struct{ compiled labels.Selector }

// Compile returns the selector that a spec means. Nil and one without
// requirements match everything.
func Compile(selector *LabelSelector) (*Selector, error) {
	if selector == nil {
		return &Selector{labels.Everything()}, nil
	}
	compiled, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return nil, err
	}
	return &Selector{compiled}, nil
}

// Matches reports whether the selector matches an object's labels.
func (s *Selector) Matches(given map[string]string) bool {
	return s.compiled.Matches(labels.Set(given))
}
