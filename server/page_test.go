package server_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/server"
	"github.com/pinsetter/pinsetter/store"
)

// pages are all kinds of pages of a fleet.
var pages = []string{
	"/", "/automations", "/policies", "/held", "/history",
	"/automations/shop/apps", "/automations/payments/ledger", "/policies/shop/storefront", "/policies/payments/ledger",
}

// reads fails where a text lacks one of the words.
func reads(t *testing.T, what, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%s doesn't say %q:\n%s", what, word, text)
		}
	}
}

func TestOneGlance(t *testing.T) {
	w := newWorld(fleet())
	w.explanation, w.runs = explained, lately()
	_, base := start(t, server.Options{Source: w, Version: "v0.9.0"})
	browser := parts.NewChromium(t)

	browser.Open(base+"/", parts.View{NoScript: true})
	reads(t, "the overview", browser.Text(),
		"2\nfailing", "2\nheld", "4\nautomations", "6\npolicies", // the tiles
		"403 Forbidden", "401 Unauthorized", // what fails
		"flux-system/infrastructure", "git.example.com/platform/clusters", "3 min ago", "2026-08-06 11:57 UTC", "in 2 min", "#482", "suspended", // every automation
		"shop/storefront", "4.2.1 → 4.3.0", "in 2 days", "2026-08-09 03:00 UTC", "seen 9h ago", "no time ends it", "apps/proxy/release.yaml:14", // what is held, until when
		"9c88c54f0c1f", "pull request #482 updated", "ghcr.io/example/cart:3.1.0 → ghcr.io/example/cart:3.1.1", // lately
		"semver >=6.0.0", "of 1\u202f384 tags", "sha256:3a7c3a7c3a7c", "ghcr.io/stefanprodan/podinfo", // what is selected, and why
		"As of 12 s ago", "Pinsetter v0.9.0")

	// From the glance to the table of every tag, by links alone.
	browser.Follow(`a[href="/policies/shop/storefront"]`)
	reads(t, "the policy", browser.Text(), "shop/storefront", "4.2.1", "semver ^4.0.0",
		"apps/storefront/worker.yaml:31", "Gate shop/settled: seen 9h ago", "outranked by 4.2.1", "exclude", "on the exclusionList", "ends in 2 days")
	browser.Follow(`td a[href="/automations/shop/apps"]`)
	reads(t, "the automation", browser.Text(), "pinsetter/apps", "Last success", "shop/proxy", "maxBump is minor", "2 changes")
	if text := browser.Text(); strings.Contains(text, "payments/ledger") {
		t.Error("another automation's runs are on its page")
	}
	browser.Follow(`header a[href="/policies"]`)
	browser.Follow(`.choices a[href="/policies?state=failing"]`)
	text := browser.Text()
	reads(t, "what fails", text, "payments/ledger", "401 Unauthorized", "all 6", "failing 1")
	if strings.Contains(text, "podinfo") {
		t.Error("what is well is among what fails")
	}
	if said := browser.Said(); len(said) > 0 {
		t.Errorf("the browser complains: %q", said)
	}
}

// TestASearchNeedsNoButton types as a person does.
func TestASearchNeedsNoButton(t *testing.T) {
	_, base := start(t, server.Options{Source: newWorld(fleet())})
	browser := parts.NewChromium(t)
	browser.Open(base+"/held", parts.View{})
	browser.Submit("input[name=q]", "proxy")
	text := browser.Text()
	reads(t, "the search", text, "shop/proxy")
	if strings.Contains(text, "storefront") {
		t.Error("what was not searched for is there")
	}
	var buttons int
	if browser.Eval("document.querySelectorAll('button, input[type=submit]').length", &buttons); buttons != 0 {
		t.Errorf("%d buttons", buttons)
	}
}

func TestPagesFitPhonesAndFollowTheSystemsColours(t *testing.T) {
	w := newWorld(fleet())
	w.explanation, w.runs = explained, lately()
	_, base := start(t, server.Options{Source: w})
	browser := parts.NewChromium(t)
	for _, path := range pages {
		for _, view := range []parts.View{{}, {Dark: true}, {Width: 390, Height: 844}} {
			browser.Open(base+path, view)
			var look struct {
				Content, Window int
				Back, Text      string
			}
			browser.Eval(`({content: document.documentElement.scrollWidth, window: innerWidth,
				back: getComputedStyle(document.body).backgroundColor, text: getComputedStyle(document.body).color})`, &look)
			if look.Content > look.Window {
				t.Errorf("%s is %d pixels wide in a window of %d", path, look.Content, look.Window)
			}
			if light := look.Back == "rgb(255, 255, 255)"; light == view.Dark {
				t.Errorf("%s, dark: %v: %s on %s", path, view.Dark, look.Text, look.Back)
			}
		}
	}
	if said := browser.Said(); len(said) > 0 {
		t.Errorf("the browser complains: %q", said)
	}
}

