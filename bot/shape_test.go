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
			o.Registry.SetTags("org/app", test.tags...)
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

// What an earlier version proposed where the value isn't what its marker names is
// known for the bot's and taken back, also where nothing is remembered.
func TestMisfitOfAnEarlierVersionIsTakenBack(t *testing.T) {
	for name, test := range map[string]struct{ base, written string }{
		"a range":        {"version: ^1.0 # {\"$imagepolicy\": \"default:app:tag\"}\n", "version: 1.1.0 # {\"$imagepolicy\": \"default:app:tag\"}\n"},
		"a tag alone":    {"tag: 1.0.0 # {\"$imagepolicy\": \"default:app\"}\n", "tag: REG/org/app:1.1.0 # {\"$imagepolicy\": \"default:app\"}\n"},
		"a whole image":  {"image: REG/org/app:1.0.0 # {\"$imagepolicy\": \"default:app:tag\"}\n", "image: 1.1.0 # {\"$imagepolicy\": \"default:app:tag\"}\n"},
		"a name alone":   {"image: app # {\"$imagepolicy\": \"default:app:tag\"}\n", "image: 1.1.0 # {\"$imagepolicy\": \"default:app:tag\"}\n"},
		"a placeholder":  {"tag: ${TAG} # {\"$imagepolicy\": \"default:app:tag\"}\n", "tag: 1.1.0 # {\"$imagepolicy\": \"default:app:tag\"}\n"},
		"beside another": {storyFile + "---\nversion: ^1.0 # {\"$imagepolicy\": \"default:app:tag\"}\n", strings.ReplaceAll(storyFile, "1.0.0", "1.1.0") + "---\nversion: 1.1.0 # {\"$imagepolicy\": \"default:app:tag\"}\n"},
	} {
		t.Run(name, func(t *testing.T) {
			s := tell(t, "", "updates", "1.0.0", "1.1.0")
			base := s.Named(test.base)
			s.Repo.CommitFile("main", "a.yaml", base, "")
			s.Repo.Git("branch", "updates", "main")
			s.Repo.Commit(parts.Commit{Branch: "updates", Author: theBot, Message: forged(), Tree: parts.Tree{Files: map[string]string{"a.yaml": s.Named(test.written)}}})
			r := s.run(nil)
			if r.Err != nil || len(r.Held) != 1 || r.Held[0].Rule != pinsetter.RuleShape {
				t.Errorf("held %+v, error %v", r.Held, r.Err)
			}
			if got, want := s.Repo.File("updates", "a.yaml"), strings.Replace(base, "app:1.0.0 # {\"$imagepolicy\": \"default:app\"}", "app:1.1.0 # {\"$imagepolicy\": \"default:app\"}", 1); got != want {
				t.Errorf("the branch shows %q, want %q", got, want)
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
