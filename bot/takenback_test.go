package bot_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/parts"
)

// What the forge was to merge by itself is taken back when a gate refuses it,
// somebody comes to the branch, or the object doesn't ask for it any more.
func TestAutoMergeIsTakenBack(t *testing.T) {
	for name, then := range map[string]func(*offers){
		"a gate refuses it": func(o *offers) {
			o.with("autoMerge: true", aGate+"{hold: [{tags: [1.1.0], reason: broken}]}\n")
		},
		"somebody's commit":     func(o *offers) { o.hand("pinsetter/apps", "wip.txt", "x") },
		"it is switched off":    func(o *offers) { o.with("") },
		"nothing is remembered": func(o *offers) { o.State += ".new"; o.hand("pinsetter/apps", "wip.txt", "x") },
	} {
		t.Run(name, func(t *testing.T) {
			o := offer(t, gitlabs(parts.NewGitLab(t)), "", nil)
			h := o.hub.(*atGitLab)
			o.says("created#1 1")
			h.Pipeline(o.Repo.Head("pinsetter/apps"), "running")
			o.with("autoMerge: true")
			o.says("unchanged#1 0")
			then(o)
			o.all()
			h.Pipeline(o.Repo.Head("pinsetter/apps"), "success")
			if p := h.pulls()[0]; p.State != "open" {
				t.Errorf("the forge merges it: %+v", p)
			}
		})
	}
}

// GitHub goes on with its auto-merge when somebody pushes, so that which an
// earlier version asked for is taken back, and what the rules allow is merged by
// the bot.
func TestAutoMergeOfGitHubIsTakenBack(t *testing.T) {
	o := offer(t, githubs(parts.NewGitHub(t)), "", nil)
	h := o.hub.(*atGitHub)
	h.Set(parts.GitHubSettings{AutoMerge: true})
	o.says("created#1 1")
	h.SetMergeable(1, "blocked")
	h.Edit(1, func(p *parts.GitHubPull) { p.AutoMerge = true })
	o.with("autoMerge: true")
	o.says("unchanged#1 0")
	o.hand("pinsetter/apps", "wip.txt", "x")
	h.SetMergeable(1, "clean")
	o.says("unchanged#1 0")
	if h.Pull(1).Merged {
		t.Error("somebody's commit is merged")
	}
}

// Gitea keeps no commit with what it is to merge later: that is taken back, whoever
// asked for it, and not asked for.
func TestAutoMergeOfGiteaIsTakenBack(t *testing.T) {
	o := offer(t, giteas(parts.NewGitea(t)), "", nil)
	h := o.hub.(*atGitea)
	o.says("created#1 1")
	h.gitea.Must(http.MethodPost, h.API+"/branch_protections", map[string]any{
		"rule_name": "main", "enable_status_check": true, "status_check_contexts": []string{"ci"},
	}, nil)
	scheduled := func() bool {
		return h.gitea.Do(http.MethodDelete, h.API+"/pulls/1/merge", nil, nil) != http.StatusNotFound
	}
	parts.Until(t, "Gitea looks for conflicts", func() bool {
		return h.gitea.Do(http.MethodPost, h.API+"/pulls/1/merge", map[string]any{"Do": "merge", "merge_when_checks_succeed": true}, nil) == http.StatusCreated
	})
	o.with("autoMerge: true")
	o.forgetful("unchanged#1 0")
	if scheduled() {
		t.Error("Gitea is to merge it by itself")
	}
	h.gitea.Must(http.MethodPost, h.API+"/statuses/"+o.Repo.Head("pinsetter/apps"), map[string]any{"state": "success", "context": "ci"}, nil)
	parts.Until(t, "it is merged", func() bool {
		o.all()
		return strings.Contains(o.Repo.File("main", "a.yaml"), "app:1.1.0")
	})
}
