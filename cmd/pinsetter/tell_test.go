package main

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/hook"
	"github.com/pinsetter/pinsetter/parts"
)

// mailbox is a generic Provider's other end.
type mailbox struct {
	*httptest.Server
	mu   sync.Mutex
	got  []delivered
	seen strings.Builder // whatever came
}

type delivered struct {
	Severity string `json:"severity"`
	Message  string `json:"message"`
	Reason   string `json:"reason"`
}

func newMailbox(t *testing.T) *mailbox {
	m := &mailbox{}
	m.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var one delivered
		if err := json.Unmarshal(body, &one); err != nil {
			t.Errorf("%s: %v", body, err)
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		m.got = append(m.got, one)
		m.seen.Write(body)
	}))
	t.Cleanup(m.Close)
	return m
}

// told returns how many messages say a text.
func (m *mailbox) told(text string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, one := range m.got {
		if strings.Contains(one.Message+one.Reason, text) {
			n++
		}
	}
	return n
}

const toldObjects = `---
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Provider
metadata: {name: mailbox}
spec: {type: generic, address: "ADDRESS/in/box-key"}
---
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Alert
metadata: {name: all}
spec: {providerRef: {name: mailbox}, eventSources: [{kind: ImageUpdateAutomation, name: "*"}]}
---
apiVersion: pinsetter.dev/v1alpha1
kind: Gate
metadata: {name: slow}
spec:
  maxBump: minor
  hold: [{range: 1.3.0, reason: it loses mail}]
---
apiVersion: v1
kind: Secret
metadata: {name: hook}
stringData: {token: sesame, email: push@example.test, audience: "https://hooks.example.test"}
`

// knock is a delivery that a type of Receiver takes, and one that it refuses.
type knock struct {
	receiver   string
	body       string
	name, good string // of the header that proves it; "" where the body does
	bad        string // the header, or the body
}

func knocks() []knock {
	signed := func(newHash func() hash.Hash, body string) string {
		mac := hmac.New(newHash, []byte("sesame"))
		mac.Write([]byte(body))
		return hex.EncodeToString(mac.Sum(nil))
	}
	const event = `{"context":{"version":"0.4.1","id":"1","source":"/ci","type":"dev.cdevents.artifact.published.0.2.0","timestamp":"2026-11-21T10:00:00Z"},` +
		`"subject":{"id":"pkg:oci/app","content":{}}}`
	sha := "sha256=" + signed(sha256.New, "{}")
	return []knock{
		{"generic", "", "", "", ""}, // takes anything
		{"generic-hmac", "{}", "X-Signature", sha, "sha256=00"},
		{"github", "{}", "X-Hub-Signature-256", sha, "sha256=00"},
		{"gitlab", "{}", "X-Gitlab-Token", "sesame", "sesam"},
		{"bitbucket", "{}", "X-Hub-Signature", sha, ""},
		{"harbor", "{}", "Authorization", "sesame", "Bearer sesame"},
		{"nexus", "{}", "X-Nexus-Webhook-Signature", signed(sha1.New, "{}"), "00"},
		{"dockerhub", `{"push_data":{"tag":"1"},"repository":{"repo_url":"x"}}`, "", "", `{"push_data":[]}`},
		{"quay", `{"docker_url":"quay.io/a/b","updated_tags":["1"]}`, "", "", "null"},
		{"acr", `{"action":"push","target":{"repository":"a","tag":"1"}}`, "", "", "tag=1"},
		{"cdevents", event, "", "", "{}"},
		{"gcr", "{}", "Authorization", "", "Bearer none"}, // Google alone can prove itself
	}
}

func (k knock) path() string {
	return hook.Path(&fleet.Receiver{Name: pinsetter.Name{Namespace: "default", Name: k.receiver}, Token: pinsetter.NewSecret("", "sesame")})
}

