package notify

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// providers are a Provider of each type: its spec without type and address, its
// Secret, and the path of its address.
var providers = map[string]struct{ spec, secret, path string }{
	fleet.ProviderGeneric:        {"", "headers: 'x-api-key: KEY'", "/events"},
	fleet.ProviderGenericHMAC:    {"", "token: TOKEN", "/events"},
	fleet.ProviderSlack:          {", channel: general", "token: TOKEN", "/services/T/B/X"},
	fleet.ProviderDiscord:        {", username: bumps", "a: b", "/api/webhooks/1/X/slack"},
	fleet.ProviderMSTeams:        {"", "a: b", "/workflows/X"},
	fleet.ProviderGoogleChat:     {"", "a: b", "/v1/spaces/S/messages?key=K"},
	fleet.ProviderTelegram:       {", channel: '-1001:42'", "token: '1:TOKEN'", ""},
	fleet.ProviderMatrix:         {", channel: '!room:example.test'", "token: TOKEN", ""},
	fleet.ProviderWebex:          {", channel: ROOM", "token: TOKEN", "/v1/messages"},
	fleet.ProviderOpsgenie:       {"", "token: TOKEN", "/v2/alerts"},
	fleet.ProviderPagerDuty:      {", channel: KEY", "a: b", "/ignored"},
	fleet.ProviderGrafana:        {"", "{username: me, password: PASSWORD}", "/api/annotations"},
	fleet.ProviderAlertmanager:   {"", "token: TOKEN", "/api/v2/alerts"},
	fleet.ProviderGitHubDispatch: {"", "token: TOKEN", "/acme/fleet"},
	fleet.ProviderGitHub:         {"", "token: TOKEN", "/acme/fleet"},
	fleet.ProviderGitLab:         {"", "token: TOKEN", "/acme/fleet"},
	fleet.ProviderGitea:          {"", "token: TOKEN", "/acme/fleet.git"},

	fleet.ProviderRocket:          {", channel: general", "a: b", "/hooks/X"},
	fleet.ProviderLark:            {"", "a: b", "/open-apis/bot/v2/hook/X"},
	fleet.ProviderZulip:           {", channel: ops/bumps", "{username: bot@example.test, password: PASSWORD}", "/ignored"},
	fleet.ProviderZoom:            {"", "token: TOKEN", "/chat/webhooks/incomingwebhook/X"},
	fleet.ProviderSentry:          {", channel: production", "a: b", "/sentry/42"},
	fleet.ProviderDatadog:         {"", "token: TOKEN", "/ignored"},
	fleet.ProviderIncidentIO:      {"", "token: TOKEN", "/v2/alert_events/http/X"},
	fleet.ProviderOTel:            {"", "headers: 'x-api-key: KEY', password: PASSWORD", ""},
	fleet.ProviderGooglePubSub:    {", channel: bumps", "headers: 'env: prod'", "/v1/projects/p/topics/bumps:publish"},
	fleet.ProviderAzureEventHub:   {"", "address: 'Endpoint=sb://fleet.servicebus.windows.net/;SharedAccessKeyName=send;SharedAccessKey=KEY;EntityPath=bumps'", "/bumps"},
	fleet.ProviderAzureDevOps:     {"", "token: TOKEN", "/acme/big%20project/_git/fleet"},
	fleet.ProviderBitbucket:       {"", "token: 'me:TOKEN'", "/acme/fleet"},
	fleet.ProviderBitbucketServer: {"", "{username: me, password: PASSWORD}", "/context/scm/acme/fleet.git"},
	fleet.ProviderGitHubComment:   {"", "token: TOKEN", "/acme/fleet"},
	fleet.ProviderGitLabComment:   {"", "token: TOKEN", "/acme/fleet"},
	fleet.ProviderGiteaComment:    {"", "token: TOKEN", "/acme/fleet.git"},
}

var signature = regexp.MustCompile(`sr=[^&]+&sig=[^&]+&`)

