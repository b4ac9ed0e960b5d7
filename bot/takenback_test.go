package bot_test

import (
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
		"nothing is remembered": func(o *offers) { o.state += ".new"; o.hand("pinsetter/apps", "wip.txt", "x") },
	} {
		t.Run(name, func(t *testing.T) {
			o := offer(t, githubs(parts.NewGitHub(t)), "", nil)
			h := o.hub.(*atGitHub)
			h.Set(parts.GitHubSettings{AutoMerge: true})
			o.says("created#1 1")
			h.SetMergeable(1, "blocked")
			o.with("autoMerge: true")
			o.says("unchanged#1 0")
			then(o)
			o.all()
			h.SetMergeable(1, "clean")
			if h.Pull(1).Merged {
				t.Error("the forge merges it")
			}
		})
	}
}