func (d *daemon) knock(path, body, header, value string) int {
	d.t.Helper()
	request, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost, d.url+path, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	if header != "" {
		request.Header.Set(header, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		d.t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// TestServeIsAskedAndTells: webhooks of each type of Receiver are judged, what
// they ask for is done, and what came of it is told, once.
func TestServeIsAskedAndTells(t *testing.T) {
	f := newRig(t, "main")
	box := newMailbox(t)
	f.edit(t, func(text string) string {
		text += strings.ReplaceAll(toldObjects, "ADDRESS", box.URL)
		for _, k := range knocks() {
			text += fmt.Sprintf("---\napiVersion: notification.toolkit.fluxcd.io/v1\nkind: Receiver\nmetadata: {name: %[1]s}\n"+
				"spec: {type: %[1]s, secretRef: {name: hook}, resources: [{kind: ImageRepository, name: app}]}\n", k.receiver)
		}
		return text
	})
	d := f.serve(t, "--batch", "1ms", "--log-level", "debug")
	d.until("pushed is told", func() bool { return box.told("pushed commit '") == 1 })
	if box.told("' to branch 'main'\nUpdate app 1.0.0 -> 1.1.0 in a.yaml") != 1 {
		t.Errorf("told %s", box.seen.String())
	}

	asked := 0
	for _, k := range knocks() {
		header, body := k.bad, k.body
		if k.name == "" {
			header, body = "", k.bad
		}
		if k.receiver != "generic" {
			if status := d.knock(k.path(), body, k.name, header); status != http.StatusBadRequest && k.receiver != "gcr" || status == http.StatusOK {
				t.Errorf("%s answers %d to what it should refuse", k.receiver, status)
			}
		}
		if k.name == "Authorization" && k.good == "" {
			continue
		}
		if status := d.knock(k.path(), k.body, k.name, k.good); status != http.StatusOK {
			t.Errorf("%s answers %d", k.receiver, status)
		}
		asked++
	}
	if status := d.knock(knocks()[0].path()+"0", "{}", "", ""); status != http.StatusNotFound {
		t.Errorf("a path of nobody answers %d", status)
	}
	d.until("all are said", func() bool { return d.times("a webhook asks to look") == asked })

	again := func() { d.knock(knocks()[0].path(), "", "", "") }
	f.registry.Push("org/app", "1.3.0")
	again()
	d.until("held is told", func() bool { return box.told("it loses mail") == 1 })
	d.until("held is counted", func() bool {
		_, metrics := d.get("/metrics")
		return strings.Contains(metrics, `pinsetter_held_sites{reason="hold"} 1`)
	})

	f.registry.SetTags("org/app", "junk")
	for range 3 {
		runs := d.runs("failure")
		again()
		d.until("another run fails", func() bool { return d.runs("failure") > runs })
	}
	f.registry.SetTags("org/app", "1.0.0", "1.1.0", "1.2.0", "1.3.0")
	again()
	d.until("recovered is told", func() bool { return box.told("works again") == 1 })
	if n := box.told("none of the 1 tags"); n != 1 {
		t.Errorf("the failure is told %d times", n)
	}
	d.keepsToItself(box)
}

// runs returns how many runs ended so.
func (d *daemon) runs(result string) (n int) {
	_, metrics := d.get("/metrics")
	_, after, _ := strings.Cut(metrics, "\npinsetter_runs_total{result=\""+result+"\"} ")
	_, _ = fmt.Sscan(after, &n) // 0 where there is none
	return n
}

// keepsToItself looks through all that a daemon says for secrets, and has promtool
// judge its metrics.
func (d *daemon) keepsToItself(box *mailbox) {
	d.t.Helper()
	secrets := []string{"sesame", "box-key", "push@example.test"}
	for _, k := range knocks() {
		secrets = append(secrets, strings.TrimPrefix(k.path(), hook.Prefix))
	}
	box.mu.Lock()
	said := map[string]string{"the log": d.said(), "what is told": box.seen.String()}
	box.mu.Unlock()
	for _, path := range []string{
		"/", "/policies", "/policies/default/app", "/metrics", "/healthz", "/readyz", "/api/v1/status", "/api/v1/automations",
		"/api/v1/policies", "/api/v1/policies/default/app", "/api/v1/held", "/api/v1/history",
	} {
		status, body := d.get(path)
		if status != http.StatusOK {
			d.t.Errorf("%s: %d", path, status)
		}
		said[path] = body
	}
	for where, text := range said {
		if i := slices.IndexFunc(secrets, func(s string) bool { return strings.Contains(text, s) }); i >= 0 {
			d.t.Errorf("%s shows %s", where, secrets[i])
		}
	}
	check := exec.Command(parts.Need(d.t, "promtool"), "check", "metrics")
	check.Stdin = strings.NewReader(said["/metrics"])
	if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
		d.t.Errorf("promtool check metrics: %v: %s", err, out)
	}
}
