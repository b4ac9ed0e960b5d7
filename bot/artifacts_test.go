package bot_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/artifact"
	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/deliver"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/parts/scene"
	"github.com/pinsetter/pinsetter/registry"
	"github.com/pinsetter/pinsetter/secret"
	"github.com/pinsetter/pinsetter/source"
	"github.com/pinsetter/pinsetter/verify"
)

// gitlessObjects are a policy of the image org/app, and an automation that builds on
// org/manifests:main, pushes to org/live and moves the tags MOVES there.
const gitlessObjects = `apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: app}
spec: {image: REG/org/app, interval: 5m, insecure: true}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: app}
spec:
  imageRepositoryRef: {name: app}
  policy: {semver: {range: ^1.0.0}}
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
  push: {repository: "oci://REG/org/live", tag: "{{ .SourceTag }}-{{ .Hash }}", moveTags: [MOVES], insecure: true}
`

// gitless is a world whose automation writes into an artifact.
type gitless struct {
	*world
	files map[string]string // of the source
}

func newGitless(t *testing.T, moves string, tags ...string) *gitless {
	t.Helper()
	g := &gitless{world: newWorld(t, strings.ReplaceAll(gitlessObjects, "MOVES", moves), nil)}
	g.files = map[string]string{"app.yaml": g.Named(storyFile), "other.yaml": "a: 1\n", "run.sh": "#!/bin/sh\n"}
	g.Registry.Push("org/app", tags...)
	g.publish()
	return g
}

// publish pushes the source as CI does.
func (g *gitless) publish() string {
	return g.Registry.PushArtifact("org/manifests", "main", "main@sha1:abc", g.files)
}

func (g *gitless) repository(name string) *registry.Repository {
	g.t.Helper()
	r, err := registry.New(registry.Options{Anonymous: true, Retries: -1}).Repository(g.Registry.Image(name), registry.Access{Write: true})
	if err != nil {
		g.t.Fatal(err)
	}
	return r
}

// shows returns the files of a tag or digest of org/live.
func (g *gitless) shows(reference string) map[string]string {
	g.t.Helper()
	r := artifact.Reference{Repository: g.Registry.Image("org/live"), Tag: reference}
	if strings.HasPrefix(reference, "sha256:") {
		r.Tag, r.Digest = "", reference
	}
	opened, err := artifact.Open(g.t.Context(), g.repository("org/live"), r)
	if err != nil {
		g.t.Fatal(err)
	}
	found, err := opened.Files(g.t.Context(), artifact.Wanted{Most: 1 << 20})
	if err != nil {
		g.t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range found {
		files[f.Name] = string(f.Data)
	}
	return files
}

// wants fails the test unless what was delivered is the source with a tag of org/app.
func (g *gitless) wants(reference, tag string) {
	g.t.Helper()
	want := map[string]string{}
	for name, text := range g.files {
		want[name] = text
	}
	want["app.yaml"] = strings.Replace(want["app.yaml"], ":1.0.0 ", ":"+tag+" ", 1)
	if diff := cmp.Diff(want, g.shows(reference)); diff != "" {
		g.t.Errorf("%s:\n%s", reference, diff)
	}
}

// claim returns what an artifact of org/live says of itself.
func (g *gitless) claim(digest string) deliver.Claim {
	g.t.Helper()
	document, err := g.repository("org/live").Manifest(g.t.Context(), digest)
	if err != nil {
		g.t.Fatal(err)
	}
	claim, err := deliver.ParseClaim(document)
	if err != nil {
		g.t.Fatal(err)
	}
	return claim
}

// ok is a cycle that must not fail.
func (g *gitless) ok() *bot.Result {
	g.t.Helper()
	r := g.cycle()
	if r.Err != nil {
		g.t.Fatal(r.Err)
	}
	return r
}

// writes reports the requests that change something at org/live since the log was
// reset.
func (g *gitless) writes() int {
	n := 0
	for _, r := range g.Registry.Log.All() {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			n++
		}
	}
	return n
}

