package bot_test

import (
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/parts"
)

// TestRival: the last commit of the base tells of another program that writes
// versions there, for some hours.
func TestRival(t *testing.T) {
	for name, c := range map[string]struct {
		commit parts.Commit
		age    time.Duration
		want   string
	}{
		"Flux with the same automation":             {parts.Commit{Author: theBot, Message: "Update from image update automation"}, time.Hour, "image-automation-controller"},
		"Argo CD Image Updater":                     {parts.Commit{Author: "argocd-image-updater <noreply@argoproj.io>"}, time.Minute, "Argo CD Image Updater"},
		"Flux, long ago":                            {parts.Commit{Author: theBot}, 7 * time.Hour, ""},
		"a clock that is ahead":                     {parts.Commit{Author: theBot}, -time.Hour, ""},
		"a person":                                  {parts.Commit{}, time.Minute, ""},
		"Pinsetter":                                 {parts.Commit{Author: theBot, Message: forged()}, time.Minute, ""},
		"another of Pinsetter's with the same name": {parts.Commit{Author: theBot, Message: strings.ReplaceAll(forged(), "default/", "other/")}, time.Minute, ""},
	} {
		for _, push := range []string{"main", "updates"} {
			t.Run(name+" "+push, func(t *testing.T) {
				s := tell(t, "", push, "1.0.0", "1.1.0")
				c.commit.Tree = parts.Tree{Files: map[string]string{"b.txt": name}}
				c.commit.When = noon.Add(-c.age)
				s.Repo.Commit(c.commit)
				s.next("1.1.0")
				said := s.said.String()
				if c.want == "" && strings.Contains(said, "another image updater") || !strings.Contains(said, c.want) {
					t.Errorf("the log has %q, want %q", said, c.want)
				}
			})
		}
	}
}

// TestRivalOfProposals: it is told where changes are proposed too.
func TestRivalOfProposals(t *testing.T) {
	o := offer(t, apps(parts.NewGitHub(t), appPermissions), "", nil)
	o.Repo.Commit(parts.Commit{Tree: parts.Tree{Files: map[string]string{"b.txt": "x"}}, Author: "argocd-image-updater <noreply@argoproj.io>", When: noon})
	o.says("created#1 1")
	if !strings.Contains(o.said.String(), "Argo CD Image Updater") {
		t.Errorf("the log has %q", o.said.String())
	}
}
