package notify

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/login"
	"github.com/pinsetter/pinsetter/parts"
)

// subscribe returns the messages on all subjects of a server.
func subscribe(t *testing.T, address string, options ...nats.Option) func() *nats.Msg {
	t.Helper()
	conn, err := nats.Connect(address, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	heard, err := conn.SubscribeSync(">")
	if err == nil {
		err = conn.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() *nats.Msg {
		t.Helper()
		m, err := heard.NextMsg(10 * time.Second)
		if err != nil {
			t.Fatalf("nothing was published: %v", err)
		}
		return m
	}
}

// TestNATS: a real server gets what Flux would publish, in each way to log in.
func TestNATS(t *testing.T) {
	open := parts.NewNATS(t, parts.NATSOptions{})
	closed := parts.NewNATS(t, parts.NATSOptions{User: "me", Password: "hunter2", Publish: "flux.events"})
	me := nats.UserInfo("me", "hunter2")
	for _, test := range []struct {
		name, address, secret string
		server                *parts.NATS
	}{
		{"nobody", "nats://" + open.Addr, "a: b", open},
		{"without scheme", open.Addr, "a: b", open},
		{"the second of two", "nats://127.0.0.1:1," + open.Addr, "a: b", open},
		{"Secret", "nats://" + closed.Addr, "username: me, password: hunter2", closed},
		{"address of the Secret", "", "address: 'nats://me:hunter2@" + closed.Addr + "'", closed},
	} {
		t.Run(test.name, func(t *testing.T) {
			next := subscribe(t, "nats://"+test.server.Addr, me)
			d := tell(t, load(t, "type: nats, channel: flux.events, address: '"+test.address+"'", test.secret, ", summary: the fleet"), pushed())
			if len(d.errors) > 0 {
				t.Fatal(d.errors)
			}
			got := next()
			var m struct {
				Reason         string
				InvolvedObject struct{ Kind, Name string }
				Metadata       map[string]string
			}
			if err := json.Unmarshal(got.Data, &m); err != nil || got.Subject != "flux.events" {
				t.Fatalf("%s: %s: %v", got.Subject, got.Data, err)
			}
			if m.Reason != "Pushed" || m.InvolvedObject.Kind != "ImageUpdateAutomation" || m.InvolvedObject.Name != "web" || m.Metadata["summary"] != "the fleet" {
				t.Errorf("published %s", got.Data)
			}
		})
	}
}

// TestNATSRefuses: what another try doesn't help isn't tried again, and no
// password shows.
func TestNATSRefuses(t *testing.T) {
	closed := parts.NewNATS(t, parts.NATSOptions{User: "me", Password: "hunter2", Publish: "flux.events"})
	for _, test := range []struct {
		name, channel, password, address, err string
		tries                                 int
	}{
		{"wrong password", "flux.events", "hunter3", closed.Addr, "nats: Authorization Violation: check the login", 1},
		{"other subject", "flux.other", "hunter2", closed.Addr, `nats: permissions violation: Permissions Violation for Publish to "flux.other": check the login`, 1},
		{"nobody there", "flux.events", "hunter2", "127.0.0.1:1", "nats: no servers available for connection", maxTries},
		{"metadata", "flux.events", "hunter2", "169.254.169.254:4222", "refused", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := tell(t, load(t, "type: nats, channel: "+test.channel+", address: '"+test.address+"'", "username: me, password: "+test.password, ""), pushed())
			if len(d.errors) != 1 || !strings.Contains(d.errors[0], test.err) || strings.Contains(d.errors[0], "hunter") {
				t.Errorf("reported %q, want %q", d.errors, test.err)
			}
			if len(d.waits) != test.tries-1 {
				t.Errorf("%d tries, want %d", len(d.waits)+1, test.tries)
			}
		})
	}
}

// TestNATSEncrypted: with tls, a server's certificate has to be trusted.
func TestNATSEncrypted(t *testing.T) {
	ca := parts.NewCA(t)
	server := parts.NewNATS(t, parts.NATSOptions{TLS: &parts.TLS{CA: ca}})
	trusting, err := login.TLSConfig(pinsetter.TLS{CA: ca.PEM}, "")
	if err != nil {
		t.Fatal(err)
	}
	next := subscribe(t, "tls://"+server.Addr, nats.Secure(trusting))
	set := load(t, "type: nats, channel: flux.events, address: 'tls://"+server.Addr+"'", "a: b", "")
	if d := tell(t, set, pushed()); len(d.errors) != 1 || !strings.Contains(d.errors[0], "certificate") {
		t.Errorf("an unknown authority was trusted: %q", d.errors)
	}
	set.Providers[0].TLS = pinsetter.TLS{CA: ca.PEM}
	if d := tell(t, set, pushed()); len(d.errors) > 0 {
		t.Fatal(d.errors)
	}
	if got := next(); got.Subject != "flux.events" {
		t.Errorf("published on %s", got.Subject)
	}
}