// TestGitless: the source is delivered with the policies' values, a run without
// anything to do costs one HEAD, and what CI or a policy has anew is delivered anew.
func TestGitless(t *testing.T) {
	for _, moves := range []string{"live", ""} {
		t.Run("moves "+moves, func(t *testing.T) {
			g := newGitless(t, moves, "1.0.0", "1.1.0")
			source := g.Registry.Digest("org/manifests", "main")
			r := g.ok()
			if r.Pushed == nil || len(r.Changes) != 1 || r.Changes[0].New != g.Registry.Addr+"/org/app:1.1.0" || r.Revision != "main@"+source {
				t.Fatalf("%+v, %+v", r, r.Pushed)
			}
			first := *r.Pushed
			if !strings.HasPrefix(first.Branch, "main-") || first.Branch[5:] != first.Commit[7:19] || first.Artifact != "oci://"+g.Registry.Image("org/live")+":"+first.Branch+"@"+first.Commit {
				t.Errorf("%+v", first)
			}
			g.wants(first.Branch, "1.1.0")
			if claim := g.claim(first.Commit); claim.Base != source || claim.Automation.String() != "default/live" || len(claim.Changes) != 1 || claim.Changes[0].Old != g.Registry.Addr+"/org/app:1.0.0" {
				t.Errorf("%+v", claim)
			}
			if moves != "" && g.Registry.Digest("org/live", moves) != first.Commit {
				t.Error("the tag wasn't moved")
			}

			for range 2 { // the first looks whether it is there
				g.Registry.Log.Reset()
				if r := g.ok(); r.Pushed != nil || len(r.Changes) > 0 {
					t.Errorf("a run with nothing to do: %+v, %+v", r.Pushed, r.Changes)
				}
			}
			for _, q := range g.Registry.Log.All() {
				asks := q.Method == http.MethodHead && q.Path == "/v2/org/manifests/manifests/main"
				if !asks && q.Path != "/v2/" && q.Path != "/v2/org/app/tags/list" {
					t.Errorf("a run with nothing to do asks %s %s", q.Method, q.Path)
				}
			}
			if heads := g.Registry.Log.Count(http.MethodHead, ""); heads != 1 {
				t.Errorf("a run with nothing to do costs %d HEAD", heads)
			}

			g.Registry.Push("org/app", "1.2.0")
			r = g.ok()
			if r.Pushed == nil || r.Changes[0].Old != g.Registry.Addr+"/org/app:1.1.0" {
				t.Fatalf("%+v", r.Changes)
			}
			g.wants(r.Pushed.Branch, "1.2.0")
			g.wants(first.Branch, "1.1.0") // it stays

			// CI publishes anew: it is built on, with the same values.
			g.files["other.yaml"] = "a: 2\n"
			source = g.publish()
			r = g.ok()
			if r.Pushed == nil || len(r.Changes) != 0 || g.claim(r.Pushed.Commit).Base != source {
				t.Fatalf("%+v, %+v", r.Pushed, r.Changes)
			}
			g.wants(r.Pushed.Branch, "1.2.0")
			if r := g.ok(); r.Pushed != nil {
				t.Errorf("%+v", r.Pushed)
			}
		})
	}
}

// TestGitlessPropose: diff shows what run would change, and pushes nothing.
func TestGitlessPropose(t *testing.T) {
	g := newGitless(t, "live", "1.0.0", "1.1.0")
	g.Registry.Log.Reset()
	r := g.bot(nil).Cycle(t.Context(), bot.Propose, g.Set.Automations)[0]
	if r.Err != nil || len(r.Changes) != 1 || !strings.Contains(r.Patch, "+image: "+g.Registry.Addr+"/org/app:1.1.0") || g.writes() != 0 {
		t.Errorf("%d writes, %+v", g.writes(), r)
	}
	g.ok()
	if r := g.bot(nil).Cycle(t.Context(), bot.Propose, g.Set.Automations)[0]; r.Err != nil || len(r.Changes) != 0 || r.Patch != "" {
		t.Errorf("%+v", r)
	}
	e := g.bot(nil).Explain(t.Context(), g.Set.Policies[0], g.Set.Automations)
	if e.Err != nil || len(e.Sites) != 1 || e.Sites[0].Current != "1.1.0" || e.Sites[0].Automation != "default/live" {
		t.Errorf("%+v", e)
	}
}

