package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/hook"
	"github.com/pinsetter/pinsetter/parts"
)

// deliverTo delivers a webhook to the rig's Receiver, and returns the status.
func deliverTo(t *testing.T, d *daemon) int {
	t.Helper()
	path := hook.Path(&fleet.Receiver{Name: pinsetter.Name{Namespace: "default", Name: "pushes"}, Token: pinsetter.NewSecret("", "sesame")})
	response, err := http.Post(d.url+path, "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// TestWebhookAtAStandby: of two processes over PostgreSQL the one that waits for the
// lead takes webhooks, and the one that leads acts on them. One that the state
// doesn't take is answered with 503. What comes while nobody leads waits for who
// leads next.
func TestWebhookAtAStandby(t *testing.T) {
	database := parts.NewPostgres(t)
	f := newRig(t, "main")
	f.registry.Push("org/app", "1.0.0", "1.1.0")
	f.edit(t, func(text string) string { return text + servedReceiver })
	shows := func(tag string) func() bool {
		return func() bool { return strings.Contains(f.repo.File("main", "a.yaml"), "app:"+tag) }
	}
	args := []string{"--leader-elect", "--batch", "50ms", "--state", database.URL("postgres") + "?sslmode=disable"}
	leader := f.serve(t, args...)
	leader.until("the first run", shows("1.1.0"))
	standby := f.serve(t, args...)
	standby.until("it waits", func() bool { return strings.Contains(standby.said(), "waiting for the lead") })

	f.registry.Push("org/app", "1.2.0")
	if status := deliverTo(t, standby); status != http.StatusOK {
		t.Fatalf("the standby answers %d", status)
	}
	leader.until("the leader acts", shows("1.2.0"))
	if strings.Contains(standby.said(), "msg=leading") {
		t.Errorf("the standby leads:\n%s", standby.said())
	}
	leader.until("it says why", func() bool { return strings.Contains(leader.said(), "a webhook of another process asks to look") })

	if err := leader.process.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	f.registry.Push("org/app", "1.3.0")
	if status := deliverTo(t, standby); status != http.StatusOK {
		t.Fatalf("nobody leads: %d", status)
	}
	standby.until("it takes over", shows("1.3.0"))

	third := f.serve(t, args...)
	third.until("it waits", func() bool { return strings.Contains(third.said(), "waiting for the lead") })
	database.Kill()
	third.until("it notices", func() bool { return strings.Contains(third.said(), "the state doesn't answer") })
	if status := deliverTo(t, third); status != http.StatusServiceUnavailable {
		t.Errorf("the state is away, and a webhook is answered with %d", status)
	}
	third.until("it says so", func() bool { return strings.Contains(third.said(), "pass on a delivery for Receiver default/pushes") })
	f.registry.Push("org/app", "1.4.0")
	database.Start()
	third.until("it leads once the state is back", shows("1.4.0"))
}

// TestWebhookAtAnotherShard: a webhook that comes to one shard reaches the repository
// of the other.
func TestWebhookAtAnotherShard(t *testing.T) {
	database := parts.NewPostgres(t)
	f := newRig(t, "main")
	f.registry.Push("org/app", "1.0.0", "1.1.0")
	f.edit(t, func(text string) string { return text + servedReceiver })
	args := []string{"--batch", "50ms", "--state", database.URL("postgres") + "?sslmode=disable", "--shard"}
	shards := []*daemon{f.serve(t, append(args, "0/2")...), f.serve(t, append(args, "1/2")...)}
	for i, tag := range []string{"1.2.0", "1.3.0"} { // one of them is that of the other shard
		shards[i].until("the run before", func() bool { return !strings.Contains(f.repo.File("main", "a.yaml"), "app:1.0.0") })
		f.registry.Push("org/app", tag)
		if status := deliverTo(t, shards[i]); status != http.StatusOK {
			t.Fatalf("shard %d answers %d", i, status)
		}
		shards[i].until("the run that it asked for", func() bool { return strings.Contains(f.repo.File("main", "a.yaml"), "app:"+tag) })
	}
}
