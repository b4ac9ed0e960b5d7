package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/server"
	"github.com/pinsetter/pinsetter/store"
)

// decoded is an answer as anybody's JSON library has it.
func decoded[T any](t *testing.T, url string) T {
	t.Helper()
	status, body := get(t, url)
	var value T
	if err := json.Unmarshal([]byte(body), &value); err != nil || status != http.StatusOK {
		t.Fatalf("%s: %d, %v: %s", url, status, err, body)
	}
	return value
}

func TestTheAPIHasWhatThePageShows(t *testing.T) {
	w := newWorld(fleet())
	w.explanation, w.runs = explained, lately()
	_, base := start(t, server.Options{Source: w, Version: "v1"})

	status := decoded[map[string]any](t, base+"/api/v1/status")
	if got := fmt.Sprint(status); got != "map[at:2026-08-06T11:59:48Z automations:map[failing:1 held:1 idle:0 ok:1 suspended:1] "+
		"findings:[] heldSites:2 policies:map[failing:1 held:2 idle:1 ok:2 suspended:0] version:v1]" {
		t.Error(got)
	}
	names := func(path string) string {
		var names []string
		for _, row := range decoded[[]map[string]any](t, base+path) {
			names = append(names, fmt.Sprintf("%v/%v %v", row["namespace"], row["name"], row["state"]))
		}
		return strings.Join(names, ", ")
	}
	for path, want := range map[string]string{
		"/api/v1/automations":                      "payments/ledger failing, shop/apps held, shop/legacy suspended, flux-system/infrastructure ok",
		"/api/v1/automations?state=ok":             "flux-system/infrastructure ok",
		"/api/v1/policies":                         "payments/ledger failing, shop/proxy held, shop/storefront held, shop/unused idle, flux-system/cert-manager ok, flux-system/podinfo ok",
		"/api/v1/policies?q=NGINX":                 "shop/proxy held",
		"/api/v1/policies?q=shop%2F&state=idle":    "shop/unused idle",
		"/api/v1/policies?q=nothing-has-this":      "",
		"/api/v1/automations?q=" + "403+forbidden": "payments/ledger failing",
	} {
		if got := names(path); got != want {
			t.Errorf("%s: %s", path, got)
		}
	}
	if held := decoded[[]map[string]any](t, base+"/api/v1/held"); len(held) != 2 || held[0]["candidate"] != "4.3.0" || held[0]["automation"] != "shop/apps" || held[1]["until"] != nil {
		t.Errorf("%v", held)
	}
	if e := decoded[server.Explanation](t, base+"/api/v1/policies/shop/storefront"); e.Selected != "4.2.1" || len(e.Tags) != 6 || len(e.Sites) != 2 {
		t.Errorf("%+v", e)
	}
	if runs := decoded[[]store.Run](t, base+"/api/v1/history?limit=2"); len(runs) != 2 || runs[0].PullRequest.Number != 482 {
		t.Errorf("%+v", runs)
	}
}

// TestEmptyListsAreLists holds that no list is null.
func TestEmptyListsAreLists(t *testing.T) {
	w := newWorld(&server.Status{Automations: []server.Automation{{Namespace: "a", Name: "b"}}})
	w.explanation = func(context.Context, pinsetter.Name) (*server.Explanation, error) { return &server.Explanation{}, nil }
	_, base := start(t, server.Options{Source: w})
	for path, want := range map[string]string{
		"/api/v1/automations":  `[{"namespace":"a","name":"b","pullRequests":[],"held":[],"state":"idle"}]`,
		"/api/v1/policies":     `[]`,
		"/api/v1/held":         `[]`,
		"/api/v1/history":      `[]`,
		"/api/v1/policies/a/b": `{"namespace":"","name":"","image":"","tags":[],"sites":[]}`,
	} {
		if _, body := get(t, base+path); strings.TrimSpace(body) != want {
			t.Errorf("%s: %s", path, body)
		}
	}
}

func TestTheAPISaysWhatIsWrong(t *testing.T) {
	w := newWorld(fleet())
	w.historyErr = fmt.Errorf("read history: %w: name one with --state", store.ErrStateless)
	w.explanation = func(_ context.Context, name pinsetter.Name) (*server.Explanation, error) {
		if name.Name == "broken" {
			return nil, errors.New("fetch: it broke")
		}
		return nil, server.ErrUnknown
	}
	_, base := start(t, server.Options{Source: w})
	for path, want := range map[string]string{
		"/api/v1/policies?state=sad":                     `400 {"error":"state \"sad\" is none of [\"failing\" \"held\" \"suspended\" \"idle\" \"ok\"]"}`,
		"/api/v1/policies?q=" + strings.Repeat("x", 513): `400 {"error":"q has 513 bytes, and 512 are the bound"}`,
		"/api/v1/history?limit=0":                        `400 {"error":"limit \"0\" is no number from 1 to 200"}`,
		"/api/v1/history?limit=201":                      `400 {"error":"limit \"201\" is no number from 1 to 200"}`,
		"/api/v1/history":                                `503 {"error":"` + w.historyErr.Error() + `"}`,
		"/api/v1/policies/shop/none":                     `404 {"error":"no such object"}`,
		"/api/v1/policies/shop/broken":                   `500 {"error":"fetch: it broke"}`,
		"/api/v1/nothing":                                `404 {"error":"no such address"}`,
		"/api/v2/status":                                 `404 {"error":"no such address"}`,
	} {
		status, body := get(t, base+path)
		if got := fmt.Sprintf("%d %s", status, strings.TrimSpace(body)); got != want {
			t.Errorf("%.60s: %s", path, got)
		}
	}
}

