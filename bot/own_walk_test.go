package bot_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/parts"
)

// forgers is a world in which people and other bots commit by the bot's name, with
// its trailers, to the branch that it pushes to. The truth about each commit is
// known from how it was made, and shares no code with the bot.
type forgers struct {
	*offers
	choices choices
	branch  string
	merges  bool              // the bot proposes, and merges by itself
	states  string            // prefix of the two bots' ledgers
	foreign map[string]string // commits that aren't the bot's, and what they did
	told    []string
}

// The two bots' paths. The second one has its own state, and the same names.
const (
	mine     = "mine"
	theirs   = "theirs"
	unmarked = "README.md"
)

func newForgers(t *testing.T, data []byte) *forgers {
	k := &forgers{choices: choices{data}, foreign: map[string]string{}}
	files := map[string]string{mine + "/a.yaml": storyFile, theirs + "/a.yaml": storyFile, unmarked: "# fleet\n"}
	k.merges = k.choices.of(2) == 1
	if k.merges {
		k.branch = "pinsetter/apps"
		k.offers = offer(t, githubs(parts.NewGitHub(t)), "autoMerge: true", files)
	} else {
		k.branch = "updates"
		k.offers = &offers{world: newWorld(t, strings.ReplaceAll(storyObjects, "PUSH", "updates"), files)}
		k.texts = strings.ReplaceAll(storyObjects, "PUSH", "updates")
		k.Registry.Push("org/app", "1.0.0", "1.1.0")
	}
	k.Registry.Push("org/app", "2.0.0")
	k.states = k.State
	return k
}

func (k *forgers) tell(format string, args ...any) {
	k.told = append(k.told, fmt.Sprintf(format, args...))
}

func (k *forgers) fail(format string, args ...any) {
	k.t.Helper()
	k.t.Fatalf("%s\nafter:\n%s", fmt.Sprintf(format, args...), strings.Join(k.told, "\n"))
}

// showing is the marked file with a tag.
func (k *forgers) showing(tag string) string {
	return k.Named(strings.ReplaceAll(storyFile, "1.0.0", tag))
}

// step has one thing happen.
func (k *forgers) step() {
	switch k.choices.of(8) {
	case 0:
		tag := fmt.Sprintf("1.2.%d", len(k.told))
		k.Registry.Push("org/app", tag)
		k.tell("push %s", tag)
	case 1:
		k.commit("main", theBot, "other.txt", fmt.Sprint(len(k.told)))
	case 2:
		k.imitate()
	case 3:
		if !k.merges && k.Repo.Head(k.branch) != "" {
			k.Repo.Git("branch", "-D", k.branch)
			clear(k.foreign)
			k.tell("the branch is deleted")
		}
	default:
		k.forge()
	}
}

// commit makes a commit by a name, with trailers.
func (k *forgers) commit(branch, author, path, text string) string {
	from := ""
	if k.Repo.Head(branch) == "" {
		from = "main"
	}
	hash := k.Repo.Commit(parts.Commit{
		Branch: branch, From: from, Author: author, Message: forged("path=mine/a.yaml&setter=default%3Aapp&old=x&new=y"),
		Tree: parts.Tree{Files: map[string]string{path: text}},
	})
	k.tell("%.7s: %s writes %s of %s: %s", hash, author, path, branch, strings.TrimSpace(text))
	return hash
}

// imitate has somebody write by the bot's name what the bot could have written.
func (k *forgers) imitate() {
	if k.Repo.Head(k.branch) != "" {
		k.commit(k.branch, theBot, mine+"/a.yaml", k.showing("1.1.0"))
	}
}