// attacks are what a name, a tag, a path or a reason must not do.
func attacks(canary string) []string {
	return []string{
		`<script>console.log("pwned")</script>`,
		`"><img src="` + canary + `/a" onerror="console.log('pwned')">`,
		`' onmouseover='console.log("pwned")' style='background:url(` + canary + `/b)'`,
		`</title></style></textarea><iframe src="` + canary + `/c"></iframe>`,
		`<meta http-equiv="refresh" content="0;url=` + canary + `/d">`,
		`javascript:console.log("pwned")`,
		"{{.Body}}{{template \"main\"}}",
		"good\u202egnp.exe\u2066\u200b\x00\x1b[2J",
		"../../healthz?x=#y",
		strings.Repeat("w", 5000),
	}
}

func TestNamesThatAreAttacks(t *testing.T) {
	canary := parts.Serve(t, http.NotFoundHandler(), parts.FrontOptions{})
	var bad string
	w := &world{}
	w.explanation = func(context.Context, pinsetter.Name) (*server.Explanation, error) {
		return &server.Explanation{Error: bad, Explanation: pinsetter.Explanation{
			Namespace: "a", Name: "b", Image: bad, Selected: bad,
			Tags:  []pinsetter.Verdict{{Tag: bad, Value: bad + "2", Verdict: pinsetter.Outcome(bad), Stage: pinsetter.Stage(bad), Gate: bad, Reason: bad}},
			Sites: []pinsetter.Destination{{Automation: bad, Path: bad, Line: 1, Current: bad, Next: bad + "2", Held: bad}},
		}}, nil
	}
	_, base := start(t, server.Options{Source: w, Version: "v1"})
	browser := parts.NewChromium(t)
	for _, bad = range attacks(canary.URL) {
		status := poisoned(bad)
		w.runs = status.Recent
		w.status.Store(status)
		for _, path := range []string{"/", "/automations", "/policies", "/held", "/history", "/policies/a/b", "/automations/a/b"} {
			browser.Open(base+path, parts.View{Width: 390, Height: 844})
			var found struct {
				Foreign, Wide int
				Links         []string
				Hidden        bool
			}
			browser.Eval(`({foreign: document.querySelectorAll("script, iframe, main img, meta[http-equiv], [onerror], [onmouseover], [style]").length,
				wide: Math.max(0, document.documentElement.scrollWidth - innerWidth), links: [...document.links].map(a => a.href),
				hidden: /[\u202e\u2066\u200b\u0000\u001b]/.test(document.body.innerText)})`, &found)
			if found.Foreign > 0 || found.Wide > 0 || found.Hidden {
				t.Errorf("%s with %.60q: %+v", path, bad, found)
			}
			for _, link := range found.Links {
				if !strings.HasPrefix(link, base+"/") {
					t.Errorf("%s with %.60q links to %.80s", path, bad, link)
				}
			}
		}
		if text := browser.Text(); len(bad) < 100 && !strings.ContainsAny(bad, "\u202e") && !strings.Contains(text, bad) {
			t.Errorf("%q is not shown as it is:\n%s", bad, text)
		}
	}
	if said := browser.Said(); len(said) > 0 {
		t.Errorf("the browser complains: %q", said)
	}
	if requests := canary.Log.All(); len(requests) > 0 {
		t.Errorf("the browser was sent elsewhere: %v", requests)
	}
}

// poisoned is a status with bad wherever others have a say.
func poisoned(bad string) *server.Status {
	hold := pinsetter.Hold{Policy: "a/b", Path: bad, Line: 1, Current: bad, Candidate: bad, Reason: bad}
	pull := store.PullRequest{Number: 1, URL: bad, Action: bad}
	return &server.Status{
		At: noon,
		Automations: []server.Automation{
			{
				Namespace: "a", Name: "b", Repository: bad, Branch: bad, Revision: bad, LastRun: noon, Error: bad,
				PullRequests: []store.PullRequest{pull}, Held: []server.Hold{{Hold: hold, Rule: pinsetter.Rule(bad)}},
			},
			{Namespace: bad, Name: bad},
		},
		Policies: []server.Policy{
			{Namespace: "a", Name: "b", Image: bad, Rule: bad, Tag: bad, Digest: bad, Ref: bad, Tags: 1, Held: bad, Error: bad},
			{Namespace: bad, Name: bad},
		},
		Recent: []store.Run{{
			At: noon, Automation: "a/b", Repository: bad, Branch: bad, Commit: bad, PullRequest: &pull, Error: bad,
			Changes: []pinsetter.Change{{Path: bad, Line: 1, Setter: bad, Old: bad, New: bad}}, Held: []pinsetter.Hold{hold},
		}},
		Findings: []pinsetter.Finding{{Severity: pinsetter.Error, Path: bad, Line: 1, Message: bad}},
	}
}

