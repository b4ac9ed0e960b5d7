package fleet

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/spec"
)

// Selector matches labels, as Kubernetes' LabelSelector does.
type Selector struct {
	requirements []spec.LabelSelectorRequirement
}

// NewSelector returns the selector that a spec means. Nil and one without
// requirements match everything. An error says, in Kubernetes' words, what a
// cluster would refuse.
func NewSelector(s *spec.LabelSelector) (*Selector, error) {
	compiled := &Selector{}
	if s == nil {
		return compiled, nil
	}
	for _, key := range slices.Sorted(maps.Keys(s.MatchLabels)) {
		compiled.requirements = append(compiled.requirements,
			spec.LabelSelectorRequirement{Key: key, Operator: spec.LabelIn, Values: []string{s.MatchLabels[key]}})
	}
	compiled.requirements = append(compiled.requirements, s.MatchExpressions...)
	for _, r := range compiled.requirements {
		if err := checkRequirement(r); err != nil {
			return nil, err
		}
	}
	return compiled, nil
}

// Matches reports whether labels meet every requirement.
func (s *Selector) Matches(labels map[string]string) bool {
	return !slices.ContainsFunc(s.requirements, func(r spec.LabelSelectorRequirement) bool {
		value, found := labels[r.Key]
		switch r.Operator {
		case spec.LabelIn:
			return !found || !slices.Contains(r.Values, value)
		case spec.LabelNotIn:
			return found && slices.Contains(r.Values, value)
		case spec.LabelExists:
			return !found
		default: // spec.LabelDoesNotExist
			return found
		}
	})
}

// checkRequirement says what is wrong with a requirement, in the words of
// k8s.io/apimachinery/pkg/labels, NewRequirement.
func checkRequirement(r spec.LabelSelectorRequirement) error {
	invalid := labelKeyProblems(r.Key)
	var all []string
	if len(invalid) > 0 {
		all = append(all, fmt.Sprintf("key: Invalid value: %q: %s", r.Key, strings.Join(invalid, "; ")))
	}
	switch r.Operator {
	case spec.LabelIn, spec.LabelNotIn:
		if len(r.Values) == 0 {
			all = append(all, "values: Invalid value: "+list(r.Values)+": for 'in', 'notin' operators, values set can't be empty")
		}
	case spec.LabelExists, spec.LabelDoesNotExist:
		if len(r.Values) > 0 {
			all = append(all, "values: Invalid value: "+list(r.Values)+": values set must be empty for exists and does not exist")
		}
	default:
		return fmt.Errorf("%q is not a valid label selector operator", r.Operator)
	}
	for i, value := range r.Values {
		if invalid := labelValueProblems(value); len(invalid) > 0 {
			all = append(all, fmt.Sprintf("values[%d][%s]: Invalid value: %q: %s", i, r.Key, value, strings.Join(invalid, "; ")))
		}
	}
	switch len(all) {
	case 0:
		return nil
	case 1:
		return errors.New(all[0])
	}
	return fmt.Errorf("[%s]", strings.Join(all, ", "))
}

// list returns values as JSON has them.
func list(values []string) string {
	if len(values) == 0 {
		return "null"
	}
	text, err := json.Marshal(values)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// The grammar of labels (k8s.io/apimachinery/pkg/api/validate/content).
const (
	labelFormat     = `([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]`
	subdomainFormat = `[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*`
	maxLabel        = 63
	maxSubdomain    = 253
	labelCharacters = "consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
)

var (
	labelKey     = pinsetter.Pattern("^" + labelFormat + "$")
	labelValue   = pinsetter.Pattern("^(" + labelFormat + ")?$")
	labelPrefix  = pinsetter.Pattern("^" + subdomainFormat + "$")
	labelKeyRule = "must " + labelCharacters + " (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '" + labelFormat + "')"
)

func labelKeyProblems(key string) []string {
	var all []string
	prefix, name, prefixed := strings.Cut(key, "/")
	switch {
	case strings.Count(key, "/") > 1:
		return []string{"a valid label key " + labelKeyRule + " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"}
	case !prefixed:
		name = key
	case prefix == "":
		all = append(all, "prefix part must be non-empty")
	default:
		if len(prefix) > maxSubdomain {
			all = append(all, fmt.Sprintf("prefix part must be no more than %d bytes", maxSubdomain))
		}
		if !labelPrefix().MatchString(prefix) {
			all = append(all, "prefix part a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "+
				"and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '"+subdomainFormat+"')")
		}
	}
	switch {
	case name == "":
		all = append(all, "name part must be non-empty")
	case len(name) > maxLabel:
		all = append(all, fmt.Sprintf("name part must be no more than %d bytes", maxLabel))
	}
	if !labelKey().MatchString(name) {
		all = append(all, "name part "+labelKeyRule)
	}
	return all
}

func labelValueProblems(value string) []string {
	var all []string
	if len(value) > maxLabel {
		all = append(all, fmt.Sprintf("must be no more than %d bytes", maxLabel))
	}
	if !labelValue().MatchString(value) {
		all = append(all, "a valid label must be an empty string or "+labelCharacters+
			" (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '("+labelFormat+")?')")
	}
	return all
}