// forge has somebody write by the bot's name what the bot could not have written.
func (k *forgers) forge() {
	if k.Repo.Head(k.branch) == "" {
		return
	}
	now := k.Repo.File(k.branch, mine+"/a.yaml")
	n := fmt.Sprint(len(k.told))
	path, text := mine+"/a.yaml", ""
	switch k.choices.of(8) {
	case 0:
		path, text = "fix"+n+".txt", n
	case 1:
		path, text = unmarked, "# "+n+"\n"
	case 2:
		text = now + "# " + n + "\n"
	case 3:
		text = k.showing("2.0.0")
	case 4:
		text = k.showing("1.1." + n + "77")
	case 5:
		text = k.showing("1.1.0@" + strangeDigest)
	case 6:
		path, text = theirs+"/a.yaml", k.showing("1.3."+n)
	case 7:
		text = strings.Replace(k.showing("1.1.0"), "/org/app:", "/org/evil"+n+":", 1)
	}
	if k.Repo.File(k.branch, mine+"/a.yaml") == text {
		return // it changes nothing
	}
	hash := k.commit(k.branch, theBot, path, text)
	k.foreign[hash] = path
}

// run runs the bot of a path, with its ledger or none, and judges what came of it.
func (k *forgers) run(path string) {
	k.t.Helper()
	k.Load(strings.NewReplacer(
		"  interval: 5m\n  sourceRef", "  interval: 5m\n  update: {path: "+path+"}\n  sourceRef",
		"SPEC", "autoMerge: true",
	).Replace(k.keyed()))
	k.State = k.states + "." + path
	var results []*bot.Result
	beside := k.beside(path)
	switch k.choices.of(3) {
	case 0:
		results = k.bot(nil).Cycle(context.Background(), bot.Push, k.Set.Automations)
	default:
		results = k.all()
	}
	for _, r := range results {
		k.tell("%s: %d changes, pushed %v, held %v, error %q", path, len(r.Changes), r.Pushed, r.Held, r.Error)
	}
	k.judge()
	if after := k.beside(path); !k.merges && beside != "" && after != "" && beside != after {
		k.fail("the bot of %s made the other's file\n%s of\n%s", path, after, beside)
	}
}

// keyed returns the objects with the forge's keys, where there is one.
func (k *forgers) keyed() string {
	if k.hub == nil {
		return k.texts
	}
	return strings.ReplaceAll(k.texts, "KEYS", k.hub.secret())
}

// beside returns the file of the other bot on the branch.
func (k *forgers) beside(path string) string {
	other := map[string]string{mine: theirs, theirs: mine}[path]
	if k.Repo.Head(k.branch) == "" {
		return ""
	}
	return k.Repo.File(k.branch, other+"/a.yaml")
}

// judge holds that no foreign commit is lost, and that none is in main.
func (k *forgers) judge() {
	k.t.Helper()
	for _, hash := range slices.Sorted(maps.Keys(k.foreign)) {
		if k.Repo.Head(k.branch) == "" || k.Repo.Git("rev-list", "--count", hash, "^"+k.Repo.Head(k.branch)) != "0" {
			k.fail("commit %.7s, which wrote %s, is lost", hash, k.foreign[hash])
		}
		if k.Repo.Git("rev-list", "--count", hash, "^main") == "0" {
			k.fail("commit %.7s, which wrote %s, is merged", hash, k.foreign[hash])
		}
	}
	if got := k.Repo.File("main", unmarked); got != "# fleet\n" {
		k.fail("main has %q", got)
	}
}

// FuzzForgeries: whoever commits by the bot's name, and whatever its trailers say,
// no byte of theirs is lost on the branch, and none is merged.
func FuzzForgeries(f *testing.F) {
	for seed := range 8 {
		data := make([]byte, 40)
		_, _ = rand.NewChaCha8([32]byte{byte(seed), 1}).Read(data) // never fails
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 100 {
			return // the same again, and slow
		}
		t.Parallel()
		k := newForgers(t, data)
		for len(k.choices.left) > 0 {
			k.run(mine)
			if !k.merges && k.choices.of(2) == 1 {
				k.run(theirs)
			}
			for range 1 + k.choices.of(3) {
				k.step()
			}
		}
		k.run(mine)
	})
}
