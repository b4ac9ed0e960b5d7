// Package spec has the specs of the objects that are read, as they are written:
// Flux's and those of our own kinds. It has no behaviour.
//
// Flux's are ours to the letter: the same fields of the same names and types. A
// test of package config holds them to Flux's API modules, which the program
// itself does without: they bring Kubernetes' machinery of 60 packages along.
package spec

import (
	"time"

	"github.com/pinsetter/pinsetter"
)

// LocalObjectReference leads to an object of the same namespace.
type LocalObjectReference struct {
	Name string `json:"name"`
}

// NamespacedObjectReference leads to an object; without Namespace, of the same.
type NamespacedObjectReference struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace,omitempty"`
}

// Duration is a length of time, written as "1h30m".
type Duration struct{ time.Duration }

// LabelSelector matches objects by their labels: those that have all MatchLabels
// and meet all MatchExpressions.
type LabelSelector struct {
	MatchLabels      map[string]string          `json:"matchLabels,omitempty"`
	MatchExpressions []LabelSelectorRequirement `json:"matchExpressions,omitempty"`
}

// LabelSelectorRequirement is a demand on one label.
type LabelSelectorRequirement struct {
	Key      string                `json:"key"`
	Operator LabelSelectorOperator `json:"operator"`
	Values   []string              `json:"values,omitempty"` // of In and NotIn alone
}

// LabelSelectorOperator says what is demanded of a label.
type LabelSelectorOperator string

// What is demanded of a label.
const (
	LabelIn           LabelSelectorOperator = "In"
	LabelNotIn        LabelSelectorOperator = "NotIn" // also where the label is absent
	LabelExists       LabelSelectorOperator = "Exists"
	LabelDoesNotExist LabelSelectorOperator = "DoesNotExist"
)

// FieldError is what is wrong with one field of an object. Checks return it, alone
// or several in errors.Join; package config finds the field's line.
type FieldError struct {
	Field    string             // path from the root, such as "spec.policy.semver.range" or "spec.exclusionList[2]"
	Err      error              // what is wrong and what to do, without the field
	Severity pinsetter.Severity // "" is pinsetter.Error; a warning leaves the object usable
}

// Error returns "field: cause".
func (e *FieldError) Error() string { return e.Field + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *FieldError) Unwrap() error { return e.Err }
