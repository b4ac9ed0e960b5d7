package notify

import (
	"net/http"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/parts"
)

// TestGitea: a real forge takes the status of a commit, and a comment.
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

	// A pull request is an issue to this API.
	gitea.Must(http.MethodPost, repository.API+"/issues", map[string]any{"title": "Update web"}, nil)
	e.Kind, e.PullRequest = pinsetter.EventProposed, repository.URL+"/pulls/1"
	set = load(t, "type: giteapullrequestcomment, address: '"+repository.URL+"'", "token: '"+gitea.NewToken("bot", "write:issue")+"'", "")
	if d := tell(t, set, e); len(d.errors) > 0 {
		t.Fatal(d.errors)
	}
	var comments []struct{ Body string }
	gitea.Must(http.MethodGet, repository.API+"/issues/1/comments", nil, &comments)
	if len(comments) != 1 || !strings.Contains(comments[0].Body, `web 1.0.0 -\> 1.1.0 in apps/web.yaml`) {
		t.Errorf("%+v", comments)
	}
}
