package notify

import (
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/parts"
)

// TestInsist: another try where it may help, and after the pause that is asked
// for.
func TestInsist(t *testing.T) {
	const s = time.Second
	in := noon.Add(90 * s).Format(http.TimeFormat)
	tests := []struct {
		name    string
		answers []answer
		waits   []time.Duration
		err     string
	}{
		{"at once", nil, nil, ""},
		{"created", []answer{{status: 201}}, nil, ""},
		{"in part", []answer{{status: 206}}, nil, ""},
		{"of several", []answer{{status: 207, body: "<multistatus/>"}}, nil, ""},
		{"after errors", []answer{{status: 500}, {status: 503}, {status: 429}}, []time.Duration{2 * s, 8 * s, 32 * s}, ""},
		{"when asked to", []answer{{status: 429, retryAfter: "7"}, {status: 429, retryAfter: "0.5"}, {status: 503, retryAfter: in}}, []time.Duration{7 * s, s / 2, 90 * s}, ""},
		{"no longer than that", []answer{{status: 429, retryAfter: "86400"}}, []time.Duration{maxPause}, ""},
		{"nonsense", []answer{{status: 429, retryAfter: "soon"}}, []time.Duration{2 * s}, ""},
		{"never", []answer{{status: 500}, {status: 500}, {status: 500}, {status: 500}, {status: 500}}, []time.Duration{2 * s, 8 * s, 32 * s, 128 * s}, "500 Internal Server Error"},
		{"refused", []answer{{status: 400, body: `{"message":"no such\u001b[2J channel\nat all"}`}}, nil, "400 Bad Request: no such[2J channel"},
		{"refused, by a proxy", []answer{{status: 400, body: "<html><title>400 Bad Request</title></html>"}}, nil, "400 Bad Request"},
		{"forbidden", []answer{{status: 403}}, nil, "403 Forbidden: check the token"},
		{"forbidden, with a reason", []answer{{status: 403, body: "IP 10.1.2.3 is not on the allow list"}}, nil, "403 Forbidden: IP 10.1.2.3 is not on the allow list"},
		{"gone, with a reason", []answer{{status: 404, body: `{"error":"no_service"}`}}, nil, "404 Not Found: no_service"},
		{"token, with a reason", []answer{{status: 401, body: `{"error":{"message":"expired"}}`}}, nil, "401 Unauthorized: expired: check the token"},
		{"token", []answer{{status: 401}}, nil, "401 Unauthorized: check the token"},
		{"address", []answer{{status: 404}}, nil, "404 Not Found: check the address"},
		{"not there", []answer{{status: 501}}, nil, "501 Not Implemented"},
		{"redirect", []answer{{status: 302}}, nil, "302 Found: redirects are not followed: write the address that it leads to"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r, elsewhere := newReceiver(t, test.answers...), newReceiver(t)
			r.location = elsewhere.URL + "/hunter2"
			d := tell(t, generically(t, r, ""), pushed())
			if diff := cmp.Diff(test.waits, d.waits); diff != "" {
				t.Errorf("waits (-want +got):\n%s", diff)
			}
			want := ""
			if test.err != "" {
				want = "tell Provider team/there of imageupdateautomation/web.team (pushed): " + test.err
			}
			if got := strings.Join(d.errors, "\n"); got != want {
				t.Errorf("reported %q, want %q", got, want)
			}
			if len(elsewhere.requests()) > 0 {
				t.Error("a redirect was followed")
			}
		})
	}
}

// TestSilence: a Provider has so long to answer, in each try.
func TestSilence(t *testing.T) {
	r := newReceiver(t)
	r.block = make(chan struct{})
	defer close(r.block)
	set := generically(t, r, "")
	set.Providers[0].Timeout = time.Millisecond
	d := tell(t, set, pushed())
	if len(d.waits) != maxTries-1 || len(d.errors) != 1 || !strings.HasSuffix(d.errors[0], ": no answer within 1ms") {
		t.Errorf("reported %v after %v", d.errors, d.waits)
	}
}

