package bot_test

import (
	"cmp"
	"context"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/store"
)

// story is a world whose a.yaml shows 1.0.0 of org/app, and what the last cycle
// said.
type story struct {
	*world
	push string
	last *bot.Result
}

// tell begins a story with a Gate's spec and a push branch; either may be "".
func tell(t *testing.T, gate, push string, tags ...string) *story {
	t.Helper()
	push = cmp.Or(push, "main")
	objects := strings.ReplaceAll(storyObjects, "PUSH", push)
	if gate != "" {
		objects += "---\napiVersion: pinsetter.dev/v1alpha1\nkind: Gate\nmetadata: {name: gate}\nspec: " + gate + "\n"
	}
	s := &story{world: newWorld(t, objects, map[string]string{"a.yaml": storyFile}), push: push}
	s.Registry.Push("org/app", tags...)
	return s
}

// next runs a cycle, after which the push branch must show tag.
func (s *story) next(tag string) {
	s.t.Helper()
	s.last = s.cycle()
	s.check(tag)
}

// forgetful is next with a bot that has no ledger.
func (s *story) forgetful(tag string) {
	s.t.Helper()
	s.last = s.run(nil)
	s.check(tag)
}

func (s *story) check(tag string) {
	s.t.Helper()
	if s.last.Err != nil {
		s.t.Fatalf("at %s: %v", s.Now(), s.last.Err)
	}
	branch := s.push
	if s.Repo.Head(branch) == "" {
		branch = "main"
	}
	if got, want := s.Repo.File(branch, "a.yaml"), s.showing(tag); got != want {
		s.t.Fatalf("at %s: branch %s has %q, want %q; held: %v", s.Now(), branch, got, want, s.last.Held)
	}
}

// holds says what the last cycle must have held: nothing where tag is "", and
// until the zero time where no time ends it.
func (s *story) holds(tag string, until time.Time, reason string) {
	s.t.Helper()
	if tag == "" {
		if len(s.last.Held) > 0 {
			s.t.Fatalf("at %s: held: %v", s.Now(), s.last.Held)
		}
		return
	}
	if len(s.last.Held) != 1 {
		s.t.Fatalf("at %s: held: %v, want %s", s.Now(), s.last.Held, tag)
	}
	h := s.last.Held[0]
	if h.Rule == "" || h.Candidate != tag || !h.Until.Equal(until) || !strings.Contains(h.Reason, reason) {
		s.t.Fatalf("at %s: held: %+v, want %s until %s: %q", s.Now(), h, tag, until, reason)
	}
}

// human has somebody write a tag on main.
func (s *story) human(tag string) { s.Repo.CommitFile("main", "a.yaml", s.showing(tag), "") }

func (s *story) showing(tag string) string {
	return s.Named(strings.ReplaceAll(storyFile, "1.0.0", tag))
}

// forget loses the ledger.
func (s *story) forget() {
	s.t.Helper()
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if err := os.Remove(s.State + suffix); err != nil && !os.IsNotExist(err) {
			s.t.Fatal(err)
		}
	}
}

