package forge_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/forge"
	"github.com/pinsetter/pinsetter/parts"
)

// lab is a project in a subgroup with a branch to propose.
type lab struct {
	*testing.T
	gitlab  *parts.GitLab
	project *parts.GitLabProject
	forge   *forge.Repository
	alice   string // token of a developer
	slept   []time.Duration
}

func newLab(t *testing.T) *lab {
	t.Helper()
	g := parts.NewGitLab(t)
	l := &lab{T: t, gitlab: g, alice: g.NewUser("alice")}
	l.project = g.NewProject("acme/team.a/sub/app", map[string]string{"a.yaml": "a: 1\n"})
	l.project.Member("alice", parts.GitLabDeveloper)
	l.forge = l.open(l.project.URL, g.Token)
	l.push("pinsetter/web", "a: 2\n")
	return l
}

func (l *lab) open(url, token string) *forge.Repository {
	l.Helper()
	r, err := forge.Open(&fleet.Forge{Provider: fleet.ForgeGitLab, URL: url, Token: pinsetter.NewSecret("token", token)}, forge.Options{
		Sleep: func(_ context.Context, d time.Duration) error {
			l.slept = append(l.slept, d)
			return nil
		},
	})
	if err != nil {
		l.Fatal(err)
	}
	return r
}

func (l *lab) push(branch, content string) string {
	l.Helper()
	return l.project.Commit(parts.Commit{Branch: branch, From: "refs/heads/main", Message: "Set a\n\nTrailer: x", Tree: parts.Tree{Files: map[string]string{"a.yaml": content}}})
}

func (l *lab) create(p forge.Proposal) *forge.PullRequest {
	l.Helper()
	pr, err := l.forge.Create(l.Context(), p)
	if err != nil {
		l.Fatal(err)
	}
	return pr
}

func (l *lab) find(known *forge.PullRequest) *forge.PullRequest {
	l.Helper()
	pr, err := l.forge.Find(l.Context(), "pinsetter/web", "main", known)
	if err != nil {
		l.Fatal(err)
	}
	return pr
}

// as sends a request for a merge request as somebody.
func (l *lab) as(token, method string, pr *forge.PullRequest, rest string, in any) {
	l.Helper()
	l.gitlab.Must(token, method, fmt.Sprintf("%s/merge_requests/%d%s", l.project.API, pr.Number, rest), in, nil)
}

// seenAtGitLab is what GitLab shows of a merge request.
type seenAtGitLab struct {
	Title, Description string
	Labels             []string
	Reviewers          []struct{ Username string }
	Assignees          []struct{ Username string }
	Notes              int `json:"user_notes_count"`
}

func (l *lab) look(pr *forge.PullRequest) seenAtGitLab {
	l.Helper()
	var out seenAtGitLab
	l.gitlab.Must(l.gitlab.Token, http.MethodGet, fmt.Sprintf("%s/merge_requests/%d", l.project.API, pr.Number), nil, &out)
	return out
}

func TestGitLabCreatesOnceAndUpdates(t *testing.T) {
	l := newLab(t)
	if pr := l.find(nil); pr != nil {
		t.Fatalf("found %+v", pr)
	}
	pr := l.create(proposal)
	want := &forge.PullRequest{
		Number: 1, URL: l.gitlab.URL + "/acme/team.a/sub/app/-/merge_requests/1", State: forge.StateOpen,
		Head: "pinsetter/web", HeadHash: l.project.Head("pinsetter/web"), Base: "main",
		Title: proposal.Title, Body: proposal.Body,
	}
	if diff := cmp.Diff(want, pr); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(pr, l.find(nil)); diff != "" {
		t.Error(diff)
	}
	again := proposal
	again.Title += " and 2"
	if got := l.create(again); got.Number != 1 || got.Title != again.Title {
		t.Errorf("created again: %+v", got)
	}
	again.Body = strings.Repeat("Ä", forge.MaxBody/2)
	again.Title, again.Draft = strings.Repeat("図", 300), true
	pr, changed, err := l.forge.Update(t.Context(), l.find(pr), again)
	if err != nil || !changed || pr.Body != again.Body {
		t.Fatalf("%v %v", changed, err)
	}
	if _, changed, err := l.forge.Update(t.Context(), l.find(pr), again); err != nil || changed {
		t.Errorf("updated to the same: %v %v", changed, err)
	}
	other := again
	other.Head = "pinsetter/long"
	l.push(other.Head, "a: 3\n")
	if pr := l.create(other); !pr.Draft || len([]rune(l.look(pr).Title)) > 255 {
		t.Errorf("a long title of a draft: %+v", pr)
	}
	again.Body += "x"
	if _, _, err := l.forge.Update(t.Context(), pr, again); !errors.Is(err, forge.ErrInvalid) {
		t.Errorf("a long body: %v", err)
	}
}

