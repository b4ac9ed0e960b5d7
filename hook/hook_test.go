package hook

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/source"
)

const token = "hunter2-hunter2"

// door returns a receiver of a type with our token.
func door(kind string, events ...string) *fleet.Receiver {
	return &fleet.Receiver{
		Name: pinsetter.Name{Namespace: "team", Name: "door"}, Type: kind, Events: events,
		Resources: []pinsetter.Object{{Kind: "ImageRepository", Namespace: "team", Name: "app"}},
		Token:     pinsetter.NewSecret("token", token), Email: "push@example.test", Audience: "https://hooks.example.test",
	}
}

// house is a handler and what it was told.
type house struct {
	*Handler
	mu      sync.Mutex // Wake and Refused are called concurrently
	wakes   []Wake
	refused []string
	broken  error // what Wake returns
}

// woken returns how often it was told to look.
func (h *house) woken() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.wakes)
}

func serve(t *testing.T, receivers ...*fleet.Receiver) *house {
	t.Helper()
	h := &house{}
	handler, err := New(receivers, Options{
		Wake: func(_ context.Context, w Wake) error {
			h.mu.Lock()
			defer h.mu.Unlock()
			if h.broken == nil {
				h.wakes = append(h.wakes, w)
			}
			return h.broken
		},
		Refused: func(receiver pinsetter.Name, _ int, err error) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.refused = append(h.refused, receiver.String()+": "+err.Error())
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	h.Handler = handler
	return h
}

// deliver returns the status that a delivery is answered with.
func (h *house) deliver(path, body string, headers map[string]string) int {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

func sign(newHash func() hash.Hash, key, body string) string {
	mac := hmac.New(newHash, []byte(key))
	mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
}

const cdEventBody = `{"context":{"version":"0.4.1","id":"1","source":"/ci","type":"dev.cdevents.artifact.published.0.2.0","timestamp":"2026-11-21T10:00:00Z"},` +
	`"subject":{"id":"pkg:oci/app","content":{}}}`

// TestChecks: for each type, what gets in and what doesn't.
func TestChecks(t *testing.T) {
	const body = `{"a":"b"}`
	type headers = map[string]string
	structured, batch := headers{"Content-Type": "application/cloudevents+json; charset=utf-8"}, headers{"Content-Type": "application/cloudevents-batch+json"}
	tests := []struct {
		name string
		door *fleet.Receiver
		head headers
		body string
		want int
	}{
		{"generic", door("generic"), nil, "", 200},
		{"unknown type", door("generic-oidc"), nil, "", 503},

		{"sha1", door("generic-hmac"), headers{"X-Signature": "sha1=" + sign(sha1.New, token, body)}, body, 200},
		{"sha256", door("generic-hmac"), headers{"X-Signature": "sha256=" + sign(sha256.New, token, body)}, body, 200},
		{"sha512", door("generic-hmac"), headers{"X-Signature": "sha512=" + sign(sha512.New, token, body)}, body, 200},
		{"another key", door("generic-hmac"), headers{"X-Signature": "sha256=" + sign(sha256.New, "x", body)}, body, 400},
		{"another body", door("generic-hmac"), headers{"X-Signature": "sha256=" + sign(sha256.New, token, body)}, body + " ", 400},
		{"no algorithm", door("generic-hmac"), headers{"X-Signature": sign(sha256.New, token, body)}, body, 400},
		{"unknown algorithm", door("generic-hmac"), headers{"X-Signature": "md5=" + sign(sha256.New, token, body)}, body, 400},
		{"empty signature", door("generic-hmac"), headers{"X-Signature": "sha256="}, body, 400},
		{"no signature", door("generic-hmac"), nil, body, 400},

		{"github", door("github"), headers{"X-Hub-Signature-256": "sha256=" + sign(sha256.New, token, body)}, body, 200},
		{"github, the old header", door("github"), headers{"X-Hub-Signature": "sha1=" + sign(sha1.New, token, body)}, body, 200},
		{"github, the newer header counts", door("github"), headers{
			"X-Hub-Signature-256": "sha256=00", "X-Hub-Signature": "sha1=" + sign(sha1.New, token, body)}, body, 400},
		{"github, listed event", door("github", "ping", "push"), headers{
			"X-Hub-Signature-256": "sha256=" + sign(sha256.New, token, body), "X-GitHub-Event": "PUSH"}, body, 200},
		{"github, another event", door("github", "push"), headers{
			"X-Hub-Signature-256": "sha256=" + sign(sha256.New, token, body), "X-GitHub-Event": "fork"}, body, 400},
		{"github, listed event without signature", door("github", "push"), headers{"X-GitHub-Event": "push"}, body, 400},

		{"gitlab", door("gitlab"), headers{"X-Gitlab-Token": token}, body, 200},
		{"gitlab, wrong token", door("gitlab"), headers{"X-Gitlab-Token": token + "x"}, body, 400},
		{"gitlab, no token", door("gitlab"), nil, body, 400},
		{"gitlab, a signing token", door("gitlab"), headers{"Webhook-Signature": "v1,x"}, body, 400},
		{"gitlab, listed event", door("gitlab", "Push Hook"), headers{"X-Gitlab-Token": token, "X-Gitlab-Event": "Push Hook"}, body, 200},
		{"gitlab, another event", door("gitlab", "Push Hook"), headers{"X-Gitlab-Token": token, "X-Gitlab-Event": "Tag Push Hook"}, body, 400},
		{"gitlab, no event", door("gitlab", "Push Hook"), headers{"X-Gitlab-Token": token}, body, 400},

		{"bitbucket", door("bitbucket", "repo:refs_changed"), headers{
			"X-Hub-Signature": "sha256=" + sign(sha256.New, token, body), "X-Event-Key": "repo:refs_changed"}, body, 200},
		{"bitbucket, unsigned", door("bitbucket"), nil, body, 400},

		{"harbor", door("harbor"), headers{"Authorization": token}, body, 200},
		{"harbor, wrong token", door("harbor"), headers{"Authorization": "Bearer " + token}, body, 400},

		{"dockerhub", door("dockerhub"), nil, `{"push_data":{"tag":"1.0"},"repository":{"repo_url":"https://hub.docker.com/r/a/b"}}`, 200},
		{"dockerhub, another shape", door("dockerhub"), nil, `{"push_data":[]}`, 400},
		{"dockerhub, no JSON", door("dockerhub"), nil, `tag=1.0`, 400},
		{"quay", door("quay"), nil, `{"docker_url":"quay.io/a/b","updated_tags":["1.0"]}`, 200},
		{"dockerhub, white space behind", door("dockerhub"), nil, `{"push_data":{"tag":"1.0"}}` + " \r\n", 200},
		{"dockerhub, text behind", door("dockerhub"), nil, `{"push_data":{"tag":"1.0"}} ok`, 200},
		{"quay, text behind", door("quay"), nil, `{"updated_tags":["1.0"]}{`, 200},
		{"acr, text behind", door("acr"), nil, "{\"action\":\"push\"}\n--", 200},
		{"acr, text before", door("acr"), nil, `ok {"action":"push"}`, 400},
		{"quay, another shape", door("quay"), nil, `{"updated_tags":"1.0"}`, 400},
		{"acr", door("acr"), nil, `{"action":"push","target":{"repository":"a","tag":"1.0"}}`, 200},
		{"acr, null", door("acr"), nil, `null`, 400},

		{"nexus", door("nexus"), headers{"X-Nexus-Webhook-Signature": sign(sha1.New, token, body)}, body, 200},
		{"nexus, upper case", door("nexus"), headers{"X-Nexus-Webhook-Signature": strings.ToUpper(sign(sha1.New, token, body))}, body, 200},
		{"nexus, text behind", door("nexus"), headers{"X-Nexus-Webhook-Signature": sign(sha1.New, token, body+"x")}, body + "x", 400},
		{"nexus, wrong", door("nexus"), headers{"X-Nexus-Webhook-Signature": sign(sha1.New, "x", body)}, body, 400},
		{"nexus, unsigned", door("nexus"), nil, body, 400},
		{"nexus, no JSON", door("nexus"), headers{"X-Nexus-Webhook-Signature": sign(sha1.New, token, "x")}, "x", 400},

		{"cdevents", door("cdevents"), nil, cdEventBody, 200},
		{"cdevents, newer name of the version", door("cdevents"), nil, strings.Replace(cdEventBody, `"version":"0.4.1"`, `"specversion":"0.5.0"`, 1), 200},
		{"cdevents, listed", door("cdevents", "dev.cdevents.artifact.published.0.2.0"),
			headers{"Ce-Type": "dev.cdevents.artifact.published.0.2.0"}, cdEventBody, 200},
		{"cdevents, another type", door("cdevents", "dev.cdevents.change.merged.0.2.0"),
			headers{"Ce-Type": "dev.cdevents.artifact.published.0.2.0"}, cdEventBody, 400},
		{"cdevents, listed by its header alone", door("cdevents", "dev.cdevents.change.merged.0.2.0"),
			headers{"Ce-Type": "dev.cdevents.change.merged.0.2.0"}, cdEventBody, 400},
		{"cdevents, no id", door("cdevents"), nil, strings.Replace(cdEventBody, `"id":"1",`, "", 1), 400},
		{"cdevents, no content", door("cdevents"), nil, strings.Replace(cdEventBody, `,"content":{}`, `,"type":"artifact"`, 1), 200},
		{"cdevents, no subject", door("cdevents"), nil, strings.Replace(cdEventBody, `"id":"pkg:oci/app",`, "", 1), 400},
		{"cdevents, structured", door("cdevents"), structured, `{"specversion":"1.0","type":"dev.cdevents.artifact.published.0.2.0","data":` + cdEventBody + `}`, 200},
		{"cdevents, structured, base64", door("cdevents"), structured,
			`{"data_base64":"` + base64.StdEncoding.EncodeToString([]byte(cdEventBody)) + `"}`, 200},
		{"cdevents, structured, listed", door("cdevents", "dev.cdevents.artifact.published.0.2.0"), structured,
			`{"type":"dev.cdevents.artifact.published.0.2.0","data":` + cdEventBody + `}`, 200},
		{"cdevents, structured, another type", door("cdevents", "dev.cdevents.change.merged.0.2.0"), structured,
			`{"type":"dev.cdevents.artifact.published.0.2.0","data":` + cdEventBody + `}`, 400},
		{"cdevents, structured, listed outside alone", door("cdevents", "dev.cdevents.change.merged.0.2.0"), structured,
			`{"type":"dev.cdevents.change.merged.0.2.0","data":` + cdEventBody + `}`, 400},
		{"cdevents, structured, no data", door("cdevents"), structured, cdEventBody, 400},
		{"cdevents, batch", door("cdevents", "dev.cdevents.artifact.published.0.2.0"), batch,
			`[{"type":"dev.cdevents.artifact.published.0.2.0","data":` + cdEventBody + `},{"type":"dev.cdevents.change.merged.0.2.0","data":` +
				strings.Replace(cdEventBody, "artifact.published", "change.merged", 1) + `}]`, 200},
		{"cdevents, batch of others", door("cdevents", "dev.cdevents.change.merged.0.2.0"), batch,
			`[{"type":"dev.cdevents.artifact.published.0.2.0","data":` + cdEventBody + `}]`, 400},
		{"cdevents, batch with something else", door("cdevents"), batch, `[{"data":` + cdEventBody + `},{"data":{}}]`, 400},
		{"cdevents, empty batch", door("cdevents"), batch, `[]`, 400},
		{"cdevents, no type", door("cdevents"), nil, strings.Replace(cdEventBody, "dev.cdevents.artifact", "artifact", 1), 400},
		{"cdevents, no time", door("cdevents"), nil, strings.Replace(cdEventBody, "T10:00:00Z", "", 1), 400},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := serve(t, test.door)
			if got := h.deliver(Path(test.door), test.body, test.head); got != test.want {
				t.Errorf("status %d, want %d: %v", got, test.want, h.refused)
			}
			want := []Wake(nil)
			if test.want == 200 {
				want = []Wake{{Receiver: test.door.Name, Objects: test.door.Resources}}
			}
			if diff := cmp.Diff(want, h.wakes); diff != "" {
				t.Errorf("wakes (-want +got):\n%s", diff)
			}
			for _, reason := range h.refused {
				if strings.Contains(reason, "hunter2") || strings.Contains(reason, Path(test.door)[len(Prefix):]) {
					t.Errorf("a secret shows: %s", reason)
				}
			}
			if (len(h.refused) == 0) != (test.want == 200) {
				t.Errorf("refused: %v", h.refused)
			}
		})
	}
}

// TestGitLabsSigningToken: the error says which of GitLab's two tokens it takes.
func TestGitLabsSigningToken(t *testing.T) {
	r := door("gitlab")
	h := serve(t, r)
	h.deliver(Path(r), "{}", map[string]string{"Webhook-Signature": "v1,x", "Webhook-Id": "1"})
	want := "team/door: take a delivery for Receiver team/door: it has no header X-Gitlab-Token: set the token as the sender's secret token, not as a signing token"
	if len(h.refused) != 1 || h.refused[0] != want {
		t.Errorf("%q; want %q", h.refused, want)
	}
}

// TestPath: the hash of token, name and namespace, as `flux get receivers` shows
// it.
func TestPath(t *testing.T) {
	r := door("github")
	want := "/hook/" + hex.EncodeToString(func() []byte { s := sha256.Sum256([]byte("hunter2-hunter2doorteam")); return s[:] }())
	if got := Path(r); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestDoors(t *testing.T) {
	open, suspended, broken, keyless, idle := door("generic"), door("generic"), door("generic"), door("generic"), door("generic")
	suspended.Name.Name, suspended.Suspended = "suspended", true
	broken.Name.Name, broken.Err = "broken", errors.New("hunter2")
	keyless.Name.Name, keyless.Token = "keyless", pinsetter.Secret{}
	idle.Name.Name, idle.Resources = "idle", nil
	h := serve(t, open, suspended, broken, keyless, idle)
	for path, want := range map[string]int{
		Path(open): 200, Path(suspended): 503, Path(broken): 503, Path(keyless): 404, Path(idle): 200,
		"/hook/": 404, "/": 404, Path(open) + "/": 404, strings.ToUpper(Path(open)): 404,
	} {
		if got := h.deliver(path, "", nil); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
	if len(h.wakes) != 1 {
		t.Errorf("wakes: %v", h.wakes)
	}
}

func TestBody(t *testing.T) {
	r := door("generic")
	h := serve(t, r)
	if got := h.deliver(Path(r), strings.Repeat("x", MaxBody), nil); got != 200 {
		t.Errorf("the largest body: %d", got)
	}
	if got := h.deliver(Path(r), strings.Repeat("x", MaxBody+1), nil); got != 413 {
		t.Errorf("a larger one: %d", got)
	}
	request := httptest.NewRequest(http.MethodPost, Path(r), http.NoBody)
	request.Body = brokenBody{}
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, request); w.Code != 400 {
		t.Errorf("one that breaks off: %d", w.Code)
	}
}

type brokenBody struct{}

func (brokenBody) Read([]byte) (int, error) { return 0, errors.New("connection reset") }
func (brokenBody) Close() error             { return nil }

// TestSamePath: Flux joins token, name and namespace without anything between.
func TestSamePath(t *testing.T) {
	a, b := door("generic"), door("github")
	a.Name, b.Name = pinsetter.Name{Namespace: "bc", Name: "a"}, pinsetter.Name{Namespace: "c", Name: "ab"}
	h, err := New([]*fleet.Receiver{a, b}, Options{Wake: func(context.Context, Wake) error { return nil }})
	if err == nil || !strings.Contains(err.Error(), "Receiver c/ab: it has the path of Receiver bc/a") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("err %v", err)
	}
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, Path(a), http.NoBody)); w.Code != 200 {
		t.Errorf("the first: %d", w.Code)
	}
}

