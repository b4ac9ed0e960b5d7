package forge_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/forge"
	"github.com/pinsetter/pinsetter/parts"
)

// hub is a repository at a double of GitHub, with a branch to propose.
type hub struct {
	*testing.T
	github     *parts.GitHub
	repository *parts.GitHubRepository
	forge      *forge.Repository
	slept      []time.Duration
}

func newHub(t *testing.T) *hub {
	t.Helper()
	g := parts.NewGitHub(t)
	h := &hub{T: t, github: g, repository: g.NewRepository("acme/app", map[string]string{"a.yaml": "a: 1\n"})}
	h.forge = h.open(h.repository.URL, h.token("repo"))
	h.push("pinsetter/web", "a: 2\n")
	return h
}

func (h *hub) token(scopes ...string) string { return h.github.NewToken("bot", scopes...) }

func (h *hub) open(url, token string) *forge.Repository {
	h.Helper()
	r, err := forge.Open(&fleet.Forge{Provider: fleet.ForgeGitHub, URL: url, Token: pinsetter.NewSecret("token", token)}, h.options())
	if err != nil {
		h.Fatal(err)
	}
	return r
}

// options have pauses noted and not made.
func (h *hub) options() forge.Options {
	return forge.Options{Sleep: func(_ context.Context, d time.Duration) error {
		h.slept = append(h.slept, d)
		return nil
	}}
}

func (h *hub) push(branch, content string) string {
	h.Helper()
	tree := parts.Tree{Files: map[string]string{"a.yaml": content}}
	return h.repository.Commit(parts.Commit{Branch: branch, From: "main", Message: "Set a\n\nTrailer: x", Tree: tree})
}

func (h *hub) create(p forge.Proposal) *forge.PullRequest {
	h.Helper()
	pr, err := h.forge.Create(h.Context(), p)
	if err != nil {
		h.Fatal(err)
	}
	return pr
}

func (h *hub) find(known *forge.PullRequest) *forge.PullRequest {
	h.Helper()
	pr, err := h.forge.Find(h.Context(), "pinsetter/web", "main", known)
	if err != nil {
		h.Fatal(err)
	}
	return pr
}

// withoutETag drops what only an answer to the pull request itself has.
func withoutETag(pr *forge.PullRequest) *forge.PullRequest {
	copied := *pr
	copied.ETag = ""
	return &copied
}