// TestNoSecretShows: whatever fails, and wherever the key is.
func TestNoSecretShows(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	away := "http://" + listener.Addr().String()
	listener.Close()
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fmt.Fprintf(conn, "HTTP/1.1 %s %s\r\n\r\n", q.URL, q.Header)
	}))
	defer echo.Close()
	said := httptest.NewServer(parts.Echo(http.StatusForbidden))
	defer said.Close()
	const secret = "token: hunter2, password: hunter2, username: me, headers: 'X-Key: hunter2'"
	for kind := range formats {
		for name, address := range map[string]string{"away": away, "an answer that repeats what it was asked": echo.URL, "a body that does": said.URL} {
			channel, said := "hunter2", pushed()
			switch kind {
			case fleet.ProviderZulip:
				channel = "ops/bumps" // which is no secret
			case fleet.ProviderIncidentIO:
				said = failed("no")
			case fleet.ProviderSentry:
				address = strings.Replace(address, "http://", "http://hunter2:hunter2@", 1)
			case fleet.ProviderNATS:
				address = strings.Replace(address, "http://", "nats://", 1)
			}
			set := loadAt(t, kind, ", channel: '"+channel+"'", address+"/hunter2/hunter2", secret, "")
			if kind == fleet.ProviderNATS {
				set.Providers[0].Timeout = 100 * time.Millisecond // its servers speak first
			}
			d := tell(t, set, said)
			text := strings.Join(d.errors, "\n")
			if strings.Contains(text, "hunter2") {
				t.Errorf("%s, %s: a secret shows: %s", kind, name, text)
			}
			if text == "" && !slices.Contains(aboutRepositories, kind) {
				t.Errorf("%s, %s: nothing was reported", kind, name)
			}
		}
	}
	set := load(t, "type: generic, proxy: 'http://me:hunter2@"+listener.Addr().String()+"', address: 'https://example.test/hunter2'", "token: hunter2", "")
	if text := strings.Join(tell(t, set, pushed()).errors, "\n"); strings.Contains(text, "hunter2") || !strings.Contains(text, "refused") {
		t.Errorf("proxy: %s", text)
	}
}

// aboutRepositories are the types that are told of their own repository alone.
var aboutRepositories = []string{
	fleet.ProviderGitHub, fleet.ProviderGitLab, fleet.ProviderGitea, fleet.ProviderBitbucket,
	fleet.ProviderGitHubComment, fleet.ProviderGitLabComment, fleet.ProviderGiteaComment,
}

// TestAnswersThatReject: a good status may come with a body that says otherwise.
func TestAnswersThatReject(t *testing.T) {
	for _, test := range []struct{ kind, body, want string }{
		{fleet.ProviderLark, `{"code":19001,"msg":"param invalid: incoming webhook access token invalid"}`, "Lark says param invalid: incoming webhook access token invalid"},
		{fleet.ProviderLark, `<html>`, "the answer is not one of Lark's"},
		{fleet.ProviderOTel, `{"partialSuccess":{"rejectedSpans":"1","errorMessage":"too old"}}`, "the collector dropped the span: too old"},
		{fleet.ProviderOTel, `{"partialSuccess":{"rejectedSpans":"0"}}`, ""},
		{fleet.ProviderOTel, `{}`, ""},
		{fleet.ProviderOTel, "\n\x00", ""},
	} {
		r := newReceiver(t, answer{status: 200, body: test.body})
		d := tell(t, load(t, "type: "+test.kind+", address: '"+r.URL+"/x'", "a: b", ""), pushed())
		if got := strings.Join(d.errors, ""); !strings.HasSuffix(got, test.want) || (got == "") != (test.want == "") || len(d.waits) > 0 {
			t.Errorf("%s, %s: %q; want %q", test.kind, test.body, got, test.want)
		}
	}
}