// TestGitlessRevert: who moves the tag back takes back what was written since, until
// something newer is there.
func TestGitlessRevert(t *testing.T) {
	g := newGitless(t, "live", "1.0.0", "1.1.0")
	first := g.ok().Pushed
	g.Registry.Push("org/app", "1.2.0")
	g.ok()
	g.tag(first.Commit, "live")
	for range 2 {
		r := g.ok()
		if r.Pushed != nil || len(r.Held) != 1 || !strings.Contains(r.Held[0].Reason, "1.2.0 was written here and somebody changed it to 1.1.0") {
			t.Fatalf("%+v, %+v", r.Pushed, r.Held)
		}
	}
	if g.Registry.Digest("org/live", "live") != first.Commit {
		t.Error("the tag was moved again")
	}

	// A new publish of CI is a new base. What was taken back stays so on it.
	g.files["other.yaml"] = "a: 2\n"
	g.publish()
	r := g.ok()
	if r.Pushed == nil || len(r.Held) != 1 {
		t.Fatalf("%+v, %+v", r.Pushed, r.Held)
	}
	g.wants("live", "1.1.0")
	g.Registry.Push("org/app", "1.3.0")
	if r := g.ok(); r.Pushed == nil || len(r.Held) != 0 {
		t.Fatalf("%+v, %+v", r.Pushed, r.Held)
	}
	g.wants("live", "1.3.0")

	// What CI itself writes back is no revert.
	g.files["app.yaml"] = strings.Replace(g.files["app.yaml"], "1.0.0", "1.0.5", 1)
	g.publish()
	if r := g.ok(); r.Pushed == nil || len(r.Held) != 0 || len(r.Changes) != 1 {
		t.Fatalf("%+v, %+v", r.Held, r.Changes)
	}
	if !strings.Contains(g.shows("live")["app.yaml"], ":1.3.0") {
		t.Error(g.shows("live"))
	}
}

// tag makes a tag of org/live name an artifact there.
func (g *gitless) tag(digest, tag string) {
	g.t.Helper()
	if _, err := artifact.Tag(g.t.Context(), g.repository("org/live"), artifact.Reference{Repository: g.Registry.Image("org/live"), Digest: digest}, []string{tag}); err != nil {
		g.t.Fatal(err)
	}
}

// TestGitlessForeign: a tag that names what the bot didn't make is never moved, whatever
// it says of itself.
func TestGitlessForeign(t *testing.T) {
	for name, forge := range map[string]func(*gitless, *bot.Pushed){
		"CI's own": func(g *gitless, _ *bot.Pushed) {
			g.Registry.PushArtifact("org/live", "live", "main@sha1:abc", g.files)
		},
		"with our annotations": func(g *gitless, last *bot.Pushed) {
			document, _ := g.repository("org/live").Manifest(t.Context(), last.Commit)
			var m map[string]any
			_ = json.Unmarshal(document, &m)
			m["extra"] = "work of somebody"
			changed, _ := json.Marshal(m)
			if _, err := g.repository("org/live").PushManifest(t.Context(), "live", "application/vnd.oci.image.manifest.v1+json", changed); err != nil {
				g.t.Fatal(err)
			}
		},
		"with a value that no policy takes": func(g *gitless, last *bot.Pushed) {
			g.forge(last, "2.0.0")
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGitless(t, "live", "1.0.0", "1.1.0")
			forge(g, g.ok().Pushed)
			there := g.Registry.Digest("org/live", "live")
			g.Registry.Push("org/app", "1.2.0")
			r := g.cycle()
			if r.Err == nil || r.Pushed != nil || !strings.Contains(r.Error, "which this automation didn't make") || g.Registry.Digest("org/live", "live") != there {
				t.Errorf("%+v: %v", r.Pushed, r.Err)
			}
			g.Registry.Delete("org/live", "live")
			if r := g.ok(); r.Pushed == nil {
				t.Error("deleted, the tag isn't made again")
			}
			g.wants("live", "1.2.0")
		})
	}
}

// forge builds on the source what the bot would with another tag of org/app, and has
// the tag live name it.
func (g *gitless) forge(last *bot.Pushed, tag string) string {
	g.t.Helper()
	claim := g.claim(last.Commit)
	for i := range claim.Changes {
		claim.Changes[i].New = strings.Replace(claim.Changes[i].New, "1.1.0", tag, 1)
	}
	base, err := artifact.OpenBase(g.t.Context(), g.repository("org/manifests"), claim.Base, "")
	if err != nil {
		g.t.Fatal(err)
	}
	defer base.Close()
	if err := base.Fetch(g.t.Context()); err != nil {
		g.t.Fatal(err)
	}
	annotations, err := claim.Annotations()
	if err != nil {
		g.t.Fatal(err)
	}
	built, err := base.Build(g.t.Context(), map[string][]byte{"app.yaml": []byte(strings.Replace(g.files["app.yaml"], "1.0.0", tag, 1))}, annotations)
	if err != nil {
		g.t.Fatal(err)
	}
	defer built.Close()
	order := deliver.Order{Built: built, To: g.repository("org/live"), Tag: "forged", Moves: []deliver.Move{{Tag: "live", Was: last.Commit}}}
	if err := order.Deliver(g.t.Context()); err != nil {
		g.t.Fatal(err)
	}
	return built.Digest
}