// build puts an image under a tag that says when it was created.
func (s *story) build(tag string, created time.Time) {
	s.t.Helper()
	ref, err := name.NewTag(s.Registry.Image("org/app") + ":" + tag)
	if err != nil {
		s.t.Fatal(err)
	}
	image, err := mutate.CreatedAt(empty.Image, v1.Time{Time: created})
	if err == nil {
		err = remote.Write(ref, image)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

const hour = time.Hour

func TestMinAgeCountsFromFirstSight(t *testing.T) {
	s := tell(t, "{minAge: 72h}", "", "1.0.0", "1.1.0")
	s.next("1.0.0")
	s.holds("1.1.0", noon.Add(72*hour), "seen just now")
	s.Pass(72*hour - time.Second)
	s.next("1.0.0")
	s.holds("1.1.0", noon.Add(72*hour), "seen 71h59m ago")
	s.Pass(time.Second)
	s.next("1.1.0")
	s.holds("", time.Time{}, "")
}

func TestMovedTagStartsAgain(t *testing.T) {
	s := tell(t, "{minAge: 72h}", "", "1.0.0", "1.1.0")
	s.next("1.0.0")
	s.Pass(71 * hour)
	s.Registry.PushContent("org/app", "1.1.0", "something else")
	s.Pass(hour)
	s.next("1.0.0")
	s.holds("1.1.0", s.Now().Add(72*hour), "counts as new")
	s.Pass(72*hour - time.Second)
	s.next("1.0.0")
	s.Pass(time.Second)
	s.next("1.1.0")
}

// A tag that is moved away and back again was not there in between.
func TestTagMovedBackStartsAgain(t *testing.T) {
	s := tell(t, "{minAge: 72h}", "", "1.0.0", "1.1.0")
	s.next("1.0.0")
	s.Pass(72 * hour)
	s.Registry.PushContent("org/app", "1.1.0", "something else")
	s.next("1.0.0")
	s.Registry.Push("org/app", "1.1.0")
	s.Pass(72 * hour)
	s.next("1.0.0")
	s.holds("1.1.0", s.Now().Add(72*hour), "counts as new")
	s.Pass(72 * hour)
	s.next("1.1.0")
}

func TestYoungTagStarvesNoOlderOne(t *testing.T) {
	s := tell(t, "{minAge: 72h}", "", "1.0.0", "1.1.0")
	s.next("1.0.0")
	s.Pass(48 * hour)
	s.Registry.Push("org/app", "1.2.0")
	s.next("1.0.0")
	s.holds("1.2.0", noon.Add(120*hour), "minAge is 72h")
	s.Pass(24 * hour)
	s.Registry.Push("org/app", "1.3.0")
	s.next("1.1.0")
	s.holds("1.3.0", noon.Add(144*hour), "minAge is 72h")
	s.Pass(48 * hour)
	s.next("1.2.0")
	s.holds("1.3.0", noon.Add(144*hour), "minAge is 72h")
	s.Pass(24 * hour)
	s.next("1.3.0")
	s.holds("", time.Time{}, "")
}

func TestLostLedgerRestartsTheCooldown(t *testing.T) {
	s := tell(t, "{minAge: 72h}", "", "1.0.0", "1.1.0")
	s.next("1.0.0")
	s.Pass(71 * hour)
	s.forget()
	s.next("1.0.0")
	s.Pass(71 * hour)
	s.next("1.0.0")
	s.holds("1.1.0", noon.Add(143*hour), "seen 71h ago")
	s.Pass(hour)
	s.next("1.1.0")
}

func TestMinAgeFromCreatedNeedsNoLedger(t *testing.T) {
	s := tell(t, "{minAge: 72h, minAgeFrom: created}", "", "1.0.0")
	s.build("1.1.0", noon.Add(-72*hour))
	s.build("1.2.0", noon.Add(-71*hour))
	s.forgetful("1.1.0")
	s.holds("1.2.0", noon.Add(hour), "created 71h ago")
	s.Pass(hour)
	s.forgetful("1.2.0")
	s.holds("", time.Time{}, "")
	s.build("1.3.0", time.Time{})
	s.forgetful("1.2.0")
	s.holds("1.3.0", time.Time{}, "doesn't say when it was created")
}

func TestMinAgeByFirstSightNeedsALedger(t *testing.T) {
	s := tell(t, "{minAge: 72h}", "", "1.0.0", "1.1.0")
	for range 2 {
		r := s.run(nil)
		if r.Err == nil || !strings.Contains(r.Error, "nothing is remembered") {
			t.Errorf("error %v does not say that nothing is remembered", r.Err)
		}
		s.Pass(100 * hour)
	}
	if got := s.Repo.File("main", "a.yaml"); got != s.showing("1.0.0") {
		t.Errorf("main has %q", got)
	}
}

// Working hours of New York, which were put forward on Sunday, March 8.
func TestWindowsOpenAndClose(t *testing.T) {
	rows := []struct {
		now   string
		until string // "": open
	}{
		{"2026-03-06T13:59:59Z", "2026-03-06T14:00:00Z"},
		{"2026-03-06T14:00:00Z", ""},
		{"2026-03-06T21:59:59Z", ""},
		{"2026-03-06T22:00:00Z", "2026-03-09T13:00:00Z"},
		{"2026-03-08T14:00:00Z", "2026-03-09T13:00:00Z"},
		{"2026-03-09T12:59:59Z", "2026-03-09T13:00:00Z"},
		{"2026-03-09T13:00:00Z", ""},
		{"2026-03-09T21:00:00Z", "2026-03-10T13:00:00Z"},
	}
	s := tell(t, `{windows: [{schedule: "0 9 * * 1-5", duration: 8h, timeZone: America/New_York}]}`, "", "1.0.0", "1.1.0")
	for _, row := range rows {
		s.setTime(row.now)
		if row.until == "" {
			s.last = s.propose()
			s.holds("", time.Time{}, "")
			if len(s.last.Changes) != 1 {
				t.Errorf("at %s: no changes", row.now)
			}
			continue
		}
		s.next("1.0.0")
		s.holds("1.1.0", mustTime(t, row.until), "the next window opens at")
	}
	s.setTime("2026-03-10T13:00:00Z")
	s.next("1.1.0")
}

// propose is a cycle that writes nothing.
func (s *story) propose() *bot.Result {
	return s.bot(nil).Cycle(context.Background(), bot.Propose, s.Set.Automations)[0]
}

func (s *story) setTime(text string) {
	s.t.Helper()
	now := mustTime(s.t, text)
	s.Clock.Store(&now)
}

func mustTime(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestFreezeEnds(t *testing.T) {
	s := tell(t, `{freeze: {from: "2026-03-02T13:00:00Z", to: "2026-03-05T08:00:00Z", reason: the fair}}`, "", "1.0.0", "1.1.0")
	s.next("1.1.0")
	s.Registry.Push("org/app", "1.2.0")
	s.setTime("2026-03-02T13:00:00Z")
	s.next("1.1.0")
	s.holds("1.2.0", mustTime(t, "2026-03-05T08:00:00Z"), "the fair")
	s.setTime("2026-03-05T07:59:59Z")
	s.next("1.1.0")
	s.setTime("2026-03-05T08:00:00Z")
	s.next("1.2.0")
}

// A list that stays short is believed after a day, though no two of it agree.
func TestShortListIsBelievedAfterADay(t *testing.T) {
	s := tell(t, "", "", "1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0")
	s.next("1.4.0")
	s.Pass(hour)
	for i, other := range []string{"1.0.0", "1.1.0", "1.2.0"} {
		s.Registry.SetTags("org/app", other, "1.6.0")
		s.next("1.4.0")
		s.holds("1.6.0", noon.Add(25*hour), "the list may be cut")
		s.Pass(time.Duration(i) * 11 * hour)
	}
	s.Registry.SetTags("org/app", "1.3.0", "1.6.0")
	s.next("1.6.0")
}

// A list that is whole again ends the suspicion.
func TestShortListThatMendsIsForgotten(t *testing.T) {
	all := []string{"1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0"}
	s := tell(t, "", "", all...)
	s.next("1.4.0")
	s.Registry.SetTags("org/app", "1.6.0")
	s.next("1.4.0")
	s.next("1.4.0")
	s.Registry.SetTags("org/app", all...)
	s.next("1.4.0")
	s.holds("", time.Time{}, "")
	s.Registry.SetTags("org/app", "1.6.0")
	s.next("1.4.0")
	s.next("1.4.0")
	s.next("1.6.0")
}

// What somebody took back stays so in every later run, whatever was put in its
// place, until there is something better.
func TestHumanRevertStays(t *testing.T) {
	for _, by := range []string{"1.0.0", "hotfix-login", "1.0.9-unlisted"} {
		t.Run(by, func(t *testing.T) {
			s := tell(t, "", "", "1.0.0", "1.1.0")
			s.next("1.1.0")
			s.human(by)
			for range 3 {
				s.Pass(100 * hour)
				s.next(by)
				s.holds("1.1.0", time.Time{}, "1.1.0 was written here and somebody changed it")
			}
			s.Registry.Push("org/app", "1.2.0")
			s.next("1.2.0")
			s.holds("", time.Time{}, "")
		})
	}
}

// proposes reports whether the last cycle proposed something: a branch that is left
// from before may be moved to the base.
func (s *story) proposes() bool {
	return len(s.last.Changes) > 0 || s.last.Pushed != nil && s.last.Pushed.Commit != s.Repo.Head("main")
}

// A proposal that was squashed onto the base counts as written there, and what
// is taken back from there isn't proposed again.
func TestRevertAfterSquash(t *testing.T) {
	for _, branch := range []string{"deleted", "left"} {
		t.Run(branch, func(t *testing.T) {
			s := tell(t, "", "updates", "1.0.0", "1.1.0")
			s.next("1.1.0")
			s.Repo.Commit(parts.Commit{Tree: parts.Tree{Files: map[string]string{"a.yaml": s.Repo.File("updates", "a.yaml")}}, Message: "Update (#1)"})
			if branch == "deleted" {
				s.Repo.Git("branch", "-D", "updates")
			}
			s.next("1.1.0")
			s.human("1.0.0")
			for range 2 {
				s.last = s.cycle()
				s.holds("1.1.0", time.Time{}, "1.1.0 was written here and somebody changed it")
				if s.proposes() {
					t.Errorf("changes %v, pushed %v", s.last.Changes, s.last.Pushed)
				}
			}
			s.Registry.Push("org/app", "1.2.0")
			s.next("1.2.0")
			if got := s.Repo.Git("log", "--format=%an", "main..updates"); got != "Bot" {
				t.Errorf("commits by %q on updates", got)
			}
		})
	}
}

// The record of two bots that share a ledger is one: the first sight of either
// counts, and the revert of what either wrote stays.
func TestTwoBotsShareALedger(t *testing.T) {
	s := tell(t, "{minAge: 72h}", "", "1.0.0", "1.1.0")
	one, other := s.Remember(), s.Remember()
	with := func(l *store.Ledger, tag string) {
		t.Helper()
		s.last = s.run(l)
		s.check(tag)
	}
	with(one, "1.0.0")
	s.Pass(72 * hour)
	with(other, "1.1.0")
	s.human("1.0.0")
	with(one, "1.0.0")
	s.holds("1.1.0", time.Time{}, "somebody changed it")
}

// Where neither the best candidate nor a digest for what is written may be taken
// yet, the best candidate is named.
func TestTheHoldNamesTheBestCandidate(t *testing.T) {
	for _, reflection := range []string{"Always\n  interval: 10m", "IfNotPresent"} {
		s := tell(t, "{minAge: 72h}", "", "1.0.0", "1.1.0")
		objects := strings.Replace(storyObjects, "policy: {semver", "digestReflectionPolicy: "+reflection+"\n  policy: {semver", 1)
		s.Load(strings.ReplaceAll(objects, "PUSH", "main") + "---\napiVersion: pinsetter.dev/v1alpha1\nkind: Gate\nmetadata: {name: gate}\nspec: {minAge: 72h}\n")
		s.next("1.0.0")
		s.holds("1.1.0", noon.Add(72*time.Hour), "seen just now")
	}
}

// A signature without a time proves no age. It isn't taken from memory: it may have
// been made anew, with one.
func TestMinAgeFromSignatureWithoutATime(t *testing.T) {
	s, signer := signedStory(t, "minAge: 1h, minAgeFrom: signature, ", "1.0.0", "1.1.0")
	s.Registry.Sign("org/app", s.Registry.Digest("org/app", "1.1.0"), signer)
	for range 2 {
		s.Registry.Log.Reset()
		s.next("1.0.0")
		s.holds("1.1.0", time.Time{}, "no log or timestamp says when cosign.pub (key ")
		if got := s.Registry.Log.Count(http.MethodGet, "/referrers/"); got != 1 {
			t.Errorf("asked %d times for signatures", got)
		}
		s.Pass(100 * hour)
	}
}
