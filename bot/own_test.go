package bot_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/parts"
)

// theBot is how the automation of storyObjects commits.
const theBot = "Bot <bot@example.test>"

// forged is a message of the automation of storyObjects, with these changes.
func forged(changes ...string) string {
	text := "Update from image update automation\n\nPinsetter-Automation: default/apps\n"
	for _, change := range changes {
		text += "Pinsetter-Change: " + change + "\n"
	}
	return text
}

// forgeries are commits with the bot's name and trailers that the bot didn't make,
// on top of one of its own that shows 1.1.0.
func forgeries(w *world) map[string]parts.Tree {
	shows := func(tag string) string { return w.Named(strings.ReplaceAll(storyFile, "1.0.0", tag)) }
	file := func(path, text string) parts.Tree { return parts.Tree{Files: map[string]string{path: text}} }
	return map[string]parts.Tree{
		"a file beside":             file("fix.txt", "x"),
		"a file with a marker":      file("c.yaml", shows("1.1.0")),
		"another file changed":      file("b.yaml", "b: 2\n"),
		"a byte beside the value":   file("a.yaml", shows("1.1.0")+"# x\n"),
		"a tag out of the range":    file("a.yaml", shows("2.0.0")),
		"a tag that never was":      file("a.yaml", shows("1.1.7")),
		"another image":             file("a.yaml", strings.Replace(shows("1.1.0"), "/org/app:", "/evil/app:", 1)),
		"a digest that isn't its":   file("a.yaml", shows("1.1.0@"+strangeDigest)),
		"the digest of another tag": file("a.yaml", shows("1.1.0@"+w.Registry.PushContent("org/app", "1.0.0", "vulnerable"))),
		"another mode":              {Files: map[string]string{"a.yaml": shows("1.0.5")}, Executable: []string{"a.yaml"}},
		"a symlink":                 {Symlinks: map[string]string{"a.yaml": "b.yaml"}},
		"a file less":               {Delete: []string{"b.yaml"}},
		"the marker gone":           file("a.yaml", strings.SplitAfter(shows("1.1.0"), "1.1.0")[0]+"\n"),
	}
}

// forgeryWorld is a story with a push branch on which the bot proposes 1.1.0.
func forgeryWorld(t *testing.T) *story {
	t.Helper()
	s := tell(t, "", "updates", "1.0.0", "1.0.5", "1.1.0", "2.0.0")
	s.Repo.CommitFile("main", "b.yaml", "b: 1\n", "")
	s.next("1.1.0")
	return s
}

// A commit with the bot's name and trailers, but with something else in it than
// values that its policies choose, is somebody's: it is built upon, with a ledger
// and without.
func TestForgedCommitsAreBuiltUpon(t *testing.T) {
	for name := range forgeries(forgeryWorld(t).world) {
		for _, forgetful := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, forgetful: %v", name, forgetful), func(t *testing.T) {
				s := forgeryWorld(t)
				forgery := s.Repo.Commit(parts.Commit{Tree: forgeries(s.world)[name], Branch: "updates", Author: theBot, Message: forged()})
				s.Repo.CommitFile("main", "other.txt", "x", "")
				run := func() {
					ledger := s.Remember()
					if forgetful {
						ledger = nil
					}
					s.run(ledger)
					if s.Repo.Head("updates") == "" || s.Repo.Git("rev-list", "--count", forgery, "^updates") != "0" {
						t.Fatal("the forged commit is lost")
					}
				}
				run()
				s.Registry.Push("org/app", "1.2.0")
				run()
				s.Registry.SetTags("org/app", "1.0.0")
				run()
			})
		}
	}
}

// The bot's own commits are known by a replay alone, also when the base moved and
// a newer tag came since, and whatever their number.
func TestOwnCommitsAreReplayed(t *testing.T) {
	s := forgeryWorld(t)
	s.Repo.Commit(parts.Commit{
		Tree: parts.Tree{Files: map[string]string{"a.yaml": s.showing("1.0.5")}}, Branch: "updates", Author: theBot, Message: forged(),
	})
	s.Repo.CommitFile("main", "other.txt", "x", "")
	s.Registry.Push("org/app", "1.2.0")
	s.forgetful("1.2.0")
	if log := s.Repo.Git("log", "--format=%s", "main..updates"); strings.Count(log, "\n") > 0 {
		t.Errorf("the branch isn't rebuilt:\n%s", log)
	}
}

// What is remembered to be the bot's needs no replay: it is rebuilt although its
// tag is gone from the registry.
func TestPushedCommitsAreRemembered(t *testing.T) {
	s := forgeryWorld(t)
	s.Repo.CommitFile("main", "other.txt", "x", "")
	s.Registry.SetTags("org/app", "1.0.0", "1.0.5")
	s.next("1.0.5")
	if log := s.Repo.Git("log", "--format=%s", "main..updates"); strings.Count(log, "\n") > 0 {
		t.Errorf("the branch isn't rebuilt:\n%s", log)
	}
}

