package forge_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/forge"
	"github.com/pinsetter/pinsetter/login"
	"github.com/pinsetter/pinsetter/parts"
)

func TestGitLabsProjectMoves(t *testing.T) {
	l := newLab(t)
	l.project.Rename("acme/other/moved")
	pr := l.create(proposal) // at the old path
	if got := l.find(pr); got == nil || !strings.Contains(got.URL, "/acme/other/moved/") {
		t.Errorf("%+v", got)
	}
	p := proposal
	p.Title = "Another"
	if got, changed, err := l.open(l.gitlab.URL+"/acme/team.a/sub/app", l.gitlab.Token).Update(t.Context(), pr, p); err != nil || !changed || got.Title != p.Title {
		t.Errorf("%+v %v %v", got, changed, err)
	}
}

func TestGitLabRefuses(t *testing.T) {
	l := newLab(t)
	l.gitlab.NewUser("dave")
	l.project.Member("dave", parts.GitLabReporter)
	l.project.Git("branch", "same", "main")
	change := func(f func(*forge.Proposal)) forge.Proposal {
		p := proposal
		f(&p)
		return p
	}
	for name, test := range map[string]struct {
		forge *forge.Repository
		p     forge.Proposal
		want  error
		says  string
	}{
		"a bad token":         {l.open(l.project.URL, "glpat-0123456789"), proposal, forge.ErrAuth, "401"},
		"a token for reading": {l.open(l.project.URL, l.gitlab.NewToken("bot", "read_api")), proposal, forge.ErrForbidden, "insufficient_scope"},
		"a reporter":          {l.open(l.project.URL, l.gitlab.NewToken("dave", "api")), proposal, forge.ErrForbidden, "role Developer"},
		"no project":          {l.open(l.gitlab.URL+"/acme/none", l.gitlab.Token), proposal, forge.ErrNotFound, "Project Not Found"},
		"one branch":          {l.forge, change(func(p *forge.Proposal) { p.Head = "main" }), forge.ErrInvalid, "two branches"},
		"equal branches":      {l.forge, change(func(p *forge.Proposal) { p.Head = "same" }), forge.ErrInvalid, "no difference"},
		"no such branch":      {l.forge, change(func(p *forge.Proposal) { p.Head = "gone" }), forge.ErrNotFound, `branch "gone"`},
		"a label":             {l.forge, change(func(p *forge.Proposal) { p.Labels = []string{"a,b"} }), forge.ErrInvalid, `"a,b"`},
		"a group":             {l.forge, change(func(p *forge.Proposal) { p.Reviewers = []string{"acme/team"} }), forge.ErrInvalid, "no groups"},
	} {
		_, err := test.forge.Create(t.Context(), test.p)
		if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "glpat-") {
			t.Errorf("%s: %v", name, err)
		}
	}
	pr := l.find(nil)
	l.project.Archive()
	if err := l.forge.CommentOnce(t.Context(), pr, "a", "A"); !errors.Is(err, forge.ErrArchived) {
		t.Errorf("comment: %v", err)
	}
	if _, err := l.forge.Close(t.Context(), pr, "A"); !errors.Is(err, forge.ErrArchived) {
		t.Errorf("close: %v", err)
	}
}