func TestGitLabIsAskedForWhatChanged(t *testing.T) {
	l := newLab(t)
	l.create(proposal)
	l.gitlab.Log.Reset()
	first := l.find(l.find(nil))
	if first.ETag == "" || len(l.gitlab.Log.All()) != 2 {
		t.Fatalf("%+v, %d requests", first, len(l.gitlab.Log.All()))
	}
	data, err := json.Marshal(first)
	if err != nil {
		t.Fatal(err)
	}
	var kept forge.PullRequest
	if err := json.Unmarshal(data, &kept); err != nil {
		t.Fatal(err)
	}
	l.gitlab.Log.Reset()
	second := l.find(&kept)
	if requests := l.gitlab.Log.All(); len(requests) != 1 || requests[0].Status != http.StatusNotModified || !cmp.Equal(first, second) {
		t.Errorf("%+v", requests)
	}
	l.as(l.alice, http.MethodPut, second, "", map[string]any{"title": "Another"})
	if got := l.find(second); got.Title != "Another" || got.ETag == first.ETag {
		t.Errorf("%+v", got)
	}
}

func TestGitLabFindsTheNewest(t *testing.T) {
	l := newLab(t)
	closing := map[string]any{"state_event": "close"}
	for range 25 {
		l.as(l.alice, http.MethodPut, l.create(proposal), "", closing)
	}
	if got := l.find(nil); got.Number != 25 || got.State != forge.StateClosed {
		t.Errorf("%+v", got)
	}
	l.as(l.alice, http.MethodPut, &forge.PullRequest{Number: 3}, "", map[string]any{"state_event": "reopen"})
	if got := l.find(nil); got.Number != 3 || got.State != forge.StateOpen {
		t.Errorf("%+v", got)
	}
	l.project.Commit(parts.Commit{Branch: "rel/1", From: "refs/heads/main"})
	if got, err := l.forge.Find(t.Context(), "pinsetter/web", "rel/1", l.find(nil)); got != nil || err != nil {
		t.Errorf("another base: %+v %v", got, err)
	}
	p := proposal
	p.Base = "rel/1"
	if got := l.create(p); got.Base != "rel/1" {
		t.Errorf("a base with a slash: %+v", got)
	}
}

func TestGitLabsForksAreNotOurs(t *testing.T) {
	l := newLab(t)
	fork := l.project.Fork("alice/app")
	l.gitlab.Must(l.alice, http.MethodPost, fork.API+"/merge_requests", map[string]any{
		"source_branch": "pinsetter/web", "target_branch": "main", "title": "Mine", "target_project_id": l.project.ID,
	}, nil)
	if pr := l.find(nil); pr != nil {
		t.Errorf("%+v", pr)
	}
	if pr := l.find(&forge.PullRequest{Number: 1, Head: "pinsetter/web", Base: "main"}); pr != nil {
		t.Errorf("by number: %+v", pr)
	}
	if pr := l.create(proposal); pr.Number != 2 {
		t.Errorf("%+v", pr)
	}
}

func TestGitLabsClosingIsToldApart(t *testing.T) {
	l := newLab(t)
	pr := l.create(proposal)
	closed, err := l.forge.Close(t.Context(), pr, "Nothing is left to propose.")
	if err != nil || closed.State != forge.StateClosed || !closed.Ours {
		t.Fatalf("%+v %v", closed, err)
	}
	l.project.Git("update-ref", "-d", "refs/heads/pinsetter/web")
	for _, known := range []*forge.PullRequest{nil, pr, closed} {
		if got := l.find(known); !got.Ours || got.State != forge.StateClosed || got.HeadHash != pr.HeadHash {
			t.Errorf("%+v", got)
		}
	}
	if _, err := l.forge.Close(t.Context(), pr, "Again."); err != nil || l.look(pr).Notes != 1 {
		t.Errorf("%v, %d notes", err, l.look(pr).Notes)
	}
	l.push("pinsetter/web", "a: 4\n")
	second := l.create(proposal)
	l.as(l.alice, http.MethodPut, second, "", map[string]any{"state_event": "close"})
	if got := l.find(second); got.Ours || got.State != forge.StateClosed {
		t.Errorf("%+v", got)
	}
	if got, err := l.forge.Close(t.Context(), second, "It is gone."); err != nil || got.Ours || l.look(second).Notes != 0 {
		t.Errorf("%+v %v", got, err)
	}
}

func TestGitLabsPeople(t *testing.T) {
	l := newLab(t)
	l.gitlab.NewUser("carol")
	p := proposal
	p.Labels, p.Reviewers, p.Assignees = []string{"images", "v 2"}, []string{"Alice", "nobody"}, []string{"bot"}
	_, err := l.forge.Create(t.Context(), p)
	if !errors.Is(err, forge.ErrNotFound) || !strings.Contains(err.Error(), `user "nobody"`) {
		t.Fatalf("%v", err)
	}
	pr := l.find(nil)
	names := func(users []struct{ Username string }) (all []string) {
		for _, u := range users {
			all = append(all, u.Username)
		}
		return all
	}
	got := l.look(pr)
	if !slices.Equal(got.Labels, p.Labels) || !slices.Equal(names(got.Reviewers), []string{"alice"}) || !slices.Equal(names(got.Assignees), []string{"bot"}) {
		t.Errorf("%+v", got)
	}
	p.Reviewers = []string{"alice", "carol"}
	pr, changed, err := l.forge.Update(t.Context(), pr, p)
	if err != nil || !changed || pr.Body != p.Body {
		t.Fatalf("%+v %v %v", pr, changed, err)
	}
	if got := l.look(pr); !slices.Equal(names(got.Reviewers), []string{"alice", "carol"}) {
		t.Errorf("%+v", got)
	}
	l.as(l.alice, http.MethodPut, pr, "", map[string]any{"labels": "", "reviewer_ids": []int{}})
	p.Title = "Another"
	if _, changed, err := l.forge.Update(t.Context(), l.find(pr), p); err != nil || !changed {
		t.Fatal(changed, err)
	}
	if got := l.look(pr); len(got.Labels)+len(got.Reviewers) != 0 || got.Title != "Another" {
		t.Errorf("what people took away came back: %+v", got)
	}
}