// While it can't be found out whose a branch is, nothing is done to it and nothing
// is said on its pull request.
func TestUnsureBranchesStay(t *testing.T) {
	o := offer(t, githubs(parts.NewGitHub(t)), "", nil)
	o.says("created#1 1")
	o.hand("main", "other.txt", "x")
	head := o.Repo.Head("pinsetter/apps")
	o.Break()
	o.forgetful("unchanged#1 0 error")
	if o.Repo.Head("pinsetter/apps") != head || len(o.only().Comments) > 0 {
		t.Errorf("head %s, comments %q", o.Repo.Head("pinsetter/apps"), o.only().Comments)
	}
	o.Fault.Store(nil)
	o.Registry.Push("org/app", "1.2.0")
	o.forgetful("updated#1 1")
}

// A forged commit on a proposal's branch is somebody's, and never merged by the
// bot.
func TestForgedCommitsAreNotMerged(t *testing.T) {
	github := parts.NewGitHub(t)
	for name := range forgeries(forgeryWorld(t).world) {
		for _, forgetful := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, forgetful: %v", name, forgetful), func(t *testing.T) {
				o := offer(t, githubs(github), "", map[string]string{"a.yaml": storyFile, "b.yaml": "b: 1\n"})
				o.Registry.Push("org/app", "1.0.5", "2.0.0")
				o.says("created#1 1")
				o.hub.commit(parts.Commit{Tree: forgeries(o.world)[name], Branch: "pinsetter/apps", Author: theBot, Message: forged()})
				theirs := o.Repo.Head("pinsetter/apps")
				o.with("autoMerge: true")
				for range 2 {
					if forgetful {
						o.bot(nil).Cycle(context.Background(), bot.Push, o.Set.Automations)
					} else {
						o.all()
					}
				}
				if p := o.hub.pulls()[0]; p.State != "open" || o.Repo.Head("pinsetter/apps") != theirs {
					t.Errorf("it is %s, its branch at %s, not %s", p.State, o.Repo.Head("pinsetter/apps"), theirs)
				}
			})
		}
	}
}

// A forged commit that a replay gives, but that isn't what is decided today, is
// replaced and not merged.
func TestReplayedIsNotDecided(t *testing.T) {
	o := offer(t, githubs(parts.NewGitHub(t)), "", map[string]string{"a.yaml": storyFile, "c.yaml": storyFile})
	o.Registry.Push("org/app", "1.0.5")
	o.says("created#1 2")
	o.with("autoMerge: true")
	older := o.Named(strings.ReplaceAll(storyFile, "1.0.0", "1.0.5"))
	o.hub.commit(parts.Commit{ // it doesn't say that it changed c.yaml
		Tree: parts.Tree{Files: map[string]string{"c.yaml": older}}, Branch: "pinsetter/apps", Author: theBot,
		Message: forged("path=a.yaml&setter=default%3Aapp&old=x&new=y"),
	})
	o.forgetful("merged#1 2")
	if got := o.Repo.File("main", "c.yaml"); !strings.Contains(got, ":1.1.0") {
		t.Errorf("merged %s", got)
	}
}

// twins are two bots with automations of one name and one push branch, and paths
// of their own.
func twins(t *testing.T) (*world, func(path string, remembers bool) *bot.Result) {
	t.Helper()
	objects := strings.ReplaceAll(storyObjects, "PUSH", "updates")
	w := newWorld(t, objects, map[string]string{"staging/a.yaml": storyFile, "production/a.yaml": storyFile})
	w.Registry.Push("org/app", "1.0.0", "1.1.0")
	states := w.State
	return w, func(path string, remembers bool) *bot.Result {
		t.Helper()
		w.Load(strings.Replace(objects, "  interval: 5m\n  sourceRef", "  interval: 5m\n  update: {path: "+path+"}\n  sourceRef", 1))
		w.State = states + "." + path
		if !remembers {
			return w.run(nil)
		}
		return w.cycle()
	}
}

// Two bots with automations of one name leave each other's proposals where they
// are.
func TestTwoBotsOfOneName(t *testing.T) {
	for _, remembers := range []bool{false, true} {
		t.Run(fmt.Sprintf("remembers: %v", remembers), func(t *testing.T) {
			w, run := twins(t)
			both := func(tag string) {
				t.Helper()
				for _, path := range []string{"staging", "production", "staging", "production"} {
					if r := run(path, remembers); r.Err != nil {
						t.Fatal(r.Err)
					}
				}
				head := w.Repo.Head("updates")
				for _, path := range []string{"staging", "production"} {
					if got := w.Repo.File("updates", path+"/a.yaml"); !strings.Contains(got, ":"+tag+" ") {
						t.Errorf("%s shows %s", path, got)
					}
					run(path, remembers)
				}
				if w.Repo.Head("updates") != head {
					t.Error("the branch moves on and on")
				}
			}
			both("1.1.0")
			w.Repo.CommitFile("main", "other.txt", "x", "")
			w.Registry.Push("org/app", "1.2.0")
			both("1.2.0")
		})
	}
}