func TestListsAreCutIntoPages(t *testing.T) {
	_, base := start(t, server.Options{Source: newWorld(many(1000))})
	count := func(path string) (rows int, body string) {
		t.Helper()
		status, body := get(t, base+path)
		if status != 200 {
			t.Fatalf("%s: %d", path, status)
		}
		return strings.Count(body, `href="/policies/team/`), body
	}
	rows, body := count("/policies")
	if rows != 100 || !strings.Contains(body, "page 1 of 10, 1\u202f000 in all") || !strings.Contains(body, `href="/policies?page=2" rel="next"`) {
		t.Errorf("%d rows", rows)
	}
	if failing := strings.Count(body, `<span class="state failing">`); failing != 10 || strings.Index(body, "state failing") > strings.Index(body, "state ok") {
		t.Errorf("%d fail, and come first", failing)
	}
	if rows, body := count("/policies?page=10&q=image-"); rows != 100 || strings.Contains(body, `rel="next"`) || !strings.Contains(body, `href="/policies?page=9&amp;q=image-" rel="prev"`) {
		t.Errorf("the last page has %d rows", rows)
	}
	if rows, _ := count("/policies?page=99"); rows != 100 {
		t.Errorf("after the last page: %d rows", rows)
	}
	if rows, body := count("/policies?q=policy-00999&state=failing"); rows != 1 || strings.Contains(body, "page 1 of") {
		t.Errorf("one policy: %d rows", rows)
	}
	for _, path := range []string{"/policies?page=0", "/policies?page=x", "/held?state=odd", "/history?q=" + strings.Repeat("x", 513)} {
		if status, _ := get(t, base+path); status != 400 {
			t.Errorf("%.40s: %d", path, status)
		}
	}
}

func TestANewPictureIsShown(t *testing.T) {
	w := newWorld(many(10))
	_, base := start(t, server.Options{Source: w})
	for _, status := range []*server.Status{many(10), fleet(), {At: noon}} {
		w.status.Store(status)
		_, body := get(t, base+"/policies")
		if strings.Contains(body, "team/policy-00001") != (len(status.Policies) == 10) || strings.Contains(body, "shop/proxy") != (len(status.Policies) == 6) {
			t.Errorf("of %d policies: %s", len(status.Policies), body)
		}
	}
}

func TestWhatIsNotThere(t *testing.T) {
	w := newWorld(&server.Status{At: noon})
	w.historyErr = fmt.Errorf("read history: %w: name one with --state", store.ErrStateless)
	_, base := start(t, server.Options{Source: w})
	for _, path := range []string{"/policies/a/b", "/automations/a/b", "/policies/a", "/nothing"} {
		if status, body := get(t, base+path); status != 404 || !strings.Contains(body, "no such object") {
			t.Errorf("%s: %d", path, status)
		}
	}
	for path, want := range map[string]string{"/": "There are none.", "/policies": "None here.", "/history": "name one with --state"} {
		if status, body := get(t, base+path); status != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d", path, status)
		}
	}
}

func BenchmarkOverview10000(b *testing.B) { benchmark(b, "/") }

func BenchmarkPolicies10000(b *testing.B) { benchmark(b, "/policies?page=50") }

func BenchmarkPoliciesJSON10000(b *testing.B) { benchmark(b, "/api/v1/policies") }

func BenchmarkMetrics10000(b *testing.B) { benchmark(b, "/metrics") }

// benchmark asks for a page of 10,000 policies, and says how large it is.
func benchmark(b *testing.B, path string) {
	_, base := start(b, server.Options{Source: newWorld(many(10_000)), Now: time.Now})
	size := 0
	for b.Loop() {
		status, body := get(b, base+path)
		if size = len(body); status != 200 {
			b.Fatal(status)
		}
	}
	b.ReportMetric(float64(size), "bytes/page")
}