func TestGitLabsJobTokensOpenNothing(t *testing.T) {
	const url = "https://gitlab.example.test/a/b"
	environment := map[string]string{"CI_JOB_TOKEN": "t", "CI_SERVER_URL": "https://gitlab.example.test"}
	for name, token := range map[string]pinsetter.Secret{
		"from the environment": {},
		"from a Secret":        pinsetter.NewSecret("secret a/b, key token", "glcbt-64_x"),
	} {
		_, err := forge.Open(&fleet.Forge{Provider: fleet.ForgeGitLab, URL: url, Token: token}, forge.Options{
			Environment: login.Environment{Getenv: func(name string) string { return environment[name] }},
		})
		if !errors.Is(err, forge.ErrForbidden) || !strings.Contains(err.Error(), "CI job") || strings.Contains(err.Error(), "glcbt") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestGitLabsPace(t *testing.T) {
	l := newLab(t)
	pr := l.create(proposal)
	get := parts.GitLabFault{Method: http.MethodGet, Path: "/merge_requests/1"}
	get.Status, get.Header = http.StatusTooManyRequests, map[string]string{"Retry-After": "7"}
	l.gitlab.Fail(get)
	get.Status, get.Header = http.StatusBadGateway, nil
	l.gitlab.Fail(get)
	if got := l.find(pr); got.Number != 1 || !slices.Equal(l.slept, []time.Duration{7 * time.Second, 2 * time.Second}) {
		t.Errorf("%+v %v", got, l.slept)
	}
	l.gitlab.Fail(parts.GitLabFault{Method: http.MethodPost, Path: "/notes", Status: http.StatusBadGateway})
	if err := l.forge.CommentOnce(t.Context(), pr, "k", "text"); err == nil || !strings.Contains(err.Error(), "502") {
		t.Errorf("%v", err)
	}
	l.gitlab.Fail(parts.GitLabFault{
		Method: http.MethodPost, Path: "/notes", Status: http.StatusBadRequest,
		Body: `{"message":{"note":["can't be blank","is too long"],"base":["no"]}}`,
	})
	if err := l.forge.CommentOnce(t.Context(), pr, "k", "text"); err == nil || !strings.Contains(err.Error(), "base no; note can't be blank, is too long") {
		t.Errorf("%v", err)
	}
	reset := time.Now().Add(time.Hour).Truncate(time.Second)
	get.Status, get.Header = http.StatusTooManyRequests, map[string]string{"RateLimit-Remaining": "0", "RateLimit-Reset": fmt.Sprint(reset.Unix())}
	l.gitlab.Fail(get)
	// It is asked nothing more before that.
	_, err := l.forge.Find(t.Context(), "pinsetter/web", "main", pr)
	if limit := (*forge.RateLimitError)(nil); !errors.As(err, &limit) || limit.Until.Sub(reset).Abs() > time.Minute {
		t.Errorf("%v", err)
	}
}

func TestGitLabsEmptyAnswers(t *testing.T) {
	l := newLab(t)
	pr := l.create(proposal)
	for _, body := range []string{"null", "", "[]", "[null]", "{"} {
		l.gitlab.Fail(parts.GitLabFault{Method: http.MethodGet, Path: "/merge_requests/1", Status: http.StatusOK, Body: body})
		if _, err := l.forge.Find(t.Context(), "pinsetter/web", "main", pr); err == nil {
			t.Errorf("get: %s", body)
		}
	}
	for _, body := range []string{"[null]", "{}"} {
		l.gitlab.Fail(parts.GitLabFault{Method: http.MethodGet, Path: "/merge_requests", Status: http.StatusOK, Body: body})
		if _, err := l.forge.Find(t.Context(), "pinsetter/web", "main", nil); err == nil {
			t.Errorf("find: %s", body)
		}
	}
	l.gitlab.Fail(parts.GitLabFault{Method: http.MethodPut, Path: "/merge_requests/1", Status: http.StatusOK, Body: "null"})
	p := proposal
	p.Title = "Another"
	if _, _, err := l.forge.Update(t.Context(), pr, p); err == nil {
		t.Error("update")
	}
	p.Head, p.Reviewers = "pinsetter/other", []string{"alice"}
	l.push(p.Head, "a: 7\n")
	l.gitlab.Fail(parts.GitLabFault{Method: http.MethodGet, Path: "/merge_requests/2", Status: http.StatusOK, Body: `{"reviewers":[null]}`})
	if got := l.create(p); got.Number != 2 {
		t.Errorf("%+v", got)
	}
}