func TestExplanationsAreBounded(t *testing.T) {
	asked, answer := make(chan struct{}), make(chan struct{})
	w := newWorld(fleet())
	w.explanation = func(ctx context.Context, _ pinsetter.Name) (*server.Explanation, error) {
		asked <- struct{}{}
		<-answer
		return &server.Explanation{}, nil
	}
	_, base := start(t, server.Options{Source: w})
	done := make(chan int, 4)
	for range 4 {
		go func() {
			status, _ := get(t, base+"/api/v1/policies/shop/storefront")
			done <- status
		}()
		<-asked
	}
	if status, body := get(t, base+"/api/v1/policies/shop/storefront"); status != 503 || !strings.Contains(body, "try again") {
		t.Errorf("the fifth: %d %s", status, body)
	}
	if status, body := get(t, base+"/policies/shop/storefront"); status != 200 || !strings.Contains(body, "explained now: too many") {
		t.Errorf("the page: %d", status)
	}
	close(answer)
	for range 4 {
		if status := <-done; status != 200 {
			t.Error(status)
		}
	}
}

// TestHeldIsTheSites: a policy is held if something better isn't written at one of
// its sites, by whichever automation, and not by what a gate refuses elsewhere.
func TestHeldIsTheSites(t *testing.T) {
	w := newWorld(&server.Status{
		At: noon,
		Automations: []server.Automation{{Namespace: "ns", Name: "a", LastRun: noon, Held: []server.Hold{
			{Hold: pinsetter.Hold{Policy: "ns/one", Path: "x.yaml", Line: 2, Current: "1", Candidate: "2", Reason: "too young"}},
		}}},
		Policies: []server.Policy{
			{Namespace: "ns", Name: "one", Tag: "1"},
			{Namespace: "ns", Name: "other", Tag: "1", Held: "an automation of before said so"},
		},
	})
	_, base := start(t, server.Options{Source: w})
	_, body := get(t, base+"/api/v1/policies")
	for _, want := range []string{`"name":"one"`, `"held":"too young","state":"held"`, `"name":"other","tag":"1","state":"ok"`} {
		if !strings.Contains(body, want) {
			t.Errorf("%s is missing in %s", want, body)
		}
	}
	if _, body := get(t, base+"/metrics"); !strings.Contains(body, `pinsetter_policies{state="held"} 1`) {
		t.Errorf("metrics: %s", body)
	}
}

// TestThePageSaysEachThingOnce: a broken policy is one failure, links lead to the
// forge, and the page is loaded again without a script.
func TestThePageSaysEachThingOnce(t *testing.T) {
	wrong := "ImagePolicy ns/p: list tags: 401 Unauthorized"
	w := newWorld(&server.Status{
		At: noon,
		Automations: []server.Automation{{
			Namespace: "ns", Name: "a", LastRun: noon, Error: wrong, Proposes: true,
			Repository: "git.example:8443/org/fleet", Web: "https://git.example:8443/org/fleet", Branch: "main",
		}},
		Policies: []server.Policy{{Namespace: "ns", Name: "p", Error: wrong}},
		Recent: []store.Run{
			{At: noon, Automation: "ns/a", Repository: "git.example:8443/org/fleet", Branch: "main", Commit: "0123456789abcdef", Error: wrong},
			{At: noon, Automation: "ns/a", Repository: "elsewhere/x", Branch: "main", Commit: "fedcba9876543210"},
		},
	})
	_, base := start(t, server.Options{Source: w})
	_, body := get(t, base+"/")
	for _, want := range []string{
		`<b>1</b> failing`, `pushed, with errors</span>`,
		`<a href="https://git.example:8443/org/fleet/commit/0123456789abcdef" rel="noreferrer">`,
		`<a href="https://git.example:8443/org/fleet" rel="noreferrer">git.example:8443/org/fleet</a> <code>main</code> <small>by pull request</small>`,
		`<code title="fedcba9876543210">fedcba987654</code>`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("%s is missing in %s", want, body)
		}
	}
	if n := strings.Count(body, "401 Unauthorized"); n != 2 { // what fails, and the run
		t.Errorf("said %d times", n)
	}
	if _, body = get(t, base+"/automations/ns/a"); !strings.Contains(body, "Proposes to branch<dd><code>main</code>") {
		t.Errorf("the automation's page: %s", body)
	}
	for path, want := range map[string]string{"/": "60", "/policies": "60", "/policies/ns/p": "", "/policies/ns/none": ""} {
		answer, err := http.Get(base + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if got := answer.Header.Get("Refresh"); got != want {
			t.Errorf("%s is loaded again after %q, want %q", path, got, want)
		}
	}
}