// TestTLSAndProxy: a Provider's own certificates and proxy are used.
func TestTLSAndProxy(t *testing.T) {
	secure := &receiver{}
	secure.Server = httptest.NewTLSServer(secure)
	defer secure.Close()
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}))
	set := load(t, "type: generic, address: '"+secure.URL+"'", "ca.crt: "+fmt.Sprintf("%q", ca), "")
	if d := tell(t, set, pushed()); len(d.errors) > 0 || len(secure.requests()) != 1 {
		t.Errorf("with its certificate: %v", d.errors)
	}
	if d := tell(t, load(t, "type: generic, address: '"+secure.URL+"'", "token: x", ""), pushed()); len(d.errors) != 1 {
		t.Errorf("without it: %v", d.errors)
	}
	proxy := newReceiver(t)
	set = load(t, "type: generic, address: 'http://example.test/events'", "proxy: 'http://me:hunter2@"+strings.TrimPrefix(proxy.URL, "http://")+"'", "")
	if d := tell(t, set, pushed()); len(d.errors) > 0 || len(proxy.requests()) != 1 {
		t.Fatalf("proxy: %v", d.errors)
	}
	if got := proxy.requests()[0]; !strings.HasPrefix(got, "POST http://example.test/events\n") || !strings.Contains(got, "Proxy-Authorization: Basic bWU6aHVudGVyMg==") {
		t.Errorf("proxy was asked %s", got)
	}
}

// TestProxyOfTheEnvironment: it is asked of Options, not of the process.
func TestProxyOfTheEnvironment(t *testing.T) {
	proxy := newReceiver(t)
	d := &diary{}
	o := d.options()
	o.Environment.Getenv = func(name string) string { return map[string]string{"HTTP_PROXY": proxy.URL}[name] }
	n := Open(load(t, "type: generic, address: 'http://example.test/events'", "token: x", ""), o)
	n.Tell(pushed())
	if err := n.Close(t.Context()); err != nil || len(d.errors) > 0 || len(proxy.requests()) != 1 {
		t.Errorf("%v, %v, %d requests", err, d.errors, len(proxy.requests()))
	}
}

// TestSlackAnswers: chat.postMessage answers 200, whatever became of the message.
func TestSlackAnswers(t *testing.T) {
	for body, want := range map[string]string{
		`{"ok":true}`: "",
		`{"ok":false,"error":"channel_not_found"}`: "Slack says channel_not_found",
		`{"ok":false,"error":"xoxb-hunter2"}`:      "the answer is not one of Slack's",
		`hunter2`:                                  "the answer is not one of Slack's",
	} {
		r := newReceiver(t, answer{status: 200, body: body})
		d := tell(t, load(t, "type: slack, channel: c, address: '"+r.URL+"/api/chat.postMessage'", "token: hunter2", ""), pushed())
		if got := strings.Join(d.errors, ""); !strings.HasSuffix(got, want) || (got == "") != (want == "") || len(d.waits) > 0 {
			t.Errorf("%s: %q", body, got)
		}
	}
}

func TestEveryTypeHasAFormat(t *testing.T) {
	for kind := range formats {
		address := "https://example.test/a/b"
		if kind == fleet.ProviderNATS {
			address = "nats://example.test"
		}
		set := loadAt(t, kind, ", channel: channel", address, "token: t, username: u, password: p", "")
		if set.Providers[0].Err != nil {
			t.Errorf("%s: %v", kind, set.Providers[0].Err)
		}
	}
	if len(formats) != 34 {
		t.Errorf("%d types have a format, and config loads 34", len(formats))
	}
}