// TestFormats compares what each type of Provider is sent with its golden file:
// method, path, headers and JSON.
func TestFormats(t *testing.T) {
	proposed := pinsetter.Event{
		Kind: pinsetter.EventProposed, Object: web, Repository: "127.0.0.1/acme/fleet", Branch: "pinsetter/web", Commit: commit,
		PullRequest: "https://git.example.test/acme/fleet/pulls/3", Message: "Opened #3: *bump* <web> & [api](https://evil.test) @everyone <!channel>",
	}
	broken := failed("push to main: 403 Forbidden\nthe token may not write")
	broken.Commit, broken.Branch = commit, "main"
	events := []pinsetter.Event{pushed(), proposed, held("2.0.0"), broken, recovered()}
	for kind := range formats {
		if kind == fleet.ProviderNATS { // see TestNATS
			continue
		}
		t.Run(kind, func(t *testing.T) {
			p, r := providers[kind], newReceiver(t)
			address := r.URL + p.path
			if kind == fleet.ProviderSentry {
				address = strings.Replace(address, "http://", "http://PUBLIC@", 1)
			}
			told := slices.Clone(events)
			for i := range told {
				if told[i].Repository != "" && (kind == fleet.ProviderAzureDevOps || kind == fleet.ProviderBitbucketServer) {
					told[i].Repository = "127.0.0.1" + strings.ReplaceAll(strings.TrimSuffix(p.path, ".git"), "%20", " ")
				}
			}
			set := loadAt(t, kind, p.spec, address, strings.Trim(p.secret, "{}"), ", summary: the fleet, eventMetadata: {env-name: test}")
			if d := tell(t, set, told...); len(d.errors) > 0 {
				t.Error(d.errors)
			}
			got := strings.ReplaceAll(strings.Join(r.requests(), "\n"), r.URL, "http://HOST")
			got = signature.ReplaceAllString(got, "sr=HOST&sig=SIGNATURE&") // TestSharedAccess has both
			path := filepath.Join("testdata", kind+".golden")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
	golden, err := filepath.Glob("testdata/*.golden")
	if err != nil || len(golden) != len(formats)-1 {
		t.Errorf("%d golden files for %d types: %v", len(golden), len(formats), err)
	}
}

// bounds are those of the services on a body, in bytes.
var bounds = map[string]int{
	fleet.ProviderMSTeams: 28 << 10, fleet.ProviderGoogleChat: 32000, fleet.ProviderMatrix: 65536, fleet.ProviderWebex: 7439,
	fleet.ProviderGitHubComment: 65536, fleet.ProviderLark: 30 << 10, fleet.ProviderZulip: 200 << 10, fleet.ProviderSentry: 200 << 10,
	fleet.ProviderGitHubDispatch: 65536, fleet.ProviderPagerDuty: 512 << 10, fleet.ProviderDiscord: 64 << 10,
}

// FuzzFormats: whatever an event says, each Provider gets JSON within its bounds,
// with no way out of the text.
func FuzzFormats(f *testing.F) {
	f.Add("bump to 1.2.3", "main", "the cluster", uint16(1))
	f.Add("🚨", "[", "<&>", uint16(50000))
	f.Add("a\x00b\xff<!channel> </font> ``` \\", "\n\n", "", uint16(10))
	f.Fuzz(func(t *testing.T, text, branch, extra string, often uint16) {
		often = min(often, uint16(45_000/max(len(text)+len(branch)+len(extra), 2)))
		text, branch, extra = strings.Repeat(text, int(often)), strings.Repeat(branch, int(often)), strings.Repeat(extra, int(often))
		for _, kind := range []pinsetter.EventKind{pinsetter.EventPushed, pinsetter.EventFailed, pinsetter.EventRecovered} {
			e := pinsetter.Event{Kind: kind, At: noon, Object: web, Message: text, Summary: extra, Branch: branch, Commit: commit, PullRequest: "https://example.test/a/b/pull/3"}
			m := describe(e, "").with(map[string]string{"extra": pinsetter.Truncate(extra, 2000)})
			for _, name := range slices.Sorted(maps.Keys(formats)) { // in one order, so that the fuzzer finds its way
				format := formats[name]
				p := &fleet.Provider{Type: name, Channel: "1", Address: pinsetter.NewSecret("", "https://example.test/a/b"), Token: pinsetter.NewSecret("", "t")}
				switch name {
				case fleet.ProviderZulip:
					p.Channel = "1/2"
				case fleet.ProviderSentry:
					p.Address = pinsetter.NewSecret("", "https://key@example.test/1")
				case fleet.ProviderAzureDevOps:
					p.Address = pinsetter.NewSecret("", "https://example.test/a/b/_git/c")
				case fleet.ProviderBitbucketServer:
					p.Address = pinsetter.NewSecret("", "https://example.test/scm/a/b.git")
				case fleet.ProviderNATS:
					p.Address = pinsetter.NewSecret("", "nats://example.test")
				}
				requests, err := format(p, m)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				for _, r := range requests {
					checkRequest(t, name, r)
				}
			}
		}
	})
}

func checkRequest(t *testing.T, kind string, r request) {
	t.Helper()
	body, err := r.encode()
	for line := range bytes.Lines(body) {
		if kind != fleet.ProviderZulip && !json.Valid(line) { // an envelope of Sentry has three lines
			t.Errorf("%s: no JSON: %s", kind, line)
		}
	}
	if err != nil || len(body) == 0 {
		t.Errorf("%s: %v", kind, err)
	}
	if bound := bounds[kind]; bound > 0 && len(body) > bound {
		t.Errorf("%s: a body of %d bytes", kind, len(body))
	}
	switch v := r.value.(type) {
	case slackMessage:
		if a := v.Attachments[0]; strings.ContainsAny(a.Text+a.Fallback, "<>") {
			t.Errorf("slack: %q", a.Text)
		}
	case discordMessage:
		e := v.Embeds[0]
		all := e.Title + e.Description
		for _, field := range e.Fields {
			all += field.Name + field.Value
			if field.Name == "" || field.Value == "" || units(field.Name) > 256 || units(field.Value) > 1024 {
				t.Errorf("discord: field %q", field)
			}
		}
		if units(e.Description) > 4096 || units(e.Title) > 256 || units(all) > 6000 {
			t.Errorf("discord: %d characters", units(all))
		}
	case comment:
		if strings.ContainsAny(strings.ReplaceAll(v.Body, "\\<", ""), "<") || strings.Contains(strings.ReplaceAll(v.Body, "@\u200b", ""), "@") {
			t.Errorf("%s: %q", kind, v.Body)
		}
	case larkMessage:
		if text := v.Card.Elements[0].Text; text.Tag != "plain_text" || units(text.Content) > 2*maxLark {
			t.Errorf("lark: %q", text)
		}
	case datadogEvent:
		if units(v.Text) > 2*maxDatadogText || len([]rune(v.Title)) > maxDatadogTitle || strings.Contains(strings.ReplaceAll(v.Text, "@\u200b", ""), "@") {
			t.Errorf("datadog: %q", v.Text)
		}
	case telegramMessage:
		if units(v.Text) > 2*maxTelegram || len([]rune(v.Text)) > maxTelegram {
			t.Errorf("telegram: %d characters", len([]rune(v.Text)))
		}
	}
}

// units counts characters as JavaScript does.
func units(text string) int { return len(utf16.Encode([]rune(text))) }

// TestIncident: one for an object, whatever its name, and never too long.
func TestIncident(t *testing.T) {
	seen := map[string]bool{}
	for _, name := range []string{"web", "api", strings.Repeat("a", 253), strings.Repeat("a", 252) + "b"} {
		m := message{InvolvedObject: pinsetter.Object{Kind: "ImagePolicy", Namespace: "team", Name: name}}
		key := incident(m)
		if len(key) > maxIncident || seen[key] || key != incident(m) {
			t.Errorf("%s: %s", name, key)
		}
		seen[key] = true
	}
}

func TestText(t *testing.T) {
	if got := clean("a\x1b[31mb\u202ec\nd\xff"); got != "a[31mbc\nd�" {
		t.Errorf("clean: %q", got)
	}
	for n, want := range map[int]string{5: "grüße", 4: "grü…", 1: "…", 0: "…"} {
		if got := pinsetter.Truncate("grüße", n); got != want {
			t.Errorf("cut to %d: %q", n, got)
		}
	}
	if got := markdown.Replace(`*a* [b](c) <@1> _` + "`"); got != `\*a\* \[b\](c) \<@1\> \_`+"\\`" {
		t.Errorf("markdown: %s", got)
	}
	facts := message{Metadata: map[string]string{"z": "1", "a": "2", "summary": "3", "empty": ""}}.facts()
	if !slices.Equal(facts, []fact{{"summary", "3"}, {"a", "2"}, {"z", "1"}}) {
		t.Errorf("facts: %v", facts)
	}
}