// TestGitlessTwoBots: what another Pinsetter delivered is known by building it again. It
// is said, and built on anew; it is no revert.
func TestGitlessTwoBots(t *testing.T) {
	g := newGitless(t, "live", "1.0.0", "1.0.1", "1.1.0")
	last := g.ok().Pushed
	g.forge(last, "1.0.1") // by a bot with an older list
	r := g.ok()
	if r.Pushed == nil || len(r.Held) != 0 || !strings.Contains(g.said.String(), "another Pinsetter delivered") {
		t.Fatalf("%+v, %+v: %s", r.Pushed, r.Held, g.said.String())
	}
	g.wants("live", "1.1.0")

	// Without the state, what was delivered is the bot's own by the same means.
	g.State += ".lost"
	if r := g.ok(); r.Pushed != nil {
		t.Errorf("%+v", r.Pushed)
	}
	g.Registry.Push("org/app", "1.2.0")
	g.State += ".again"
	if r := g.ok(); r.Pushed == nil {
		t.Error("nothing was delivered")
	}
	g.wants("live", "1.2.0")
}

// TestGitlessHeld: a gate that closes keeps what was delivered, on whatever CI
// publishes. Without knowing that, nothing is delivered that might take it back.
func TestGitlessHeld(t *testing.T) {
	g := newGitless(t, "", "1.0.0", "1.1.0")
	objects := strings.ReplaceAll(gitlessObjects, "MOVES", "")
	g.ok()
	freeze := "---\napiVersion: pinsetter.dev/v1alpha1\nkind: Gate\nmetadata: {name: freeze}\nspec: {freeze: {from: 2026-01-01T00:00:00Z, to: 2027-01-01T00:00:00Z, reason: holidays}}\n"
	g.Load(objects + freeze)
	g.Registry.Push("org/app", "1.2.0")
	if r := g.ok(); r.Pushed != nil || len(r.Held) != 1 {
		t.Fatalf("%+v, %+v", r.Pushed, r.Held)
	}
	g.files["other.yaml"] = "a: 2\n"
	g.publish()
	r := g.ok()
	if r.Pushed == nil || len(r.Held) != 1 {
		t.Fatalf("%+v, %+v", r.Pushed, r.Held)
	}
	g.wants(r.Pushed.Branch, "1.1.0")

	g.State += ".lost"
	g.files["other.yaml"] = "a: 3\n"
	g.publish()
	g.Registry.Log.Reset()
	if r := g.cycle(); r.Err == nil || r.Pushed != nil || !strings.Contains(r.Error, "it isn't known what was delivered last") || g.writes() != 0 {
		t.Errorf("%+v: %v", r.Pushed, r.Err)
	}
	g.Load(objects)
	if r := g.ok(); r.Pushed == nil {
		t.Error("nothing was delivered")
	}
}

// TestGitlessLostRace: somebody moves the tag just after the bot. It is said, and the
// next run builds anew.
func TestGitlessLostRace(t *testing.T) {
	g := newGitless(t, "live", "1.0.0", "1.1.0")
	first := g.ok().Pushed
	older := g.shows("live")
	g.Registry.Push("org/app", "1.2.0")
	raced := false
	fault := func(_ http.ResponseWriter, q *http.Request) bool {
		if q.Method == http.MethodHead && strings.HasSuffix(q.URL.Path, "/org/live/manifests/live") && g.Registry.Log.Count(http.MethodPut, "/org/live/manifests/live") > 0 && !raced {
			raced = true
			g.tag(first.Commit, "live")
		}
		return false
	}
	g.Registry.Log.Reset()
	g.setFault(fault)
	r := g.cycle()
	if !raced || r.Err == nil || !strings.Contains(r.Error, "names "+first.Commit+" right after") {
		t.Fatalf("raced %t: %v", raced, r.Err)
	}
	if diff := cmp.Diff(older, g.shows("live")); diff != "" {
		t.Error(diff)
	}
}

