//go:build e2e

package bot_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/parts"
)

func TestAllProposalsAtGitea(t *testing.T) {
	open := giteas(parts.NewGitea(t))
	for name, story := range stories {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // most of the time is Gitea's
			story(t, open)
		})
	}
}

func TestPushToAProtectedBranchNamesTheWayOut(t *testing.T) {
	o := offer(t, giteas(parts.NewGitea(t)), "", nil)
	h := o.hub.(*atGitea)
	h.gitea.Must(http.MethodPost, h.API+"/branch_protections", map[string]any{"rule_name": "main", "enable_push": false}, nil)
	o.texts = o.texts[:strings.LastIndex(o.texts, "---")]
	o.with("")
	r := o.says("0 error")[0]
	if !strings.Contains(r.Error, "PullRequest") || !strings.Contains(r.Error, "apps") {
		t.Errorf("%v", r.Error)
	}
}
