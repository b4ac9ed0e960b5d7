package bot_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/parts/scene"
)

// pinnedStory is a story of n sites that show digests of signed images, each of
// another policy.
func pinnedStory(t *testing.T, n int) (*world, *parts.Signer) {
	t.Helper()
	signer := parts.NewSigner(t)
	_, source, _ := strings.Cut(strings.Replace(storyObjects, "PUSH", "main", 1), "---\napiVersion: source")
	objects, file := "apiVersion: source"+source, ""
	for i := range n {
		objects += fmt.Sprintf(fleetObjects, i) + "  digestReflectionPolicy: IfNotPresent\n"
		file += fmt.Sprintf("---\nimage: REG/org/app-%[1]d:1.0.0 # {\"$imagepolicy\": \"default:app-%[1]d\"}\n", i)
	}
	objects += "---\napiVersion: pinsetter.dev/v1alpha1\nkind: Gate\nmetadata: {name: gate}\nspec: {verify: [{provider: cosign, secretRef: {name: keys}}]}\n" +
		"---\napiVersion: v1\nkind: Secret\nmetadata: {name: keys}\nstringData:\n  cosign.pub: |\n" + indented(signer.PublicKey)
	w := newWorld(t, objects, map[string]string{"a.yaml": file})
	for i := range n {
		image := fmt.Sprintf("org/app-%d", i)
		digest := w.Registry.PushContent(image, "1.1.0", image)
		w.Registry.Sign(image, digest, signer)
	}
	if r := w.cycle(); r.Err != nil || len(r.Changes) != n || len(r.Unverified) > 0 {
		t.Fatalf("%d changes, %v, error %v", len(r.Changes), r.Unverified, r.Err)
	}
	return w, signer
}

// What is written is verified again once a day, a few in a run, until all were asked
// about. In between nothing is asked, and no answer changes nothing.
func TestWrittenDigestsAreVerifiedAgain(t *testing.T) {
	const n = 25 // more than in one run
	w, _ := pinnedStory(t, n)
	asks := func(want int) {
		t.Helper()
		before := w.Registry.Log.Count(http.MethodGet, "/referrers/")
		if r := w.cycle(); r.Err != nil || len(r.Unverified) > 0 {
			t.Fatalf("%v, error %v", r.Unverified, r.Err)
		}
		if got := w.Registry.Log.Count(http.MethodGet, "/referrers/") - before; got != want {
			t.Errorf("at %s: %d are asked about, want %d", w.Now(), got, want)
		}
		w.Pass(time.Minute)
	}
	w.Pass(time.Hour)
	asks(0)
	w.Pass(25 * time.Hour)
	asks(20)
	asks(5)
	asks(0)

	w.Pass(25 * time.Hour)
	silent := scene.Fault(func(to http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/referrers/") {
			return false
		}
		to.WriteHeader(http.StatusServiceUnavailable)
		return true
	})
	w.Fault.Store(&silent)
	asks(20)
}

// A signature that is gone is told of in each run until it is there again.
func TestAWrittenDigestThatIsUnsigned(t *testing.T) {
	w, _ := pinnedStory(t, 1)
	w.Pass(25 * time.Hour)
	empty := scene.Fault(func(to http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/referrers/") {
			return false
		}
		to.Header().Set("Content-Type", "application/vnd.oci.image.index.v1+json")
		_, _ = fmt.Fprint(to, `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}`)
		return true
	})
	w.Fault.Store(&empty)
	head := w.Repo.Head("main")
	for range 3 { // of which the last are told from memory
		r := w.cycle()
		if r.Err != nil || len(r.Unverified) != 1 || !strings.Contains(r.Unverified[0].Reason, "isn't signed") || r.Unverified[0].Rule != "Gate default/gate" {
			t.Fatalf("%+v, error %v", r.Unverified, r.Err)
		}
		w.Pass(time.Minute)
	}
	w.Fault.Store(nil)
	w.Pass(time.Hour)
	if r := w.cycle(); len(r.Unverified) > 0 || r.Err != nil || w.Repo.Head("main") != head {
		t.Errorf("%+v, error %v, head %s", r.Unverified, r.Err, w.Repo.Head("main"))
	}
}
