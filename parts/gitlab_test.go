package parts

import (
	"net/http"
	"strings"
	"testing"
)

func TestGitLabServesGitToTokens(t *testing.T) {
	g := NewGitLab(t)
	p := g.NewProject("acme/sub/app", map[string]string{"a.yaml": "a: 1\n"})
	as := func(token string) string {
		return strings.Replace(p.URL, "http://", "http://oauth2:"+token+"@", 1)
	}
	work := clone(t, g.git, as(g.Token))
	if _, err := work("push", "-q", "origin", "main:bump"); err != nil || p.Head("bump") != p.Head("main") {
		t.Errorf("%v", err)
	}
	if _, err := g.git.run(g.git.Root, nil, "ls-remote", as("glpat-none")); err == nil {
		t.Error("a bad token got in")
	}
	if _, err := g.git.run(g.git.Root, nil, "ls-remote", as(g.NewUser("eve"))); err == nil {
		t.Error("who is no member got in")
	}
	p.Rename("acme/moved")
	if _, err := work("fetch", "-q"); err != nil {
		t.Errorf("by the old path: %v", err)
	}
	p.Archive()
	if _, err := work("push", "-q", "origin", "main:late"); err == nil {
		t.Error("an archived project was pushed to")
	}
}

func TestGitLabIsStrict(t *testing.T) {
	for want, ask := range map[string]func(g *GitLab, p *GitLabProject){
		"unknown: GET /api/v4/version": func(g *GitLab, _ *GitLabProject) {
			g.Do(g.Token, http.MethodGet, "/version", nil)
		},
		`unknown parameter "head"`: func(g *GitLab, p *GitLabProject) {
			g.Do(g.Token, http.MethodGet, p.API+"/merge_requests?head=x", nil)
		},
		`unknown field "head"`: func(g *GitLab, p *GitLabProject) {
			g.Do(g.Token, http.MethodPost, p.API+"/merge_requests", map[string]any{"head": "x"})
		},
		"quick action /merge": func(g *GitLab, p *GitLabProject) {
			g.Do(g.Token, http.MethodPost, p.API+"/merge_requests", map[string]any{
				"title": "A", "source_branch": "main", "target_branch": "other", "description": "a\n/merge",
			})
		},
		"never came: GET /users": func(g *GitLab, _ *GitLabProject) {
			g.Fail(GitLabFault{Method: http.MethodGet, Path: "/users", Status: http.StatusBadGateway})
		},
	} {
		err := Run(func(s T) {
			g := NewGitLab(s)
			p := g.NewProject("acme/app", map[string]string{"a": "1"})
			p.Git("branch", "other")
			ask(g, p)
		})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %s", err, want)
		}
	}
}
