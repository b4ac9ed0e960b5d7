package bot_test

import (
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/parts"
)

// A proposal that was merged and left on its branch isn't proposed again once it
// was taken back, whatever else changes in the file.
func TestLeftProposalIsNotProposedAgain(t *testing.T) {
	for _, by := range []string{"1.0.0", "1.3.0"} {
		t.Run(by, func(t *testing.T) {
			s := tell(t, "{hold: [{tags: [1.3.0], reason: x}]}", "updates", "1.0.0", "1.1.0")
			s.next("1.1.0")
			s.Repo.Commit(parts.Commit{Tree: parts.Tree{Files: map[string]string{"a.yaml": s.Repo.File("updates", "a.yaml")}}, Message: "Update (#1)"})
			s.next("1.1.0")
			s.Repo.CommitFile("main", "a.yaml", "# by hand\n"+s.showing(by), "")
			for range 2 {
				if s.last = s.cycle(); s.proposes() {
					t.Errorf("changes %v, pushed %v, held %v", s.last.Changes, s.last.Pushed, s.last.Held)
				}
			}
		})
	}
}

// A revert stays when another site of its file moves.
func TestRevertStaysBesideAnotherSite(t *testing.T) {
	s := tell(t, "", "", "1.0.0", "1.1.0")
	s.Load(strings.ReplaceAll(storyObjects, "PUSH", "main") + secondPolicy)
	s.Registry.Push("org/db", "1.0.0")
	show := func(app, db string) string {
		return s.showing(app) + "other-" + strings.ReplaceAll(s.showing(db), "app", "db")
	}
	s.Repo.CommitFile("main", "a.yaml", show("1.0.0", "1.0.0"), "")
	s.cycle()
	if got := s.Repo.File("main", "a.yaml"); got != show("1.1.0", "1.0.0") {
		t.Fatal(got)
	}
	s.Repo.CommitFile("main", "a.yaml", show("1.0.0", "1.0.0"), "")
	s.Registry.Push("org/db", "1.1.0")
	for range 3 {
		s.last = s.cycle()
		s.Pass(time.Hour)
		if got := s.Repo.File("main", "a.yaml"); got != show("1.0.0", "1.1.0") {
			t.Fatalf("%s\n%v", got, s.last.Held)
		}
	}
}

// A site of three fields that shows what was written there is held by nothing.
func TestThreeFieldsAreNotTakenBack(t *testing.T) {
	s := tell(t, "", "", "1.0.0", "1.1.0")
	objects := strings.ReplaceAll(storyObjects, "PUSH", "main")
	s.Load(strings.Replace(objects, "policy: {semver", "digestReflectionPolicy: IfNotPresent\n  policy: {semver", 1))
	s.Repo.CommitFile("main", "a.yaml", s.Named(`image:
  repository: REG/org/app # {"$imagepolicy": "default:app:name"}
  tag: "1.0.0" # {"$imagepolicy": "default:app:tag"}
  digest: `+strangeDigest+` # {"$imagepolicy": "default:app:digest"}
`), "")
	for range 3 {
		r := s.cycle()
		t.Log(r.Changes, r.Held, r.Err)
	}
	if s.last = s.cycle(); len(s.last.Held) > 0 {
		t.Errorf("held: %v", s.last.Held)
	}
}

// While a registry gives no list, a proposal that was merged isn't proposed again
// below what somebody wrote since.
func TestMergedProposalIsNotKeptBelowTheBase(t *testing.T) {
	s := tell(t, "", "updates", "1.0.0", "1.1.0")
	s.next("1.1.0")
	s.Repo.Commit(parts.Commit{Tree: parts.Tree{Files: map[string]string{"a.yaml": s.Repo.File("updates", "a.yaml")}}, Message: "Update (#1)"})
	s.next("1.1.0")
	s.Repo.CommitFile("main", "a.yaml", "# by hand\n"+s.showing("1.3.0"), "")
	s.Break()
	if s.last = s.cycle(); s.proposes() {
		t.Errorf("changes %v, pushed %v", s.last.Changes, s.last.Pushed)
	}
}