func (g *gitless) setFault(f func(http.ResponseWriter, *http.Request) bool) {
	fault := scene.Fault(f)
	g.Fault.Store(&fault)
}

// signs has the automation of org/live sign what it delivers.
func (g *gitless) signs(moves string) *fleet.Trust {
	g.t.Helper()
	signer := parts.NewSigner(g.t)
	g.Load(strings.ReplaceAll(gitlessObjects, "MOVES", moves) + "  sign: {secretRef: {name: signer}}\n" +
		"---\napiVersion: v1\nkind: Secret\nmetadata: {name: signer}\nstringData:\n  cosign.key: |\n" + indented(signer.PrivateKey))
	key, err := secret.ParsePublicKey([]byte(signer.PublicKey))
	if err != nil {
		g.t.Fatal(err)
	}
	return &fleet.Trust{From: "test", Provider: fleet.ProviderCosign, Keys: []fleet.PublicKey{{Name: "cosign.pub", DER: key}}}
}

// signed fails the test unless a tag of org/live names what is signed as trust asks.
func (g *gitless) signed(tag string, trust *fleet.Trust) {
	g.t.Helper()
	digest := g.Registry.Digest("org/live", tag)
	if got := verify.Open(&verify.Roots{}, g.repository("org/live"), digest).Check(g.t.Context(), trust); got.Verdict != pinsetter.SignatureVerified {
		g.t.Errorf("%s is %s: %+v", tag, digest, got)
	}
}

// TestGitlessInterrupted fails each request of a signed delivery in turn, before and after
// the registry does it: no moving tag names what isn't signed, and the next run ends where
// one without a fault would.
func TestGitlessInterrupted(t *testing.T) {
	requests, signing := 0, 0
	for n := 0; n <= requests; n++ {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprint(n, after), func(t *testing.T) {
				const moves = "live, latest"
				g := newGitless(t, moves, "1.0.0", "1.1.0")
				trust := g.signs(moves)
				g.ok()
				g.Registry.Push("org/app", "1.2.0")
				count := 0
				g.setFault(func(to http.ResponseWriter, q *http.Request) bool {
					if !strings.Contains(q.URL.Path, "/org/live/") {
						return false
					}
					count++
					if count-1 != n {
						return false
					}
					if strings.HasSuffix(q.URL.Path, ".sig") {
						signing++
					}
					if after {
						g.pass(q)
					}
					to.WriteHeader(http.StatusInternalServerError)
					return true
				})
				_ = g.cycle()
				requests = max(requests, count)
				none := func(http.ResponseWriter, *http.Request) bool { return false }
				g.setFault(none)
				for _, tag := range []string{"live", "latest"} {
					g.signed(tag, trust)
				}
				g.Pass(time.Hour)
				g.ok()
				for _, tag := range []string{"live", "latest"} {
					g.wants(tag, "1.2.0")
					g.signed(tag, trust)
				}
				if r := g.ok(); r.Pushed != nil || r.Err != nil {
					t.Errorf("%+v, %v", r.Pushed, r.Err)
				}
			})
		}
	}
	if requests < 15 || signing < 4 {
		t.Errorf("only %d requests were failed, %d for the manifest of a signature", requests, signing)
	}
}

// pass has the registry do a request whose answer is lost.
func (g *gitless) pass(q *http.Request) {
	g.setFault(func(http.ResponseWriter, *http.Request) bool { return false })
	again := q.Clone(g.t.Context())
	again.RequestURI = ""
	again.URL.Scheme, again.URL.Host = "http", g.Registry.Addr
	if response, err := http.DefaultClient.Do(again); err == nil {
		_ = response.Body.Close()
	}
}

