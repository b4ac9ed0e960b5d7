package notify

import (
	"net/http"
	"testing"

	"github.com/pinsetter/pinsetter/parts"
)

// TestGitea: a real forge takes the status of a commit.
func TestGitea(t *testing.T) {
	gitea := parts.NewGitea(t)
	repository := gitea.NewRepository("bot/fleet", map[string]string{"a.yaml": "a: 1\n"})
	e := pushed()
	e.Repository = "127.0.0.1/bot/fleet"
	e.Commit = repository.Commit(parts.Commit{Tree: parts.Tree{Files: map[string]string{"a.yaml": "a: 2\n"}}, Message: "Change"})
	set := load(t, "type: gitea, address: '"+repository.URL+"'", "token: '"+gitea.NewToken("bot", "write:repository")+"'", "")
	if d := tell(t, set, e); len(d.errors) > 0 {
		t.Fatal(d.errors)
	}
	var statuses []struct{ Status, Context, Description string }
	gitea.Must(http.MethodGet, repository.API+"/commits/"+e.Commit+"/statuses", nil, &statuses)
	if len(statuses) != 1 || statuses[0].Status != "success" || statuses[0].Context != "pinsetter/team/web" || statuses[0].Description != e.Summary {
		t.Errorf("%+v", statuses)
	}
}
