package bot_test

import (
	"strings"
	"testing"
	"time"
)

// What a hold says a site is left with is what the site shows after the run, also
// where something below the candidate is taken.
func TestHoldSaysWhatTheSiteIsLeftWith(t *testing.T) {
	for _, row := range []struct{ name, gate, shows, tags, takes, held string }{
		{"a variant is a prerelease", "{maxBump: patch}", "v1.0.0-alpine3.19", "1.0.0 1.1.0", "1.0.0", "1.1.0"},
		{"another variant", "{maxBump: patch}", "1.1.0-debian-12-r3", "1.0.0 1.1.0 1.1.1 1.2.0", "1.1.1", "1.2.0"},
		{"a patch below a minor step", "{maxBump: patch}", "1.0.0", "1.0.0 1.0.1 1.1.0", "1.0.1", "1.1.0"},
		{"nothing is small enough", "{maxBump: patch}", "v1.0.0-alpine3.19", "1.1.0 1.2.0", "v1.0.0-alpine3.19", "1.2.0"},
		{"a tag on hold", "{hold: [{tags: [1.2.0], reason: x}]}", "1.0.0", "1.0.0 1.1.0 1.2.0", "1.1.0", "1.2.0"},
		{"nothing better", "{maxBump: patch}", "1.1.0-rc.1", "1.0.0 1.1.0", "1.1.0", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := tell(t, row.gate, "", strings.Fields(row.tags)...)
			objects := strings.ReplaceAll(storyObjects, "PUSH", "main")
			s.Load(strings.Replace(objects, "^1.0.0", `">=1.0.0 <1.5.0"`, 1) + "---\napiVersion: pinsetter.dev/v1alpha1\nkind: Gate\nmetadata: {name: gate}\nspec: " + row.gate + "\n")
			s.Repo.CommitFile("main", "a.yaml", s.showing(row.shows), "")
			for range 2 { // the second run says the same and writes nothing
				s.next(row.takes)
				if held := s.last.Held; len(held) != min(len(row.held), 1) || len(held) > 0 && (held[0].Current != row.takes || held[0].Candidate != row.held) {
					t.Errorf("held %+v; want %q at %q", held, row.held, row.takes)
				}
			}
		})
	}
}

// The two sites of one policy are each left with their own.
func TestHoldsOfTwoSites(t *testing.T) {
	s := tell(t, "{maxBump: patch}", "", "1.0.0", "1.0.1", "1.1.0", "1.1.1", "1.2.0")
	s.Repo.CommitFile("main", "a.yaml", s.showing("1.0.0")+"---\n"+s.showing("1.1.0"), "")
	s.last = s.cycle()
	if got, want := s.Repo.File("main", "a.yaml"), s.showing("1.0.1")+"---\n"+s.showing("1.1.1"); got != want {
		t.Errorf("%s", got)
	}
	if h := s.last.Held; len(h) != 2 || h[0].Current != "1.0.1" || h[1].Current != "1.1.1" || h[0].Candidate != "1.2.0" || h[1].Candidate != "1.2.0" {
		t.Errorf("held %+v", h)
	}
}

// What was taken back is offered no more, whatever else a Gate refuses.
func TestRevertUnderMaxBump(t *testing.T) {
	s := tell(t, "{maxBump: patch}", "", "1.0.0", "1.0.1")
	s.next("1.0.1")
	s.human("1.0.0")
	s.Registry.Push("org/app", "1.1.0")
	s.next("1.0.0")
	s.holds("1.1.0", time.Time{}, "from 1.0.0 to 1.1.0 is a minor step")
	if h := s.last.Held; len(h) != 1 || h[0].Current != "1.0.0" {
		t.Errorf("held %+v", h)
	}
}

// A proposal below the candidate is what its site is left with.
func TestHoldBesideAProposal(t *testing.T) {
	s := tell(t, "{hold: [{tags: [1.2.0], reason: x}]}", "updates", "1.0.0", "1.1.0")
	s.next("1.1.0")
	s.Registry.Push("org/app", "1.2.0")
	s.next("1.1.0")
	if h := s.last.Held; len(h) != 1 || h[0].Current != "1.1.0" || h[0].Candidate != "1.2.0" {
		t.Errorf("held %+v", h)
	}
}
