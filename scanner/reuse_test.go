package scanner_test

import (
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/registry"
	"github.com/pinsetter/pinsetter/scanner"
)

// daemon is what lives longer than a cycle, and its clock.
type daemon struct {
	registry *registry.Registry
	now      time.Time
}

func newDaemon() *daemon {
	d := &daemon{now: scannedAt}
	d.registry = registry.New(registry.Options{Anonymous: true, Keep: 1 << 20, Now: d.clock})
	return d
}

func (d *daemon) clock() time.Time { return d.now }

// every returns an ImageRepository with an interval.
func every(interval time.Duration, image string, exclude ...string) *fleet.Repository {
	o := object(image, exclude...)
	o.Spec.Interval.Duration = interval
	return o
}

// scan returns a listing that must be had.
func scan(t *testing.T, s *scanner.Scanner, object *fleet.Repository) *scanner.Listing {
	t.Helper()
	listing, err := s.Scan(t.Context(), object)
	if err != nil {
		t.Fatal(err)
	}
	return listing
}

func TestListingsAreReusedWithinTheInterval(t *testing.T) {
	server := parts.NewRegistry(t, parts.RegistryOptions{})
	server.SetTags("app", "1.0.0", "1.1.0")
	d, app := newDaemon(), every(10*time.Minute, server.Image("app"))
	asked := 0
	for _, step := range []struct {
		passes    time.Duration
		requests  int
		age       time.Duration
		unchanged bool
	}{
		{0, 1, 0, false},
		{5 * time.Minute, 1, 5 * time.Minute, true},
		{3*time.Minute + 59*time.Second, 1, 9*time.Minute - time.Second, true},
		{time.Second, 2, 0, true},
		{10 * time.Minute, 3, 0, true},
	} {
		d.now = d.now.Add(step.passes)
		s := scanner.NewReusing(d.registry, d.clock)
		s.Asked = func(*fleet.Repository, time.Duration, error) { asked++ }
		got := scan(t, s, app)
		scan(t, s, every(10*time.Minute, server.Image("app")))
		if age := d.now.Sub(got.ScannedAt); age != step.age || got.Unchanged != step.unchanged || got.Hash != hash("1.0.0", "1.1.0") {
			t.Errorf("after %s: age %s, unchanged %t; want %s, %t", step.passes, age, got.Unchanged, step.age, step.unchanged)
		}
		if n := server.Log.Count("", "/tags/list"); n != step.requests {
			t.Errorf("after %s: %d requests; want %d", step.passes, n, step.requests)
		}
		if asked != step.requests {
			t.Errorf("after %s: told of %d requests; want %d", step.passes, asked, step.requests)
		}
	}

	// Who always asks does.
	scan(t, scanner.New(d.registry, d.clock), app)
	if n := server.Log.Count("", "/tags/list"); n != 4 {
		t.Errorf("%d requests; want 4", n)
	}
}

func TestExpiredListingsAreNotReused(t *testing.T) {
	server := parts.NewRegistry(t, parts.RegistryOptions{})
	server.SetTags("app", "1.0.0")
	d, app := newDaemon(), every(time.Hour, server.Image("app"))
	s := scanner.NewReusing(d.registry, d.clock)
	scan(t, s, app)
	server.SetTags("app", "1.0.0", "1.1.0")
	if err := s.Expire(app); err != nil {
		t.Fatal(err)
	}
	if got := scan(t, s, app); len(got.Tags) != 1 {
		t.Errorf("%q within a cycle; want one view of the registry", got.Tags)
	}
	if got := scan(t, scanner.NewReusing(d.registry, d.clock), app); len(got.Tags) != 2 || got.Unchanged {
		t.Errorf("tags are %q, unchanged %t", got.Tags, got.Unchanged)
	}
}

// A change is news to all objects of a cycle, also to those that scan after the
// first has asked.
func TestAChangeIsNewsToAllOfACycle(t *testing.T) {
	server := parts.NewRegistry(t, parts.RegistryOptions{})
	server.SetTags("app", "1.0.0")
	d := newDaemon()
	scan(t, scanner.NewReusing(d.registry, d.clock), every(time.Minute, server.Image("app")))
	server.SetTags("app", "1.0.0", "1.1.0")
	d.now = d.now.Add(time.Minute)
	s := scanner.NewReusing(d.registry, d.clock)
	for i := range 3 {
		d.now = d.now.Add(time.Second)
		if got := scan(t, s, every(time.Minute, server.Image("app"))); len(got.Tags) != 2 || got.Unchanged {
			t.Errorf("object %d: tags are %q, unchanged %t", i, got.Tags, got.Unchanged)
		}
	}
	if n := server.Log.Count("", "/tags/list"); n != 2 {
		t.Errorf("%d requests; want 2", n)
	}
}

// Each object keeps to its own interval, and to one view within a cycle.
func TestIntervalsOfOneImage(t *testing.T) {
	server := parts.NewRegistry(t, parts.RegistryOptions{})
	server.SetTags("app", "1.0.0")
	d := newDaemon()
	rarely, often := every(time.Hour, server.Image("app"), "^2"), every(time.Minute, server.Image("app"), "^2")
	scan(t, scanner.NewReusing(d.registry, d.clock), rarely)
	server.SetTags("app", "1.0.0", "1.1.0")
	d.now = d.now.Add(5 * time.Minute)
	s := scanner.NewReusing(d.registry, d.clock)
	for range 2 {
		if got := scan(t, s, rarely); len(got.Tags) != 1 || !got.Unchanged {
			t.Errorf("the one with an hour: %q, unchanged %t", got.Tags, got.Unchanged)
		}
		if got := scan(t, s, often); len(got.Tags) != 2 || got.Unchanged {
			t.Errorf("the one with a minute: %q, unchanged %t", got.Tags, got.Unchanged)
		}
	}
	if n := server.Log.Count("", "/tags/list"); n != 2 {
		t.Errorf("%d requests; want 2", n)
	}
}
