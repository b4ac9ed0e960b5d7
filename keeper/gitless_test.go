package keeper_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter"
)

// gitlessObjects are an ArtifactAutomation that moves the tag live of org/live, and its
// policy and source.
const gitlessObjects = `apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: app}
spec: {image: REG/org/app, interval: 20m, insecure: true}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: app}
spec: {imageRepositoryRef: {name: app}, policy: {semver: {range: 1.x}}}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata: {name: manifests}
spec: {url: "oci://REG/org/manifests", interval: 5m, ref: {tag: main}, insecure: true}
---
apiVersion: pinsetter.dev/v1alpha1
kind: ArtifactAutomation
metadata: {name: live}
spec:
  interval: 5m
  sourceRef: {name: manifests}
  push: {repository: "oci://REG/org/live", tag: "{{ .Hash }}", moveTags: [live], insecure: true}
`

// TestGitlessIsServed: an ArtifactAutomation is run by its interval, when tags are
// others, and when its source is named. Its own push wakes nobody. Events and the page
// show it as any other.
func TestGitlessIsServed(t *testing.T) {
	k := newKeeping(t, gitlessObjects, nil)
	files := map[string]string{"a.yaml": k.Named("image: REG/org/app:1.0.0 # {\"$imagepolicy\": \"default:app\"}\n")}
	source := k.Registry.PushArtifact("org/manifests", "main", "main@sha1:abc", files)
	k.begin(0)
	k.ran("live", 1)
	first := k.Registry.Digest("org/live", "live")
	state := k.state("live")
	got := []string{state.Repository, state.Branch, state.Revision}
	if diff := cmp.Diff([]string{"oci://" + k.Registry.Image("org/live"), "live", "main@" + source}, got); diff != "" || state.Err != nil {
		t.Errorf("%v\n%s", state.Err, diff)
	}
	k.comes("live", k.Now().Add(5*time.Minute))

	k.Registry.Push("org/app", "1.1.0")
	k.after(20 * time.Minute) // its tags are listed
	k.until("1.1.0 is delivered", func() bool { return k.Registry.Digest("org/live", "live") != first })
	k.until("the event is told", func() bool { return len(k.delivered()) == 2 })
	event := k.delivered()[1]
	if event.Object.Kind != "ArtifactAutomation" || event.Commit != k.Registry.Digest("org/live", "live") || len(event.Changes) != 1 ||
		!strings.HasPrefix(event.Message, "delivered oci://"+k.Registry.Image("org/live")+":") {
		t.Errorf("%+v", event)
	}
	if recent := k.Picture().Recent; len(recent) != 2 || recent[0].Commit != event.Commit || recent[0].Repository != state.Repository {
		t.Errorf("%+v", recent)
	}

	runs := k.runs("live")
	k.ran("live", runs) // nothing woke it since
	k.after(5*time.Minute + time.Second)
	k.ran("live", runs+1)
	k.after(5*time.Minute + time.Second)
	k.ran("live", runs+2)
	k.Registry.Log.Reset()
	k.after(5*time.Minute + time.Second)
	k.ran("live", runs+3)
	if all := k.Registry.Log.All(); len(all) != 1 || all[0].Method != http.MethodHead {
		t.Errorf("a run with nothing to do costs %+v", all)
	}
	k.Wake(object("OCIRepository", "manifests"))
	k.ran("live", runs+4)
	k.Wake(object("ArtifactAutomation", "live"))
	k.ran("live", runs+5)
	k.Wake(object("GitRepository", "manifests"))
	k.ran("live", runs+5)
}

// delivered returns the events of deliveries.
func (k *keeping) delivered() []pinsetter.Event {
	k.mu.Lock()
	defer k.mu.Unlock()
	var found []pinsetter.Event
	for _, e := range k.events {
		if e.Kind == pinsetter.EventPushed {
			found = append(found, e)
		}
	}
	return found
}
