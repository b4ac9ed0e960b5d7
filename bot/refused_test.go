package bot_test

import (
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/parts"
)

// What a person refused by closing a pull request stays refused, whatever other
// pull requests come, and however changes are grouped then.
func TestRefusalsLast(t *testing.T) {
	two := map[string]string{"a.yaml": storyFile + dbLine}
	refuse := func(t *testing.T, files map[string]string) *offers {
		o := offer(t, githubs(parts.NewGitHub(t)), "", files)
		o.with("", secondPolicy)
		o.Registry.Push("org/db", "1.0.0", "1.5.0")
		o.all()
		o.hub.close(1)
		o.all()
		return o
	}
	t.Run("beside another change", func(t *testing.T) {
		o := refuse(t, two)
		o.Registry.Push("org/db", "1.6.0")
		o.all()
		o.all()
		if got := o.Repo.File("pinsetter/apps", "a.yaml"); strings.Contains(got, "app:1.1.0") || !strings.Contains(got, "db:1.6.0") {
			t.Errorf("proposed is\n%s", got)
		}
	})
	t.Run("when that is merged", func(t *testing.T) {
		o := refuse(t, two)
		o.Registry.Push("org/db", "1.6.0")
		o.all()
		o.hub.merge(2, "merge")
		o.all()
		o.all()
		if n := len(o.hub.pulls()); n != 2 {
			t.Errorf("#%d was opened", n)
		}
	})
	t.Run("when a higher one goes", func(t *testing.T) {
		o := refuse(t, nil)
		o.Registry.Push("org/app", "1.2.0")
		o.says("created#2 1")
		o.Registry.SetTags("org/app", "1.0.0", "1.1.0")
		o.says("closed#2 0 held")
		o.says("0 held")
	})
	t.Run("in another group", func(t *testing.T) {
		o := refuse(t, nil)
		o.with("groupBy: policy", secondPolicy)
		o.all()
		o.all()
		if n := len(o.hub.pulls()); n != 1 {
			t.Errorf("#%d was opened", n)
		}
	})
	t.Run("by another author", func(t *testing.T) {
		o := refuse(t, nil)
		o.hub.deleteBranch("pinsetter/apps")
		o.texts = strings.ReplaceAll(o.texts, "bot@example.test", "other@example.test")
		o.with("", secondPolicy)
		o.all()
		if n := len(o.hub.pulls()); n != 1 {
			t.Errorf("#%d was opened", n)
		}
	})
}

// What was merged and taken back isn't proposed again, however it was merged and
// whether anything is remembered.
func TestMergedAndTakenBack(t *testing.T) {
	for _, how := range []string{"merge", "squash", "rebase"} {
		for _, remembers := range []bool{true, false} {
			o := offer(t, githubs(parts.NewGitHub(t)), "", nil)
			run := o.all
			if !remembers {
				run = func() []*bot.Result { return o.bot(nil).Cycle(t.Context(), bot.Push, o.Set.Automations) }
			}
			run()
			o.hub.merge(1, how)
			run()
			o.hand("main", "a.yaml", storyFile)
			run()
			run()
			if n := len(o.hub.pulls()); n != 1 {
				t.Errorf("%s, remembers %v: #%d was opened", how, remembers, n)
			}
		}
	}
}
