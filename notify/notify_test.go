package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/login"
	"github.com/pinsetter/pinsetter/source"
)

// receiver is a service that events are sent to. It writes down what it is asked
// and answers with the statuses in turn, then 200.
type receiver struct {
	*httptest.Server
	mu       sync.Mutex
	asked    []string // method, path, headers and JSON, as golden files have them
	answers  []answer
	block    chan struct{} // where it is set, requests wait for it
	location string
}

type answer struct {
	status     int
	retryAfter string
	body       string
}

func newReceiver(t *testing.T, answers ...answer) *receiver {
	t.Helper()
	r := &receiver{answers: answers}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, _ := io.ReadAll(q.Body)
	if r.block != nil {
		<-r.block
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, written(q, body))
	a := answer{status: 200, body: `{"ok":true,"code":0}`}
	if len(r.answers) > 0 {
		a, r.answers = r.answers[0], r.answers[1:]
	}
	if a.retryAfter != "" {
		w.Header().Set("Retry-After", a.retryAfter)
	}
	if r.location != "" {
		w.Header().Set("Location", r.location)
	}
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.body)
}

// written is a request for people.
func written(q *http.Request, body []byte) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", q.Method, q.RequestURI)
	var names []string
	for name := range q.Header {
		if name != "Accept-Encoding" && name != "Content-Length" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&b, "%s: %s\n", name, strings.Join(q.Header[name], "|"))
	}
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return b.String() + "\nno JSON: " + string(body)
	}
	indented, _ := json.MarshalIndent(value, "", "  ")
	return b.String() + "\n" + string(indented) + "\n"
}

func (r *receiver) requests() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.asked)
}

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

const commit = "0123456789abcdef0123456789abcdef01234567"

var web = pinsetter.Object{Kind: "ImageUpdateAutomation", Namespace: "team", Name: "web"}

func pushed() pinsetter.Event {
	return pinsetter.Event{
		Kind: pinsetter.EventPushed, Object: web, Repository: "127.0.0.1/acme/fleet", Branch: "main", Commit: commit,
		Message: "pushed commit '0123456' to branch 'main'\nUpdate from image update automation",
		Summary: "web 1.0.0 -> 1.1.0 in apps/web.yaml",
		Changes: []pinsetter.Change{{Path: "apps/web.yaml", Line: 7, Old: "1.0.0", New: "1.1.0"}},
	}
}

func failed(why string) pinsetter.Event {
	return pinsetter.Event{Kind: pinsetter.EventFailed, Object: web, Message: why}
}

func recovered() pinsetter.Event {
	return pinsetter.Event{Kind: pinsetter.EventRecovered, Object: web, Message: "web works again"}
}

func held(candidates ...string) pinsetter.Event {
	e := pinsetter.Event{Kind: pinsetter.EventHeld, Object: web}
	for _, c := range candidates {
		e.Holds = append(e.Holds, pinsetter.Hold{Policy: "team/web", Path: "apps/web.yaml", Line: 7, Current: "1.0.0", Candidate: c, Reason: "frozen: wait"})
	}
	return e
}

// load returns the set of a Provider's spec, whose Secret holds what secret says,
// and an Alert for all automations of the namespace.
func load(t *testing.T, spec, secret, alert string) *fleet.Set {
	t.Helper()
	text := "apiVersion: notification.toolkit.fluxcd.io/v1beta3\nkind: Provider\nmetadata: {name: there, namespace: team}\n" +
		"spec: {" + spec + ", secretRef: {name: s}}\n---\n" +
		"apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: team}\nstringData: {" + secret + "}\n---\n" +
		"apiVersion: notification.toolkit.fluxcd.io/v1beta3\nkind: Alert\nmetadata: {name: all, namespace: team}\n" +
		"spec: {providerRef: {name: there}, eventSources: [{kind: ImageUpdateAutomation, name: '*'}]" + alert + "}\n"
	set := config.Load([]source.File{{Path: "in.yaml", Data: []byte(text)}}, config.Options{Notifications: config.NotificationsUsed})
	if len(set.Findings) > 0 {
		t.Fatal(set.Findings)
	}
	return set
}

// loadAt is load for an address on this machine, also of a type whose address is
// the name of something in a cloud.
func loadAt(t *testing.T, kind, spec, address, secret, alert string) *fleet.Set {
	t.Helper()
	given := address
	switch kind {
	case fleet.ProviderGooglePubSub:
		given = "my-project"
	case fleet.ProviderAzureEventHub:
		given = "bumps"
		if !strings.Contains(spec, "channel") {
			spec += ", channel: my-fleet"
		}
	}
	set := load(t, "type: "+kind+", address: '"+given+"'"+spec, secret, alert)
	if given != address {
		set.Providers[0].Address = pinsetter.NewSecret("address", address)
	}
	return set
}

// clouds log in with a token that holds what shows nowhere.
type clouds struct{}

func (clouds) Messages(_ context.Context, r login.CloudRequest, _ pinsetter.Secret) (login.CloudLogin, error) {
	return login.CloudLogin{Password: pinsetter.NewSecret("token", "TOKEN-of-"+r.Provider+"-hunter2")}, nil
}

// diary is what a notifier reports, and how long it waited.
type diary struct {
	mu     sync.Mutex
	errors []string
	waits  []time.Duration
}

func (d *diary) options() Options {
	return Options{
		Clouds: clouds{},
		Now:    func() time.Time { return noon },
		Report: func(err error) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.errors = append(d.errors, err.Error())
		},
		Sleep: func(ctx context.Context, wait time.Duration) error {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.waits = append(d.waits, wait)
			return ctx.Err()
		},
	}
}

// tell opens a notifier, tells events and closes it.
func tell(t *testing.T, set *fleet.Set, events ...pinsetter.Event) *diary {
	t.Helper()
	d := &diary{}
	n := Open(set, d.options())
	for _, e := range events {
		n.Tell(e)
	}
	if err := n.Close(t.Context()); err != nil {
		t.Error(err)
	}
	return d
}

func generically(t *testing.T, r *receiver, alert string) *fleet.Set {
	t.Helper()
	return load(t, "type: generic, address: '"+r.URL+"/hunter2'", "token: hunter2", alert)
}

// reasons returns the reason of each message that a generic Provider got.
func (r *receiver) reasons(t *testing.T) string {
	t.Helper()
	var all []string
	for _, asked := range r.requests() {
		_, body, _ := strings.Cut(asked, "\n\n")
		var m struct{ Reason string }
		if err := json.Unmarshal([]byte(body), &m); err != nil {
			t.Fatalf("%v in %s", err, asked)
		}
		all = append(all, m.Reason)
	}
	return strings.Join(all, " ")
}

// TestNews: people hear of a thing once, and again when it changes.
func TestNews(t *testing.T) {
	later := held("1.2.0")
	later.Holds[0].Reason = "frozen: wait a little longer"
	until, shorter := held("1.2.0"), held("1.2.0")
	until.Holds[0].Until, until.Holds[0].Reason = noon, "first seen 3h ago"
	shorter.Holds[0].Until, shorter.Holds[0].Reason = noon, "first seen 4h ago"
	other := failed("no")
	other.Object.Name = "api"
	tests := []struct {
		name   string
		events []pinsetter.Event
		want   string
	}{
		{"each push", []pinsetter.Event{pushed(), pushed()}, "Pushed Pushed"},
		{"a failure once", []pinsetter.Event{failed("no"), failed("no")}, "Failed"},
		{"another failure", []pinsetter.Event{failed("no"), failed("never"), failed("no")}, "Failed Failed Failed"},
		{"of another object", []pinsetter.Event{failed("no"), other}, "Failed Failed"},
		{"a recovery once", []pinsetter.Event{recovered(), failed("no"), recovered(), recovered()}, "Failed Recovered"},
		{"a failure that is back", []pinsetter.Event{failed("no"), recovered(), failed("no")}, "Failed Recovered Failed"},
		{"a failure without words", []pinsetter.Event{failed(""), failed(""), recovered()}, "Failed Recovered"},
		{"holds once", []pinsetter.Event{held("1.2.0"), held("1.2.0")}, "Held"},
		{"a hold more", []pinsetter.Event{held("1.2.0"), held("1.2.0", "2.0.0")}, "Held Held"},
		{"a hold less", []pinsetter.Event{held("1.2.0", "2.0.0"), held("1.2.0")}, "Held"},
		{"another reason", []pinsetter.Event{held("1.2.0"), later}, "Held Held"},
		{"a reason that tells the time", []pinsetter.Event{until, shorter}, "Held"},
		{"holds that are back", []pinsetter.Event{held("1.2.0"), held(), held("1.2.0")}, "Held Held"},
		{"a failure doesn't hide holds", []pinsetter.Event{held("1.2.0"), failed("no"), held("1.2.0"), recovered(), held("1.2.0")}, "Held Failed Recovered"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := newReceiver(t)
			if d := tell(t, generically(t, r, ""), test.events...); len(d.errors) > 0 {
				t.Error(d.errors)
			}
			if got := r.reasons(t); got != test.want {
				t.Errorf("told %q, want %q", got, test.want)
			}
		})
	}
}

func TestAlerts(t *testing.T) {
	other := pushed()
	other.Object.Namespace = "other"
	policy := pushed()
	policy.Object.Kind = "ImagePolicy"
	events := []pinsetter.Event{pushed(), failed("the registry is away"), recovered(), held("1.2.0"), other, policy}
	for alert, want := range map[string]string{
		"":                                      "Pushed Failed Recovered Held",
		", eventSeverity: error":                "Failed Recovered",
		", exclusionList: [regis]":              "Pushed Recovered Held",
		", inclusionList: [regis, '1\\.1\\.0']": "Pushed Failed",
		", inclusionList: [regis], exclusionList: [away]": "",
		", suspend: true": "",
		// Flux's text, and the summary by itself:
		`, inclusionList: ["^pushed commit '[0-9a-f]{7}' to branch 'main'\\nUpdate from image"]`: "Pushed",
		", inclusionList: [automation$]":               "Pushed",
		", inclusionList: ['^web 1.0.0 -> ']":          "Pushed",
		", exclusionList: ['from image update', away]": "Recovered Held",
	} {
		r := newReceiver(t)
		tell(t, generically(t, r, alert), events...)
		if got := r.reasons(t); got != want {
			t.Errorf("%s: told %q, want %q", alert, got, want)
		}
	}
}

// TestUse: another set goes on where the first was, and what was told is
// delivered.
func TestUse(t *testing.T) {
	first, second := newReceiver(t), newReceiver(t)
	d := &diary{}
	n := Open(generically(t, first, ""), d.options())
	n.Tell(failed("no"))
	n.Use(generically(t, second, ""))
	n.Tell(failed("no"))
	n.Tell(recovered())
	if err := n.Close(t.Context()); err != nil {
		t.Error(err)
	}
	n.Use(generically(t, second, ""))
	n.Tell(pushed())
	if got := first.reasons(t) + ", " + second.reasons(t); got != "Failed, Recovered" {
		t.Errorf("told %q", got)
	}
}

// TestTellNeverBlocks: what finds no room is dropped and reported.
func TestTellNeverBlocks(t *testing.T) {
	r := newReceiver(t)
	r.block = make(chan struct{})
	d := &diary{}
	n := Open(generically(t, r, ""), d.options())
	for range queueLength + 2 { // one may be on its way
		n.Tell(pushed())
	}
	d.mu.Lock()
	if len(d.errors) == 0 || !strings.Contains(d.errors[0], "tell Provider team/there of imageupdateautomation/web.team (pushed): 256 others wait already") {
		t.Errorf("%v", d.errors)
	}
	dropped := len(d.errors)
	d.mu.Unlock()
	close(r.block)
	if err := n.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if got := len(r.requests()); got+dropped != queueLength+2 {
		t.Errorf("%d delivered and %d dropped", got, dropped)
	}
}

// TestCloseGivesUp: a Provider that doesn't answer keeps nobody from ending.
func TestCloseGivesUp(t *testing.T) {
	r := newReceiver(t)
	r.block = make(chan struct{})
	d := &diary{}
	n := Open(generically(t, r, ""), d.options())
	n.Tell(pushed())
	n.Tell(pushed())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := n.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("err %v", err)
	}
	close(r.block)
	if len(d.errors) != 2 {
		t.Errorf("reported %v", d.errors)
	}
}

// TestProviderWithoutConnection: one that can't be reached is said, and others go
// on.
func TestProviderWithoutConnection(t *testing.T) {
	d := tell(t, load(t, "type: generic, address: 'http://169.254.169.254/hunter2'", "token: hunter2", ""), pushed())
	if len(d.errors) != 1 || !strings.Contains(d.errors[0], "reach Provider team/there: refused address") || strings.Contains(d.errors[0], "hunter2") {
		t.Errorf("%v", d.errors)
	}
}

func TestSummary(t *testing.T) {
	many := pushed()
	for i := range maxLines {
		many.Changes = append(many.Changes, pinsetter.Change{Path: fmt.Sprint(i), Old: "a", New: "b"})
	}
	lines := strings.Split(summary(many), "\n")
	if len(lines) != maxLines+2 || lines[maxLines+1] != "and 1 more" {
		t.Errorf("%q", lines)
	}
	if diff := cmp.Diff("Held 1 candidate\nteam/web: 1.2.0 instead of 1.0.0 is held: frozen: wait", summary(held("1.2.0"))); diff != "" {
		t.Error(diff)
	}
}