// TestGitlessOnDistribution: the CNCF's registry takes what is delivered, and Flux's own
// packages pull it: only the marked value differs from what CI pushed.
func TestGitlessOnDistribution(t *testing.T) {
	flux := parts.Need(t, "flux-artifact")
	server := parts.NewDistribution(t, parts.DistributionOptions{})
	objects := strings.ReplaceAll(strings.ReplaceAll(gitlessObjects, "MOVES", "live"), "oci://REG", "oci://"+server.Image(""))
	w := newWorld(t, strings.ReplaceAll(objects, server.Image("")+"/", server.Image("")), nil)
	w.Registry.Push("org/app", "1.0.0", "1.1.0")
	files := map[string]string{"app.yaml": w.Named(storyFile), "deep/other.yaml": "a: 1\n"}
	server.PushArtifact("org/manifests", "main", "main@sha1:abc", files)
	if r := w.cycle(); r.Err != nil || r.Pushed == nil {
		t.Fatalf("%+v: %v", r.Pushed, r.Err)
	}
	for range 2 {
		if r := w.cycle(); r.Err != nil || r.Pushed != nil {
			t.Fatalf("%+v: %v", r.Pushed, r.Err)
		}
	}
	dir := t.TempDir()
	if out, err := exec.Command(flux, "pull", "oci://"+server.Image("org/live")+":live", "--output", dir).CombinedOutput(); err != nil {
		t.Fatalf("flux pull: %v: %s", err, out)
	}
	files["app.yaml"] = strings.Replace(files["app.yaml"], ":1.0.0 ", ":1.1.0 ", 1)
	for name, want := range files {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v; want %q", name, got, err, want)
		}
	}
}

// TestGitlessGuards: what may say otherwise stops a delivery before anything is asked.
func TestGitlessGuards(t *testing.T) {
	for name, guard := range map[string]string{
		"a PullRequest that names it": "---\napiVersion: pinsetter.dev/v1alpha1\nkind: PullRequest\nmetadata: {name: p}\nspec: {automationRef: {name: live}, provider: gitea}\n",
		"one that can't be read":      "---\napiVersion: pinsetter.dev/v1alpha1\nkind: PullRequest\nmetadata: {name: p}\nspec: {automationRef: {name: live}, provider: [\n",
		"a kind that isn't known":     "---\napiVersion: pinsetter.dev/v1alpha1\nkind: Holds\nmetadata: {name: p}\nspec: {}\n",
	} {
		t.Run(name, func(t *testing.T) {
			g := newGitless(t, "live", "1.0.0", "1.1.0")
			text := g.Named(strings.ReplaceAll(gitlessObjects, "MOVES", "live")) + guard
			g.Set = config.Load([]source.File{{Path: "objects.yaml", Data: []byte(text)}}, config.Options{Namespace: "default"})
			g.Registry.Log.Reset()
			if r := g.cycle(); r.Err == nil || r.Pushed != nil || g.writes() != 0 {
				t.Errorf("%+v, %d writes: %v", r.Pushed, g.writes(), r.Err)
			}
		})
	}
}

// TestGitlessSuspended: a suspended automation asks nothing.
func TestGitlessSuspended(t *testing.T) {
	g := newGitless(t, "live", "1.0.0", "1.1.0")
	g.Load(strings.ReplaceAll(strings.Replace(gitlessObjects, "  interval: 5m\n  sourceRef: {name: m", "  suspend: true\n  interval: 5m\n  sourceRef: {name: m", 1), "MOVES", "live"))
	g.Registry.Log.Reset()
	if r := g.ok(); !r.Suspended || r.Pushed != nil || len(g.Registry.Log.All()) != 0 {
		t.Errorf("%+v, %+v", r, g.Registry.Log.All())
	}
}

// TestGitlessFirstPushIsDenied: a registry that denies to look for what isn't there yet
// gets a first delivery, and what turns out to be there then isn't overwritten.
func TestGitlessFirstPushIsDenied(t *testing.T) {
	for _, taken := range []bool{false, true} {
		t.Run(fmt.Sprint(taken), func(t *testing.T) {
			g := newGitless(t, "live", "1.0.0", "1.1.0")
			there := ""
			if taken {
				there = g.Registry.PushArtifact("org/live", "live", "main@sha1:abc", g.files)
			}
			pushed := false
			g.setFault(func(to http.ResponseWriter, q *http.Request) bool {
				pushed = pushed || q.Method == http.MethodPut
				if pushed || q.Method != http.MethodHead && q.Method != http.MethodGet || !strings.Contains(q.URL.Path, "/org/live/manifests/") {
					return false
				}
				to.WriteHeader(http.StatusForbidden)
				return true
			})
			r := g.cycle()
			if !taken {
				if r.Err != nil || r.Pushed == nil {
					t.Fatalf("%+v: %v", r.Pushed, r.Err)
				}
				g.wants("live", "1.1.0")
				return
			}
			if r.Err == nil || r.Pushed != nil || g.Registry.Digest("org/live", "live") != there {
				t.Errorf("%+v: %v", r.Pushed, r.Err)
			}
		})
	}
}
