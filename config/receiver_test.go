package config_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/source"
)

const notifications = "testdata/notifications/"

func loadNotifications(t *testing.T, how config.Notifications) *fleet.Set {
	t.Helper()
	data, err := os.ReadFile(notifications + "in.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return config.Load([]source.File{{Path: "in.yaml", Data: data}}, config.Options{Notifications: how})
}

// TestNotifications: every Receiver, Provider and Alert is accounted for.
func TestNotifications(t *testing.T) {
	set := loadNotifications(t, config.NotificationsUsed)
	var b strings.Builder
	for _, f := range set.Findings {
		fmt.Fprintf(&b, "%s %s %s\n", f.Severity, f.Code, f)
	}
	for _, r := range set.Receivers {
		fmt.Fprintf(&b, "Receiver %s%s: %s\n\t%v\n", r.Name, suspended(r.Suspended), state(r.Err), r.Resources)
	}
	for _, p := range set.Providers {
		fmt.Fprintf(&b, "Provider %s: %s\n", p.Name, state(p.Err))
	}
	for _, a := range set.Alerts {
		fmt.Fprintf(&b, "Alert %s%s: %s\n", a.Name, suspended(a.Suspended), state(a.Err))
	}
	got := b.String()
	if *update {
		if err := os.WriteFile(notifications+"used", []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(notifications + "used")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("findings and objects (-want +got):\n%s", diff)
	}
	if all := got + fmt.Sprintf("%v %+v", set.Providers[1], *set.Providers[1]); strings.Contains(all, "hunter2") {
		t.Error("a secret shows")
	}
}

// TestNotificationsUnused: what nothing here uses is a warning at most, and its
// object is as wrong as ever.
func TestNotificationsUnused(t *testing.T) {
	used, checked := loadNotifications(t, config.NotificationsUsed), loadNotifications(t, config.NotificationsChecked)
	warnings := map[string]bool{}
	for _, f := range checked.Findings {
		if f.Severity != pinsetter.Warning {
			t.Errorf("checked: %s %s", f.Severity, f)
		}
		warnings[f.String()] = true
	}
	for _, f := range used.Findings {
		if !warnings[f.String()] && !strings.Contains(f.Message, "bare list") {
			t.Errorf("checked: nothing is said of %s", f)
		}
	}
	for i, r := range checked.Receivers {
		if (r.Err == nil) != (used.Receivers[i].Err == nil) {
			t.Errorf("checked: %s: %v", r.Name, r.Err)
		}
	}
	ignored := loadNotifications(t, config.NotificationsIgnored)
	if len(ignored.Findings)+len(ignored.Receivers)+len(ignored.Providers)+len(ignored.Alerts) > 0 {
		t.Errorf("ignored: %v", ignored.Findings)
	}
}

func TestReceiverValues(t *testing.T) {
	set := loadNotifications(t, config.NotificationsUsed)
	for _, r := range set.Receivers {
		switch r.Name.Name {
		case "good":
			if diff := cmp.Diff([]string{"ping", "push"}, r.Events); diff != "" || r.Type != fleet.ReceiverGitHub || r.Token.Reveal() != "hunter2" {
				t.Errorf("%+v", r)
			}
		case "google":
			if r.Email != "push@example.test" || r.Audience != "https://hooks.example.test" {
				t.Errorf("%+v", r)
			}
		}
	}
}

func TestProviderValues(t *testing.T) {
	set := loadNotifications(t, config.NotificationsUsed)
	for _, p := range set.Providers {
		if p.Name.Name != "chat" {
			continue
		}
		if p.Address.Reveal() != "https://chat.example.test/hunter2" || p.Username != "bot" || p.Channel != "general" ||
			p.Timeout.String() != "5s" || p.Headers["X-Api-Key"].Reveal() != "hunter2" || p.Token.Reveal() != "hunter2" {
			t.Errorf("%+v", p)
		}
		if p.Proxy.Address != "http://proxy.example.test:3128" || p.Proxy.Username != "me" || p.Proxy.Password.Reveal() != "hunter2" {
			t.Errorf("proxy %+v", p.Proxy)
		}
	}
}

func TestAlertSelects(t *testing.T) {
	set := loadNotifications(t, config.NotificationsUsed)
	var alert *fleet.Alert
	for _, a := range set.Alerts {
		if a.Name.Name == "chat" {
			alert = a
		}
	}
	tests := []struct {
		object pinsetter.Object
		want   bool
	}{
		{pinsetter.Object{Kind: "ImageUpdateAutomation", Namespace: "team", Name: "any"}, true},
		{pinsetter.Object{Kind: "ImageUpdateAutomation", Namespace: "other", Name: "any"}, false},
		{pinsetter.Object{Kind: "ImageRepository", Namespace: "team", Name: "app"}, true},
		{pinsetter.Object{Kind: "ImageRepository", Namespace: "team", Name: "web"}, false},
		{pinsetter.Object{Kind: "ImagePolicy", Namespace: "other", Name: "p"}, true},
		{pinsetter.Object{Kind: "ImagePolicy", Namespace: "other", Name: "q"}, false},
		{pinsetter.Object{Kind: "Kustomization", Namespace: "team", Name: "x"}, false},
	}
	for _, test := range tests {
		if got := alert.Selects(test.object); got != test.want {
			t.Errorf("%+v: %v", test.object, got)
		}
	}
	if diff := cmp.Diff(map[string]string{"env": "test", "summary": "the cluster"}, alert.Metadata); diff != "" || !alert.ErrorsOnly || len(alert.Exclude) != 1 {
		t.Errorf("%+v", alert)
	}
}

// TestLabelsBesideAName: an Alert wants both, as in Flux; a Receiver looks at
// the name alone, and warns.
func TestLabelsBesideAName(t *testing.T) {
	const refs = "[{kind: ImageRepository, name: app, matchLabels: {part: one}}, {kind: ImageRepository, name: web, matchLabels: {part: one}}]"
	data := "apiVersion: image.toolkit.fluxcd.io/v1\nkind: ImageRepository\nmetadata: {name: app, labels: {part: one}}\nspec: {image: alpine, interval: 5m}\n---\n" +
		"apiVersion: image.toolkit.fluxcd.io/v1\nkind: ImageRepository\nmetadata: {name: web}\nspec: {image: alpine, interval: 5m}\n---\n" +
		"apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {token: t}\n---\n" +
		"apiVersion: notification.toolkit.fluxcd.io/v1\nkind: Receiver\nmetadata: {name: r}\nspec: {type: generic, secretRef: {name: s}, resources: " + refs + "}\n---\n" +
		"apiVersion: notification.toolkit.fluxcd.io/v1beta3\nkind: Provider\nmetadata: {name: p}\nspec: {type: generic, address: https://a.example}\n---\n" +
		"apiVersion: notification.toolkit.fluxcd.io/v1beta3\nkind: Alert\nmetadata: {name: a}\nspec: {providerRef: {name: p}, eventSources: " + refs + "}\n"
	set := config.Load([]source.File{{Path: "x", Data: []byte(data)}}, config.Options{Notifications: config.NotificationsUsed})
	if len(set.Findings) != 2 || len(set.Receivers) != 1 || set.Receivers[0].Err != nil || len(set.Alerts) != 1 || set.Alerts[0].Err != nil {
		t.Fatalf("%v", set.Findings)
	}
	for _, f := range set.Findings {
		if f.Severity != pinsetter.Warning || !strings.Contains(f.String(), "does nothing where name isn't") {
			t.Error(f)
		}
	}
	if got := set.Receivers[0].Resources; len(got) != 2 {
		t.Errorf("the Receiver wakes %v", got)
	}
	if got := set.Alerts[0].Sources; len(got) != 1 || got[0].Name != "app" {
		t.Errorf("the Alert selects %v", got)
	}
}

// TestProviderLogins: what a type can't do without is asked for when loading.
func TestProviderLogins(t *testing.T) {
	for _, test := range []struct{ spec, secret, want string }{
		{"type: zulip, channel: a/b, address: 'https://a.example'", "password: p", "needs a Secret with the keys username and password"},
		{"type: zulip, channel: a/b, address: 'https://a.example'", "username: u, password: p", ""},
		{"type: bitbucketserver, address: 'https://a.example/scm/a/b'", "username: u", "needs a Secret with the key token, or with username and password"},
		{"type: bitbucketserver, address: 'https://a.example/scm/a/b'", "token: t", ""},
		{"type: sentry", "address: 'https://key@a.example/1'", ""},
		{"type: lark", "address: 'https://key@a.example/1'", "has a user in it"},
		{"type: alertmanager", "address: 'https://u:p@a.example/api/v2/alerts/'", ""},
		{"type: alertmanager, address: 'https://u:p@a.example/api/v2/alerts/'", "a: b", "has a user in it"},
		{"type: nats, channel: s, address: 'https://a.example'", "token: t", "not a URL with the scheme nats or tls"},
		{"type: nats, channel: s, address: 'nats://a.example:4222, tls://b.example'", "token: t", ""},
		{"type: nats, channel: s", "address: 'nats://u:p@a.example'", ""},
		{"type: nats, channel: s", "address: 'nats://u:p@a.example,nats://u:p@b.example'", ""},
		{"type: nats, channel: s", "address: 'nats://a.example,nats://u:p@b.example'", "have different logins"},
		{"type: nats, address: a.example", "token: t", "spec.channel: is missing"},
		{"type: googlepubsub, channel: bumps, address: my-project", "a: b", ""},
		{"type: googlepubsub, channel: bumps, address: 'domain.example:my-project'", "token: '{}'", ""},
		{"type: googlepubsub, channel: projects/p/topics/bumps, address: my-project", "a: b", "without projects/"},
		{"type: googlepubsub, channel: bumps, address: 'https://my-project'", "a: b", "not the ID of a project"},
		{"type: googlepubsub, address: my-project", "a: b", "spec.channel: is missing"},
		{"type: azureeventhub, channel: my-fleet, address: bumps", "a: b", ""},
		{"type: azureeventhub, channel: my-fleet.servicebus.windows.net, address: bumps", "a: b", "without .servicebus.windows.net"},
		{"type: azureeventhub, address: bumps", "a: b", "write the namespace of the event hub"},
		{"type: azureeventhub, address: 'sb://x/'", "a: b", "neither the name of an event hub nor a connection string"},
		{"type: azureeventhub", "address: 'Endpoint=sb://my-fleet.servicebus.windows.net/;SharedAccessKeyName=n;SharedAccessKey=k;EntityPath=bumps'", ""},
		{"type: azureeventhub", "address: 'Endpoint=sb://my-fleet.servicebus.windows.net/;SharedAccessKeyName=n;SharedAccessKey=k'", "lacks EntityPath"},
		{"type: azureeventhub", "token: t, address: 'Endpoint=sb://a/;SharedAccessKeyName=n;SharedAccessKey=k;EntityPath=bumps'", "leave one out"},
		{"type: azureeventhub, address: 'Endpoint=sb://a/;SharedAccessKeyName=n;SharedAccessKey=k;EntityPath=bumps'", "a: b", "move it to the key address"},
	} {
		data := "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {" + test.secret + "}\n---\n" +
			"apiVersion: notification.toolkit.fluxcd.io/v1beta3\nkind: Provider\nmetadata: {name: p}\nspec: {" + test.spec + ", secretRef: {name: s}}\n---\n" +
			"apiVersion: notification.toolkit.fluxcd.io/v1beta3\nkind: Alert\nmetadata: {name: a}\nspec: {providerRef: {name: p}, eventSources: [{kind: ImagePolicy, name: '*'}]}\n"
		set := config.Load([]source.File{{Path: "x", Data: []byte(data)}}, config.Options{Notifications: config.NotificationsUsed})
		text := fmt.Sprint(set.Findings)
		if p := set.Providers[0]; test.want == "" && p.Address.IsZero() {
			t.Errorf("%s: no address", test.spec)
		}
		if test.want == "" && len(set.Findings) > 0 || !strings.Contains(text, test.want) {
			t.Errorf("%s: %s; want %q", test.spec, text, test.want)
		}
	}
}