func TestGitHubCreatesOnceAndUpdates(t *testing.T) {
	h := newHub(t)
	if pr := h.find(nil); pr != nil {
		t.Fatalf("found %+v", pr)
	}
	pr := h.create(proposal)
	want := &forge.PullRequest{
		Number: 1, URL: h.github.URL + "/acme/app/pull/1", State: forge.StateOpen,
		Head: "pinsetter/web", HeadHash: h.repository.Head("pinsetter/web"), Base: "main",
		Title: proposal.Title, Body: proposal.Body,
	}
	for _, got := range []*forge.PullRequest{pr, h.find(nil), withoutETag(h.find(pr))} {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	again := proposal
	again.Title += " and 2"
	if got := h.create(again); got.Number != 1 || got.Title != again.Title {
		t.Errorf("created again: %+v", got)
	}
	again.Body = strings.Repeat("Ä", forge.MaxBody/2)
	again.Title = strings.Repeat("図", 300)
	pr, changed, err := h.forge.Update(t.Context(), h.find(pr), again)
	if err != nil || !changed || pr.Body != again.Body {
		t.Fatalf("%v %v", changed, err)
	}
	if _, changed, err := h.forge.Update(t.Context(), h.find(pr), again); err != nil || changed {
		t.Errorf("updated to the same: %v %v", changed, err)
	}
	again.Body += "x"
	if _, _, err := h.forge.Update(t.Context(), pr, again); !errors.Is(err, forge.ErrInvalid) {
		t.Errorf("a long body: %v", err)
	}
}

func TestGitHubAnswersConditionallyToOneRequest(t *testing.T) {
	h := newHub(t)
	made := h.create(proposal)
	if made.ETag != "" || h.find(nil).ETag != "" {
		t.Error("the ETag of another answer is taken for the pull request's")
	}
	known := h.find(made)
	before := len(h.github.Log.All())
	if got := h.find(known); got != known {
		t.Errorf("%+v", got)
	}
	sent := h.github.Log.All()[before:]
	if len(sent) != 1 || sent[0].Status != http.StatusNotModified {
		t.Errorf("%+v", sent)
	}
	h.repository.Edit(1, func(pr *parts.GitHubPull) { pr.Title = "By hand" })
	if got := h.find(known); got.Title != "By hand" || got.ETag == known.ETag {
		t.Errorf("%+v", got)
	}
}

func TestGitHubFinishesACreation(t *testing.T) {
	h := newHub(t)
	p := proposal
	p.Labels, p.Assignees, p.Reviewers = []string{"images"}, []string{"alice"}, []string{"nobody", "acme/ops"}
	_, err := h.forge.Create(t.Context(), p)
	if err == nil || !strings.Contains(err.Error(), "is not a collaborator") {
		t.Fatalf("%v", err)
	}
	pr := h.find(nil)
	if !strings.Contains(pr.Body, "pinsetter:new") {
		t.Fatalf("%+v", pr)
	}
	p.Reviewers, p.Assignees = []string{"carol", "acme/ops"}, []string{"alice", "nobody"}
	_, _, err = h.forge.Update(t.Context(), pr, p)
	if err == nil || !strings.Contains(err.Error(), `"nobody" can't be assigned`) {
		t.Fatalf("%v", err)
	}
	p.Assignees = []string{"Alice", "alice"}
	pr, changed, err := h.forge.Update(t.Context(), h.find(nil), p)
	if err != nil || !changed || pr.Body != p.Body {
		t.Fatalf("%+v %v %v", pr, changed, err)
	}
	h.repository.Edit(1, func(pr *parts.GitHubPull) { pr.Labels = nil })
	if _, changed, err := h.forge.Update(t.Context(), pr, p); changed || err != nil {
		t.Errorf("once more: %v %v", changed, err)
	}
	got := h.repository.Pull(1)
	if diff := cmp.Diff([]string{"carol", "acme/ops"}, got.Reviewers); diff != "" || len(got.Labels) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestGitHubClosesAndFindsTheNewest(t *testing.T) {
	h := newHub(t)
	pr := h.create(proposal)
	closed, err := h.forge.Close(t.Context(), pr, "Nothing is left to propose.")
	if err != nil || closed.State != forge.StateClosed || !closed.Ours {
		t.Fatalf("%+v %v", closed, err)
	}
	for _, known := range []*forge.PullRequest{nil, pr, closed} {
		if got := h.find(known); !got.Ours || got.State != forge.StateClosed || got.HeadHash != pr.HeadHash {
			t.Errorf("%+v", got)
		}
	}
	if _, err := h.forge.Close(t.Context(), pr, "Again."); err != nil || len(h.repository.Pull(1).Comments) != 1 {
		t.Errorf("%v, %q", err, h.repository.Pull(1).Comments)
	}
	second := h.create(proposal)
	if got := h.find(nil); got.Number != second.Number || got.State != forge.StateOpen {
		t.Errorf("%+v", got)
	}
	h.repository.Edit(second.Number, func(pr *parts.GitHubPull) { pr.State = "closed" })
	if got := h.find(nil); got.Number != second.Number || got.Ours || got.State != forge.StateClosed {
		t.Errorf("%+v", got)
	}
	h.repository.Commit(parts.Commit{Branch: "rel/1", From: "main"})
	p := proposal
	p.Base = "rel/1"
	third := h.create(p)
	if got, err := h.forge.Find(t.Context(), p.Head, p.Base, second); err != nil || got.Number != third.Number {
		t.Errorf("another base: %+v %v", got, err)
	}
	h.repository.DeleteBranch(p.Head)
	if got, err := h.forge.Find(t.Context(), p.Head, p.Base, third); err != nil || got.State != forge.StateClosed || got.HeadHash != third.HeadHash {
		t.Errorf("without the branch: %+v %v", got, err)
	}
}

func TestGitHubForksAreNotOurs(t *testing.T) {
	h := newHub(t)
	number := h.repository.ForkPull("acme", "pinsetter/web", "main")
	if pr := h.find(nil); pr != nil {
		t.Errorf("%+v", pr)
	}
	if pr := h.find(&forge.PullRequest{Number: number, Head: "pinsetter/web", Base: "main"}); pr != nil {
		t.Errorf("by number: %+v", pr)
	}
	if pr := h.create(proposal); pr.Number != 2 {
		t.Errorf("%+v", pr)
	}
}

func TestGitHubFollowsARepositoryThatWasMoved(t *testing.T) {
	h := newHub(t)
	pr := h.create(proposal)
	h.repository.Rename("acme/renamed")
	if got := h.find(pr); got.Number != 1 || !strings.Contains(got.URL, "/renamed/") {
		t.Errorf("%+v", got)
	}
	h.repository.Rename("other/moved")
	if got := h.find(nil); got == nil || got.Number != 1 || !strings.Contains(got.URL, "/other/moved/") {
		t.Errorf("%+v", got)
	}
	p := proposal
	p.Title = "Another"
	if got := h.create(p); got.Number != 1 || got.Title != p.Title {
		t.Errorf("%+v", got)
	}
	h.repository.Edit(1, func(pr *parts.GitHubPull) { pr.State = "closed" })
	if got := h.create(p); got.Number != 2 {
		t.Errorf("%+v", got)
	}
}

func TestGitHubCommentsOnceAndListsCommits(t *testing.T) {
	h := newHub(t)
	pr := h.create(proposal)
	h.repository.Edit(1, func(pr *parts.GitHubPull) { pr.Comments = make([]string, 120) })
	for _, key := range []string{"foreign-commit", "foreign-commit", "other"} {
		if err := h.forge.CommentOnce(t.Context(), pr, key, "Somebody committed here."); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(h.repository.Pull(1).Comments); n != 122 {
		t.Errorf("%d comments", n)
	}
	first := h.repository.Head("pinsetter/web")
	second := h.repository.Commit(parts.Commit{Branch: "pinsetter/web", Author: "Alice <alice@example.test>", Message: "By hand"})
	got, err := h.forge.Commits(t.Context(), pr)
	if err != nil || len(got) != 2 || got[0].Hash != first || !strings.Contains(got[0].Message, "\nTrailer: x") {
		t.Fatalf("%+v %v", got, err)
	}
	want := forge.Commit{
		Hash: second, Message: "By hand", AuthorName: "Alice", AuthorEmail: "alice@example.test",
		CommitterName: "Alice", CommitterEmail: "alice@example.test", Parents: []string{first},
	}
	if diff := cmp.Diff(want, got[1]); diff != "" {
		t.Error(diff)
	}
	for range 100 {
		h.repository.Commit(parts.Commit{Branch: "pinsetter/web"})
	}
	if got, err := h.forge.Commits(t.Context(), pr); err != nil || len(got) != 102 || got[0].Hash != first {
		t.Errorf("%d commits, %v", len(got), err)
	}
}

func TestGitHubRefusals(t *testing.T) {
	h := newHub(t)
	reader := h.github.NewFineGrainedToken("bot", map[string]string{"pull_requests": "read"}, h.repository)
	h.repository.Git("branch", "same", "main")
	same, gone, base := proposal, proposal, proposal
	same.Head, gone.Head, base.Base = "same", "no-such-branch", "no-such-base"
	for name, test := range map[string]struct {
		forge *forge.Repository
		p     forge.Proposal
		want  error
		says  string
	}{
		"a bad token":         {h.open(h.repository.URL, "ghp_0123456789"), proposal, forge.ErrAuth, "Bad credentials"},
		"a token for reading": {h.open(h.repository.URL, reader), proposal, forge.ErrForbidden, "pull_requests=write"},
		"no repository":       {h.open(h.github.URL+"/acme/none", h.token("repo")), proposal, forge.ErrNotFound, "acme/none"},
		"another's scope":     {h.open(h.repository.URL, h.token("gist")), proposal, forge.ErrNotFound, "acme/app"},
		"equal branches":      {h.forge, same, forge.ErrInvalid, "No commits between main and same"},
		"no such branch":      {h.forge, gone, forge.ErrNotFound, `no branch "no-such-branch"`},
		"no such base":        {h.forge, base, forge.ErrNotFound, `no branch "no-such-base"`},
	} {
		_, err := test.forge.Create(t.Context(), test.p)
		if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "ghp_") {
			t.Errorf("%s: %v", name, err)
		}
	}
	pr := h.create(proposal)
	h.repository.Archive()
	if err := h.forge.CommentOnce(t.Context(), pr, "a", "A"); !errors.Is(err, forge.ErrArchived) {
		t.Errorf("archived: %v", err)
	}
	if _, err := h.forge.Create(t.Context(), proposal); !errors.Is(err, forge.ErrArchived) {
		t.Errorf("archived: %v", err)
	}
}

func TestGitHubsWordsForAPermissionAreShown(t *testing.T) {
	h := newHub(t)
	pr := h.create(proposal)
	for want, header := range map[string]map[string]string{
		"it takes: contents=read":                              {"X-Accepted-GitHub-Permissions": "contents=read"},
		`the token's scopes are "gist"; it takes one of: repo`: {"X-Accepted-OAuth-Scopes": "repo", "X-OAuth-Scopes": "gist"},
	} {
		h.github.Fail(parts.GitHubFault{Request: "GET /repos/{owner}/{repo}/pulls/{pull_number}", Status: http.StatusForbidden, Header: header, Body: `{"message":"no"}`})
		if _, err := h.forge.Find(t.Context(), pr.Head, pr.Base, pr); !errors.Is(err, forge.ErrForbidden) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v", err)
		}
	}
}

func TestGitHubsOddAnswersAreErrors(t *testing.T) {
	h := newHub(t)
	for _, body := range []string{`{}`, `null`, `{"head":{"repo":null},"base":{}}`} {
		h.github.Fail(parts.GitHubFault{Request: "POST /repos/{owner}/{repo}/pulls", Status: http.StatusCreated, Body: body})
		if _, err := h.forge.Create(t.Context(), proposal); err == nil {
			t.Errorf("%s is a pull request", body)
		}
	}
}

// TestGitHubWritesAreASecondApart: GitHub counts by who asks, and not by
// repository.
func TestGitHubWritesAreASecondApart(t *testing.T) {
	h := newHub(t)
	o := h.options()
	o.Now = func() time.Time { return time.Unix(1000, 0) }
	o.Tokens = forge.NewTokens(o)
	token := h.token("repo")
	for i, want := range [][]time.Duration{nil, {time.Second}, {time.Second, time.Second}} {
		r, err := forge.Open(&fleet.Forge{Provider: fleet.ForgeGitHub, URL: h.repository.URL, Token: pinsetter.NewSecret("token", token)}, o)
		if err != nil {
			t.Fatal(err)
		}
		p := proposal
		p.Head = fmt.Sprintf("pinsetter/%d", i)
		h.push(p.Head, p.Head)
		if _, err := r.Create(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, h.slept); diff != "" {
			t.Error(diff)
		}
	}
}

func TestGitHubIsAskedPolitely(t *testing.T) {
	const create, get = "POST /repos/{owner}/{repo}/pulls", "GET /repos/{owner}/{repo}/pulls/{pull_number}"
	h := newHub(t)
	pr := h.create(proposal)
	for _, fault := range []parts.GitHubFault{
		{Request: get, Status: http.StatusBadGateway, Times: 2},
		{Request: get, Times: 2}, // the connection breaks
		{Request: get, Status: http.StatusForbidden, Header: map[string]string{"Retry-After": "7"}},
		{Request: get, Status: http.StatusTooManyRequests, Header: map[string]string{"Retry-After": "7"}},
	} {
		h.slept = nil
		h.github.Fail(fault)
		if got := h.find(pr); got.Number != 1 || len(h.slept) == 0 || fault.Header != nil && h.slept[0] != 7*time.Second {
			t.Errorf("%+v: %+v, slept %v", fault, got, h.slept)
		}
	}
	reset := time.Now().Add(20 * time.Minute).Truncate(time.Second)
	for _, fault := range []struct {
		parts.GitHubFault
		least time.Duration
	}{
		{parts.GitHubFault{Status: 403, Header: map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": unix(reset)}}, 19 * time.Minute},
		{parts.GitHubFault{Status: 403, Header: map[string]string{"Retry-After": "90"}}, 89 * time.Second},
		{parts.GitHubFault{Status: 403, Body: `{"message":"You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}`}, 59 * time.Second},
	} {
		fault.Request = get
		h.github.Fail(fault.GitHubFault)
		h.forge = h.open(h.repository.URL, h.token("repo"))
		for range 2 { // the second time nothing is asked
			_, err := h.forge.Find(t.Context(), pr.Head, pr.Base, pr)
			var limit *forge.RateLimitError
			if !errors.As(err, &limit) || time.Until(limit.Until) < fault.least || time.Until(limit.Until) > fault.least+2*time.Minute {
				t.Errorf("%+v: %v", fault, err)
			}
		}
	}
	h.forge = h.open(h.repository.URL, h.token("repo"))
	h.slept = nil
	h.push("pinsetter/b", "a: 3\n")
	p := proposal
	p.Head = "pinsetter/b"
	h.github.Fail(parts.GitHubFault{Request: create, Status: http.StatusBadGateway, Done: true})
	if _, err := h.forge.Create(t.Context(), p); err == nil {
		t.Error("a creation that failed midway was repeated")
	}
	if pr := h.create(p); pr.Number != 2 || len(h.slept) == 0 || h.slept[0] > time.Second {
		t.Errorf("%+v, slept %v", pr, h.slept)
	}
}

func unix(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }
