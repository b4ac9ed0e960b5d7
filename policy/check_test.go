package policy

import (
	"errors"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/spec"
)

// check says what is wrong with a policy, and what is probably not meant.
func check(s spec.ImagePolicySpec) error {
	_, err := New(s)
	return errors.Join(err, Warnings(s))
}

func TestCheck(t *testing.T) {
	both := bySemVer("*")
	both.Policy.Numerical = &spec.NumericalPolicy{}
	for name, test := range map[string]struct {
		spec  spec.ImagePolicySpec
		field string // "": nothing is wrong
		want  string
	}{
		"range":                 {bySemVer(">=1.0.0"), "", ""},
		"bad range":             {bySemVer(">=1.0.0 <y"), "spec.policy.semver.range", `parse range ">=1.0.0 <y": improper constraint: ">=1.0.0 <y": write such as`},
		"empty range":           {bySemVer(" "), "spec.policy.semver.range", "the range is empty: write such as"},
		"none":                  {spec.ImagePolicySpec{}, "spec.policy", "write one of semver, alphabetical or numerical"},
		"two":                   {both, "spec.policy", "semver and numerical exclude each other: keep one"},
		"descending":            {byAlphabet("desc"), "spec.policy.alphabetical.order", "desc selects the first tag of the alphabet, which is mostly the oldest: write asc"},
		"ascending":             {byAlphabet("asc"), "", ""},
		"no order":              {byAlphabet(""), "", ""},
		"descending numbers":    {byNumber("desc"), "", ""},
		"bad order":             {byAlphabet("ASC"), "spec.policy.alphabetical.order", `unknown order "ASC": write asc`},
		"bad number order":      {byNumber("up"), "spec.policy.numerical.order", `unknown order "up": write asc`},
		"pattern":               {filtered(byNumber(""), "^v[0-9]+$", ""), "", ""},
		"bad pattern":           {filtered(byNumber(""), "(", ""), "spec.filterTags.pattern", "missing closing )"},
		"lookahead":             {filtered(byNumber(""), "^(?!a)", ""), "spec.filterTags.pattern", "no lookaround"},
		"extract":               {filtered(byNumber(""), `(?P<ts>\d+)(-)`, "$ts ${2} $0 $$ts $ {x"), "", ""},
		"unknown group":         {filtered(byNumber(""), `(?P<ts>\d+)(-)`, "$time"), "spec.filterTags.extract", `$time calls group "time", which the pattern "(?P<ts>\\d+)(-)" does not have and which is empty: write one of $ts, $2`},
		"no groups":             {filtered(byNumber(""), `\d+`, "$ts"), "spec.filterTags.extract", "name what to extract in the pattern, as in (?P<value>.*)"},
		"no pattern":            {filtered(byNumber(""), "", "$ts"), "spec.filterTags.extract", "name what to extract"},
		"number too high":       {filtered(byNumber(""), `(\d+)`, "$2"), "spec.filterTags.extract", `calls group "2"`},
		"group swallows digits": {filtered(bySemVer("*"), `^(\d+)x`, "$1x"), "spec.filterTags.extract", "${1}x is probably meant"},
		"group swallows names":  {filtered(bySemVer("*"), `^(?P<v>.*)$`, "$v_0"), "spec.filterTags.extract", "${v}_0 is probably meant"},
		"leading zero":          {filtered(bySemVer("*"), `^(.*)$`, "$01"), "spec.filterTags.extract", `calls group "01"`},
	} {
		t.Run(name, func(t *testing.T) {
			err := check(test.spec)
			_, newErr := New(test.spec)
			warning := test.field == "spec.filterTags.extract" || name == "descending" // which leaves the policy usable
			if (err == nil || warning) != (newErr == nil) {
				t.Errorf("Check: %v, New: %v", err, newErr)
			}
			if test.field == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var field *spec.FieldError
			if !errors.As(err, &field) || (field.Severity == pinsetter.Warning) != warning || field.Field != test.field || !strings.Contains(field.Err.Error(), test.want) {
				t.Errorf("got %v, want %s: %s", err, test.field, test.want)
			}
		})
	}
}

// TestExtractOfADollar: a template that Flux's substitution would make a group is
// refused, since tags would be ordered otherwise than in the cluster.
func TestExtractOfADollar(t *testing.T) {
	for extract, want := range map[string]string{
		"$${ts}":      `"$${ts}" holds the text ${ts}, the same for every tag, unless a Flux Kustomization's postBuild makes a group of $${ts}: write $ts`,
		"$1-$${ts}":   "write $ts",
		"$$$${ts}":    "write $ts",
		"$ts":         "",
		"${ts}":       "",
		"$$${ts}":     "", // a dollar and the group
		"$${}":        "is the same for every tag, so that the smallest tag is selected: write one of $ts, $2",
		"$$ts":        "is the same for every tag",
		"1":           "is the same for every tag",
		"":            "",
		"$$ ${ts} {x": "",
	} {
		err := check(filtered(byAlphabet(""), "^main-(?P<ts>[0-9]+)(x?)$", extract))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v; want %q", extract, err, want)
		}
		_, refused := New(filtered(byAlphabet(""), "^main-(?P<ts>[0-9]+)(x?)$", extract))
		if (refused != nil) != strings.HasSuffix(want, "write $ts") {
			t.Errorf("%s: %v", extract, refused)
		}
	}
}

func TestCheckReportsEverything(t *testing.T) {
	s := filtered(bySemVer("y"), "(a)", "$2$3")
	s.Policy.Alphabetical = &spec.AlphabeticalPolicy{Order: "up"}
	err := check(s)
	for _, want := range []string{"spec.policy.semver.range", "spec.policy.alphabetical.order", "spec.policy: ", "$2 calls", "$3 calls"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}
