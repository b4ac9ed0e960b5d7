package bot_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/parts/scene"
)

// signedStory is a policy whose images must be signed, by a Gate with more fields, and
// the signer.
func signedStory(t *testing.T, fields string, tags ...string) (*story, *parts.Signer) {
	t.Helper()
	signer := parts.NewSigner(t)
	keys := "---\napiVersion: v1\nkind: Secret\nmetadata: {name: keys}\nstringData:\n  cosign.pub: |\n" + indented(signer.PublicKey)
	s := tell(t, "{"+fields+"verify: [{provider: cosign, secretRef: {name: keys}}]}\n"+keys, "", tags...)
	return s, signer
}

func indented(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n    ") + "\n"
}

// A commit says where its images come from, by what was asked for them alone: as
// their publishers claim it, and who was verified to have signed them.
func TestCommitSaysWhereItsImagesComeFrom(t *testing.T) {
	s, signer := signedStory(t, "", "1.0.0", "1.2.0")
	const revision = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"
	s.Registry.PushBuilt("org/app", "1.1.0", "git@git.example.com:org/app.git", revision)
	s.Registry.Sign("org/app", s.Registry.Digest("org/app", "1.1.0"), signer)
	s.Registry.Log.Reset()
	s.next("1.1.0")
	want := []pinsetter.Written{{
		Policy: "default/app", Ref: s.Named("REG/org/app:1.1.0"),
		Provenance: pinsetter.Provenance{Digest: s.Registry.Digest("org/app", "1.1.0"), Source: "ssh://git.example.com/org/app.git", Revision: revision},
	}}
	if diff := cmp.Diff(want, s.last.Images, cmpopts.IgnoreFields(pinsetter.Provenance{}, "Signer")); diff != "" || !strings.HasPrefix(s.last.Images[0].Signer, "cosign.pub (key ") {
		t.Errorf("%s\nsigned by %q", diff, s.last.Images[0].Signer)
	}
	message := s.Repo.Git("log", "-1", "--format=%B", "main")
	if !strings.Contains(message, "\nPinsetter-Image: policy=default/app&ref=") || !strings.Contains(message, "&revision="+revision+"&signer=cosign.pub+%28key") {
		t.Errorf("the message is\n%s", message)
	}
	ledger := s.Remember()
	defer ledger.Close()
	asked := len(s.Registry.Log.All())
	if r := s.run(ledger); len(r.Images) > 0 || r.Err != nil {
		t.Errorf("a run that writes nothing says where %v come from, error %v", r.Images, r.Err)
	}
	if again := len(s.Registry.Log.All()) - asked; again >= asked {
		t.Errorf("a run that writes nothing asks %d times, the one that wrote %d times", again, asked)
	}
}

// That nobody can be asked where an image comes from is said, and holds nothing
// back.
func TestUnreadProvenanceHoldsNothingBack(t *testing.T) {
	s := tell(t, "", "", "1.0.0", "1.1.0")
	manifest := "/v2/org/app/manifests/" + s.Registry.Digest("org/app", "1.1.0")
	fault := scene.Fault(func(to http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != manifest {
			return false
		}
		to.WriteHeader(http.StatusServiceUnavailable)
		return true
	})
	s.Fault.Store(&fault)
	s.next("1.1.0")
	if len(s.last.Images) != 1 || !strings.Contains(s.last.Images[0].Unread, "503") || s.last.Images[0].Source != "" {
		t.Errorf("images %+v", s.last.Images)
	}
	if said := s.said.String(); strings.Count(said, "could not be read where a written image comes from") != 1 {
		t.Errorf("the log says\n%s", said)
	}
	if strings.Contains(s.Repo.Git("log", "-1", "--format=%B", "main"), "Pinsetter-Image") {
		t.Error("the commit says where it comes from")
	}
}