func TestGitLabsDrafts(t *testing.T) {
	l := newLab(t)
	p := proposal
	p.Draft = true
	pr := l.create(p)
	if !pr.Draft || pr.Title != p.Title || l.look(pr).Title != "Draft: "+p.Title {
		t.Fatalf("%+v", pr)
	}
	p.Title = "Another"
	if pr, _, err := l.forge.Update(t.Context(), pr, p); err != nil || !pr.Draft || pr.Title != p.Title {
		t.Errorf("%+v %v", pr, err)
	}
	if what, why, err := l.forge.Merge(t.Context(), pr); what != forge.MergeWaiting || why != "it is a draft" || err != nil {
		t.Errorf("%s %q %v", what, why, err)
	}
	l.as(l.alice, http.MethodPut, pr, "", map[string]any{"title": p.Title})
	if _, changed, err := l.forge.Update(t.Context(), l.find(pr), p); changed || err != nil {
		t.Errorf("made ready by a person: %v %v", changed, err)
	}
	p.Title = "[DRAFT] By its title"
	if pr, _, err := l.forge.Update(t.Context(), l.find(pr), p); err != nil || !pr.Draft {
		t.Errorf("%+v %v", pr, err)
	}
	if _, changed, err := l.forge.Update(t.Context(), l.find(pr), p); changed || err != nil {
		t.Errorf("once more: %v %v", changed, err)
	}
}

// TestGitLabIsGivenNoOrders: the stand-in fails the test for one that it would
// carry out.
func TestGitLabIsGivenNoOrders(t *testing.T) {
	l := newLab(t)
	p := proposal
	p.Body = "Notes:\n/merge\n  /approve\n\\/close\n```\n/etc/passwd\n```\na /label"
	pr := l.create(p)
	if pr.Body != p.Body {
		t.Errorf("%q", pr.Body)
	}
	if _, changed, err := l.forge.Update(t.Context(), l.find(pr), p); changed || err != nil {
		t.Errorf("%v %v", changed, err)
	}
	if err := l.forge.CommentOnce(t.Context(), pr, "k", "/close"); err != nil {
		t.Error(err)
	}
}

func TestGitLabsComments(t *testing.T) {
	l := newLab(t)
	pr := l.create(proposal)
	for _, key := range []string{"foreign-commit", "foreign-commit", "other"} {
		if err := l.forge.CommentOnce(t.Context(), pr, key, "Somebody committed here."); err != nil {
			t.Fatal(err)
		}
	}
	for range 120 {
		l.as(l.alice, http.MethodPost, pr, "/notes", map[string]any{"body": "Hm."})
	}
	if err := l.forge.CommentOnce(t.Context(), pr, "other", "Somebody committed here."); err != nil {
		t.Fatal(err)
	}
	if n := l.look(pr).Notes; n != 122 {
		t.Errorf("%d notes", n)
	}
}

func TestGitLabsCommits(t *testing.T) {
	l := newLab(t)
	first := l.project.Head("pinsetter/web")
	second := l.project.Commit(parts.Commit{Branch: "pinsetter/web", Author: "Alice <alice@example.test>", Message: "By hand"})
	got, err := l.forge.Commits(t.Context(), l.create(proposal))
	if err != nil || len(got) != 2 || got[0].Hash != first || !strings.Contains(got[0].Message, "\nTrailer: x") {
		t.Fatalf("%+v %v", got, err)
	}
	want := forge.Commit{
		Hash: second, Message: "By hand", AuthorName: "Alice", AuthorEmail: "alice@example.test",
		CommitterName: "Alice", CommitterEmail: "alice@example.test", Parents: []string{},
	}
	got[1].Message = strings.TrimSpace(got[1].Message)
	if diff := cmp.Diff(want, got[1]); diff != "" {
		t.Error(diff)
	}
	for range 260 {
		l.project.Commit(parts.Commit{Branch: "pinsetter/web"})
	}
	last := l.project.Head("pinsetter/web")
	got, err = l.forge.Commits(t.Context(), l.find(nil))
	if err != nil || len(got) != 250 || got[249].Hash != last {
		t.Errorf("%d %v", len(got), err)
	}
}
