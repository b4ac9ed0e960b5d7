package forge_test

import (
	"errors"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/forge"
	"github.com/pinsetter/pinsetter/parts"
)

// TestGitHubClientAtGitea is a second opinion on what the client of GitHub sends:
// Gitea's API is modelled on GitHub's, and keeps a state of its own. It is at
// another path.
func TestGitHubClientAtGitea(t *testing.T) {
	g := parts.NewGitea(t)
	r := g.NewRepository("acme/app", map[string]string{"a.yaml": "a: 1\n"})
	to, err := url.Parse(g.URL)
	if err != nil {
		t.Fatal(err)
	}
	front := parts.Serve(t, &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		p.SetURL(to)
		p.Out.URL.Path = strings.Replace(p.In.URL.Path, "/api/v3/", "/api/v1/", 1)
	}}, parts.FrontOptions{})
	s := &stand{T: t, gitea: g, repository: r}
	s.forge = (&hub{T: t}).open(front.URL+"/acme/app", g.Token)
	head := s.push("pinsetter/web", "a: 2\n")

	pr := s.create(proposal)
	if pr.State != forge.StateOpen || pr.HeadHash != head || pr.Body != proposal.Body || s.look(pr).Title != proposal.Title {
		t.Errorf("%+v", pr)
	}
	for _, known := range []*forge.PullRequest{nil, pr} {
		if got := s.find(known); got == nil || got.Number != pr.Number {
			t.Errorf("%+v", got)
		}
	}
	// Gitea says 409 where GitHub says 422: the client doesn't know what that
	// means, and opens no second one.
	if _, err := s.forge.Create(t.Context(), proposal); !errors.Is(err, forge.ErrInvalid) || !strings.Contains(err.Error(), "already exists") {
		t.Errorf("created again: %v", err)
	}
	p := proposal
	p.Title, p.Body = "Another", "x"
	if got, changed, err := s.forge.Update(t.Context(), pr, p); err != nil || !changed || got.Title != p.Title || s.look(pr).Body != p.Body {
		t.Errorf("%+v %v %v", got, changed, err)
	}
	got, err := s.forge.Commits(t.Context(), pr)
	if err != nil || len(got) != 1 || got[0].Hash != head || got[0].AuthorName != "A Human" {
		t.Errorf("%+v %v", got, err)
	}
	for range 2 {
		if err := s.forge.CommentOnce(t.Context(), pr, "k", "Here."); err != nil {
			t.Error(err)
		}
	}
	closed, err := s.forge.Close(t.Context(), pr, "Gone.")
	if err != nil || closed.State != forge.StateClosed || !closed.Ours {
		t.Errorf("%+v %v", closed, err)
	}
	if seen := s.look(pr); seen.State != "closed" || seen.Comments != 2 {
		t.Errorf("%+v", seen)
	}
	if got := s.find(nil); got == nil || !got.Ours {
		t.Errorf("%+v", got)
	}
	status := g.Do(http.MethodPatch, r.API, map[string]any{"archived": true}, nil)
	if err := s.forge.CommentOnce(t.Context(), pr, "late", "x"); status != http.StatusOK || !errors.Is(err, forge.ErrArchived) {
		t.Errorf("archived: %v", err)
	}
}