// TestForgeAddresses: each forge has its own, and an event of another repository
// is for none of them.
func TestForgeAddresses(t *testing.T) {
	for _, test := range []struct{ kind, address, repository, want string }{
		{fleet.ProviderAzureDevOps, "https://dev.azure.com/acme/big%20project/_git/fleet", "dev.azure.com/acme/big project/_git/fleet",
			"https://dev.azure.com/acme/big%20project/_apis/git/repositories/fleet/commits/" + commit + "/statuses?api-version=7.1"},
		{fleet.ProviderAzureDevOps, "https://dev.azure.com/acme/big/_git/fleet", "ssh.dev.azure.com/v3/acme/big/fleet",
			"https://dev.azure.com/acme/big/_apis/git/repositories/fleet/commits/" + commit + "/statuses?api-version=7.1"},
		{fleet.ProviderAzureDevOps, "https://tfs.example/tfs/col/big/_git/fleet", "",
			"https://tfs.example/tfs/col/big/_apis/git/repositories/fleet/commits/" + commit + "/statuses?api-version=7.1"},
		{fleet.ProviderAzureDevOps, "https://dev.azure.com/acme/big/_git/fleet", "ssh.dev.azure.com/v3/acme/big/other", ""},
		{fleet.ProviderAzureDevOps, "https://dev.azure.com/acme/fleet", "", "error"},
		{fleet.ProviderBitbucket, "https://bitbucket.org/acme/fleet", "bitbucket.org/acme/fleet",
			"https://api.bitbucket.org/2.0/repositories/acme/fleet/commit/" + commit + "/statuses/build"},
		{fleet.ProviderBitbucketServer, "https://git.example/scm/ACME/fleet.git", "git.example/scm/acme/fleet",
			"https://git.example/rest/api/latest/projects/ACME/repos/fleet/commits/" + commit + "/builds"},
		{fleet.ProviderBitbucketServer, "https://git.example/ACME/fleet.git", "", "error"},
		{fleet.ProviderGitHubComment, "https://github.com/acme/fleet", "github.com/acme/fleet", "https://api.github.com/repos/acme/fleet/issues/12/comments"},
		{fleet.ProviderGitHubComment, "https://github.com/acme/fleet", "github.com/acme/other", ""},
		{fleet.ProviderSentry, "https://KEY:SECRET@sentry.example/7", "", "https://sentry.example/api/7/envelope/"},
		{fleet.ProviderSentry, "https://KEY@sentry.example/", "", "error"},
		{fleet.ProviderSentry, "https://sentry.example/7", "", "error"},
		{fleet.ProviderZulip, "https://chat.example/x", "", "https://chat.example/api/v1/messages"},
		{fleet.ProviderOTel, "https://otel.example/", "", "https://otel.example/v1/traces"},
		{fleet.ProviderOTel, "https://otel.example/custom", "", "https://otel.example/custom"},
	} {
		e := pushed()
		e.Repository, e.PullRequest = test.repository, "https://example.test/-/merge_requests/12"
		p := &fleet.Provider{Type: test.kind, Channel: "a/b", Address: pinsetter.NewSecret("", test.address), Token: pinsetter.NewSecret("", "t")}
		requests, err := formats[test.kind](p, describe(e, "").with(nil))
		got := ""
		if err != nil {
			got = "error"
		} else if len(requests) > 0 {
			got = requests[0].url
		}
		if got != test.want {
			t.Errorf("%s at %s: %q, %v; want %q", test.kind, test.address, got, err, test.want)
		}
	}
	for address, want := range map[string]string{"": "", "https://x.test/pull/0": "", "https://x.test/pull/a": "", "https://x.test/pull/-1": "", "https://x.test/pull/7": "7"} {
		if got := pullRequestNumber(address); got != want {
			t.Errorf("number of %s: %q", address, got)
		}
	}
}

func TestGitHubAPI(t *testing.T) {
	for address, want := range map[string]string{
		"https://github.com/acme/fleet":         "https://api.github.com/repos/acme/fleet",
		"https://GitHub.com/acme/fleet.git":     "https://api.github.com/repos/acme/fleet",
		"https://acme.ghe.com/acme/fleet":       "https://api.acme.ghe.com/repos/acme/fleet",
		"https://git.example.test:8443/a b/c/d": "https://git.example.test:8443/api/v3/repos/a%20b/c/d",
		"https://github.com/acme":               "",
		"https://github.com/acme/..":            "",
		"https://github.com/acme//fleet":        "",
	} {
		at, err := parsePlace(address)
		if got := map[bool]string{true: ""}[err != nil]; err == nil {
			got = at.gitHubAPI()
			if got != want {
				t.Errorf("%s: %s, want %s", address, got, want)
			}
		} else if want != got {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// TestStatusIsForItsRepository: a commit's status goes nowhere else.
func TestStatusIsForItsRepository(t *testing.T) {
	e := pushed()
	for repository, want := range map[string]int{"127.0.0.1/acme/fleet": 1, "127.0.0.1/Acme/Fleet": 1, "127.0.0.1:2222/acme/fleet": 1, "": 1, "127.0.0.1/acme/other": 0, "github.com/acme/fleet": 0} {
		r := newReceiver(t)
		e.Repository = repository
		tell(t, load(t, "type: "+fleet.ProviderGitea+", address: '"+r.URL+"/acme/fleet'", "token: t", ""), e)
		if got := len(r.requests()); got != want {
			t.Errorf("%q: %d requests", repository, got)
		}
	}
}
