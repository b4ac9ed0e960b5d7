package bot_test

import (
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/parts"
)

func TestGitLabMergesWhenThePipelineSucceeds(t *testing.T) {
	gitlab := parts.NewGitLab(t)
	o := offer(t, gitlabs(gitlab), "autoMerge: true", nil)
	h := o.hub.(*atGitLab)
	h.Require(parts.GitLabRules{Pipeline: true})
	o.says("created#1 1")
	h.Pipeline(o.Repo.Head("pinsetter/apps"), "running")
	o.says("unchanged#1 0") // it is to be merged by itself now
	gitlab.Log.Reset()
	o.says("unchanged#1 0")
	if n := gitlab.Log.Count("PUT", ""); n > 0 {
		t.Errorf("%d requests for what is arranged", n)
	}
	h.Pipeline(o.Repo.Head("pinsetter/apps"), "success")
	o.says("merged#1 0")
	if !strings.Contains(o.Repo.File("main", "a.yaml"), "app:1.1.0") {
		t.Error("it isn't merged")
	}
}

func TestGitLabRenamedAndArchived(t *testing.T) {
	o := offer(t, gitlabs(parts.NewGitLab(t)), "", nil)
	o.says("created#1 1")
	h := o.hub.(*atGitLab)
	h.Rename("elsewhere/renamed")
	o.Registry.Push("org/app", "1.2.0")
	o.says("updated#1 1")
	o.forgetful("unchanged#1 0")
	h.Archive()
	o.Registry.Push("org/app", "1.3.0")
	if r := o.says("0 error")[0]; !strings.Contains(r.Error, "access denied") {
		t.Errorf("%v", r.Err)
	}
}

// A member who may look and push nothing, and one whose token reads alone.
func TestGitLabTokenWithoutPermission(t *testing.T) {
	gitlab := parts.NewGitLab(t)
	for name, test := range map[string]struct{ token, want string }{
		"a reporter":          {gitlab.NewUser("carol"), "may not"},
		"a token for reading": {gitlab.NewToken(gitlab.User, "read_api"), "may not"},
	} {
		o := offer(t, gitlabs(gitlab), "", nil)
		h := o.hub.(*atGitLab)
		h.Member("carol", parts.GitLabReporter)
		o.texts = strings.Replace(o.texts, "KEYS", "{username: bot, password: "+test.token+"}", 1)
		o.with("")
		r := o.says("0 error")[0]
		if !strings.Contains(r.Error, test.want) || len(o.hub.pulls()) > 0 || o.Repo.Head("pinsetter/apps") != "" {
			t.Errorf("%s: %v", name, r.Err)
		}
	}
}
