package bot_test

import (
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/parts"
)

// What is proposed at a site isn't proposed any more once the marker there asks
// for something else than the value is, also where nothing can be decided.
func TestProposalOfAMisfitGoes(t *testing.T) {
	const fits, misfit = "tag: 1.0.0 # {\"$imagepolicy\": \"default:app:tag\"}\n", "tag: 1.0.0 # {\"$imagepolicy\": \"default:app\"}\n"
	for name, test := range map[string]struct {
		tags []string // that the registry lists then
		want string
	}{
		"held":                  {[]string{"1.0.0", "1.1.0"}, "closed#1 0 held"},
		"and no tags are known": {nil, "closed#1 0 error"},
	} {
		t.Run(name, func(t *testing.T) {
			o := offer(t, githubs(parts.NewGitHub(t)), "", map[string]string{"a.yaml": fits})
			o.says("created#1 1")
			o.hand("main", "a.yaml", misfit)
			o.registry.SetTags("org/app", test.tags...)
			r := o.says(test.want)[0]
			if strings.Contains(r.Error, "write policy") {
				t.Errorf("it was to be written: %s", r.Error)
			}
			for _, h := range r.Held {
				if h.Rule != pinsetter.RuleShape || h.Current != "1.0.0" || h.Candidate != "1.1.0" || !strings.Contains(h.Reason, `write the marker as "default:app:tag"`) {
					t.Errorf("held %+v", h)
				}
			}
		})
	}
}

// A chart's name keeps oci://, and nothing more is judged where only that is there.
func TestNameWithASchemeIsTheSame(t *testing.T) {
	const file = "kind: OCIRepository\nspec:\n  url: oci://REG/org/app # {\"$imagepolicy\": \"default:app:name\"}\n"
	o := offer(t, githubs(parts.NewGitHub(t)), "", map[string]string{"a.yaml": file})
	o.with("", "---\napiVersion: pinsetter.dev/v1alpha1\nkind: Gate\nmetadata: {name: gate}\nspec: {freeze: {from: 2000-01-01T00:00:00Z, to: 2100-01-01T00:00:00Z, reason: x}}\n")
	o.says("0")
}