// TestEveryTypeHasACheck keeps config and this package together.
func TestEveryTypeHasACheck(t *testing.T) {
	for kind := range checks {
		set := config.Load([]source.File{{Path: "x", Data: []byte("apiVersion: notification.toolkit.fluxcd.io/v1\nkind: Receiver\nmetadata: {name: r}\n" +
			"spec: {type: " + kind + ", secretRef: {name: s}, resources: [{kind: GitRepository, name: g}]}\n---\n" +
			"apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {token: t, email: e, audience: a}\n")}},
			config.Options{Notifications: config.NotificationsUsed})
		if len(set.Receivers) != 1 || set.Receivers[0].Err != nil {
			t.Errorf("%s: %v", kind, set.Findings)
		}
	}
	if len(checks) != 12 {
		t.Errorf("%d types have a check, and config loads 12", len(checks))
	}
}

// FuzzDelivery: whatever is sent, nothing breaks, and nothing unsigned gets in
// where a signature or a token is asked for.
func FuzzDelivery(f *testing.F) {
	f.Add("push", "sha256=00", "", []byte(cdEventBody))
	f.Add("", "", "-batch", []byte(`[{"type":"x","data":`+cdEventBody+`}]`))
	f.Add("", "sha1=", "x", []byte(`{"push_data":{"tag":"1.0"},"updated_tags":["x"],"target":{}}`))
	f.Add("dev.cdevents.artifact.published.0.2.0", "Bearer a.b.c", "", []byte(`{"message":{"data":"e30="}}`))
	f.Fuzz(func(t *testing.T, event, credential, mode string, body []byte) {
		for kind := range checks {
			r := door(kind)
			h := serve(t, r)
			got := h.deliver(Path(r), string(body), map[string]string{
				"X-Signature": credential, "X-Hub-Signature": credential, "X-Hub-Signature-256": credential, "X-Nexus-Webhook-Signature": credential,
				"Content-Type": "application/cloudevents" + mode + "+json", "X-Gitlab-Token": credential, "Authorization": strings.ReplaceAll(credential, ".", ""), "Ce-Type": event, "X-GitHub-Event": event,
			})
			open := kind == "generic" || kind == "dockerhub" || kind == "quay" || kind == "acr" || kind == "cdevents"
			if got != 200 && got != 400 || got == 200 && !open && credential != token {
				t.Errorf("%s: status %d", kind, got)
			}
		}
	})
}
