package forge_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/forge"
	"github.com/pinsetter/pinsetter/parts"
)

// TestGitea tries everything against one real Gitea: its start is what takes
// time.
func TestGitea(t *testing.T) {
	g := parts.NewGitea(t)
	t.Cleanup(func() {
		if t.Failed() && os.Getenv("PINSETTER_TEST_OUTPUT") != "" {
			t.Log(g.Output())
		}
	})
	alice := g.NewUser("alice")
	for _, test := range []struct {
		name string
		run  func(*testing.T, *stand)
	}{
		{"creates-once-and-updates", createsOnceAndUpdates},
		{"what-people-took-away-stays-away", whatPeopleTookAwayStaysAway},
		{"finishes-a-creation", finishesACreation},
		{"closed-by-us", closedByUs},
		{"closed-by-a-person", closedByAPerson},
		{"finds-the-newest", findsTheNewest},
		{"merged-each-way", mergedEachWay},
		{"merges", merges},
		{"merges-by-the-branch's-rules", mergesByTheRules},
		{"waits-for-checks", waitsForChecks},
		{"counts-all-checks", countsAllChecks},
		{"takes-auto-merge-back", takesAutoMergeBack},
		{"comments-once", commentsOnce},
		{"commits", commits},
		{"drafts", drafts},
		{"a-fork's-is-not-ours", aForksIsNotOurs},
		{"listed", listed},
		{"renamed", renamed},
		{"refusals", refusals},
		{"archived", archived},
	} {
		t.Run(test.name, func(t *testing.T) {
			name := "acme/" + strings.Map(plain, test.name)
			r := g.NewRepository(name, map[string]string{"a.yaml": "a: 1\n"})
			g.Must(http.MethodPut, r.API+"/collaborators/alice", map[string]any{"permission": "write"}, nil)
			s := &stand{T: t, gitea: g, repository: r, alice: alice}
			s.forge = s.open(r.URL, g.Token)
			s.push("pinsetter/web", "a: 2\n")
			test.run(t, s)
		})
	}
}

func plain(r rune) rune {
	if r == '\'' {
		return -1
	}
	return r
}

// stand is a repository with a branch to propose.
type stand struct {
	*testing.T
	gitea      *parts.Gitea
	repository *parts.GiteaRepository
	forge      *forge.Repository
	alice      string // token
}

var proposal = forge.Proposal{Head: "pinsetter/web", Base: "main", Title: "Update web to 1.2.3", Body: "| object |\n|---|\n| web |"}

func (s *stand) open(url, token string) *forge.Repository {
	s.Helper()
	r, err := forge.Open(&fleet.Forge{Provider: fleet.ForgeGitea, URL: url, Token: pinsetter.NewSecret("token", token)}, forge.Options{})
	if err != nil {
		s.Fatal(err)
	}
	return r
}

func (s *stand) push(branch, content string) string {
	s.Helper()
	return s.repository.Commit(parts.Commit{Branch: branch, From: "main", Message: "Set a\n\nTrailer: x", Tree: parts.Tree{Files: map[string]string{"a.yaml": content}}})
}

func (s *stand) create(p forge.Proposal) *forge.PullRequest {
	s.Helper()
	pr, err := s.forge.Create(s.Context(), p)
	if err != nil {
		s.Fatal(err)
	}
	return pr
}

func (s *stand) find(known *forge.PullRequest) *forge.PullRequest {
	s.Helper()
	pr, err := s.forge.Find(s.Context(), "pinsetter/web", "main", known)
	if err != nil {
		s.Fatal(err)
	}
	return pr
}

// seen is what Gitea shows of a pull request.
type seen struct {
	Title, Body, State string
	Labels             []struct{ Name string }
	Assignees          []struct{ Login string }
	RequestedReviewers []struct{ Login string } `json:"requested_reviewers"`
	Comments           int
}

func (s *stand) api(pr *forge.PullRequest, rest string) string {
	return fmt.Sprintf("%s/pulls/%d%s", s.repository.API, pr.Number, rest)
}

func (s *stand) look(pr *forge.PullRequest) seen {
	s.Helper()
	var out seen
	s.gitea.Must(http.MethodGet, s.api(pr, ""), nil, &out)
	return out
}

func createsOnceAndUpdates(t *testing.T, s *stand) {
	if pr := s.find(nil); pr != nil {
		t.Fatalf("found %+v", pr)
	}
	pr := s.create(proposal)
	want := &forge.PullRequest{
		Number: 1, URL: s.gitea.URL + "/" + s.repository.Name + "/pulls/1", State: forge.StateOpen,
		Head: "pinsetter/web", HeadHash: s.repository.Head("pinsetter/web"), Base: "main",
		Title: proposal.Title, Body: proposal.Body,
	}
	if diff := cmp.Diff(want, pr); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(pr, s.find(nil)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(pr, s.find(pr)); diff != "" {
		t.Error(diff)
	}
	again := proposal
	again.Title += " and 2"
	if got := s.create(again); got.Number != 1 || got.Title != again.Title {
		t.Errorf("created again: %+v", got)
	}
	again.Body = strings.Repeat("Ä", forge.MaxBody/2)
	again.Title = strings.Repeat("図", 300)
	pr, changed, err := s.forge.Update(t.Context(), s.find(pr), again)
	if err != nil || !changed || pr.Body != again.Body {
		t.Fatalf("%v %v", changed, err)
	}
	if _, changed, err := s.forge.Update(t.Context(), s.find(pr), again); err != nil || changed {
		t.Errorf("updated to the same: %v %v", changed, err)
	}
	again.Body += "x"
	if _, _, err := s.forge.Update(t.Context(), pr, again); !errors.Is(err, forge.ErrInvalid) {
		t.Errorf("a long body: %v", err)
	}
}

func whatPeopleTookAwayStaysAway(t *testing.T, s *stand) {
	p := proposal
	p.Labels, p.Assignees = []string{"images", "Bot's"}, []string{"alice"}
	pr := s.create(p)
	got := s.look(pr)
	if len(got.Labels) != 2 || len(got.Assignees) != 1 || got.Assignees[0].Login != "alice" {
		t.Fatalf("%+v", got)
	}
	s.gitea.Must(http.MethodDelete, fmt.Sprintf("%s/issues/%d/labels", s.repository.API, pr.Number), nil, nil)
	p.Title = "Another"
	if _, changed, err := s.forge.Update(t.Context(), pr, p); err != nil || !changed {
		t.Fatal(changed, err)
	}
	if got := s.look(pr); len(got.Labels) != 0 || got.Title != "Another" {
		t.Errorf("%+v", got)
	}
	other := p
	other.Head = "pinsetter/other"
	s.push(other.Head, "a: 3\n")
	if got := s.look(s.create(other)); len(got.Labels) != 2 {
		t.Errorf("the labels that exist: %+v", got)
	}
}

func finishesACreation(t *testing.T, s *stand) {
	p := proposal
	p.Reviewers = []string{"nobody-of-that-name"}
	_, err := s.forge.Create(t.Context(), p)
	if err == nil || !strings.Contains(err.Error(), "nobody-of-that-name") {
		t.Fatalf("%v", err)
	}
	pr := s.find(nil)
	if pr == nil || !strings.Contains(pr.Body, "pinsetter:new") {
		t.Fatalf("%+v", pr)
	}
	p.Reviewers = []string{"alice"}
	pr, changed, err := s.forge.Update(t.Context(), pr, p)
	if err != nil || !changed || pr.Body != p.Body {
		t.Fatalf("%+v %v %v", pr, changed, err)
	}
	if got := s.look(pr); len(got.RequestedReviewers) != 1 || got.RequestedReviewers[0].Login != "alice" {
		t.Errorf("%+v", got)
	}
	if _, changed, err := s.forge.Update(t.Context(), s.find(pr), p); changed || err != nil {
		t.Errorf("once more: %v %v", changed, err)
	}
}

func closedByUs(t *testing.T, s *stand) {
	pr := s.create(proposal)
	closed, err := s.forge.Close(t.Context(), pr, "Nothing is left to propose.")
	if err != nil || closed.State != forge.StateClosed || !closed.Ours {
		t.Fatalf("%+v %v", closed, err)
	}
	s.repository.DeleteBranch("pinsetter/web")
	for _, known := range []*forge.PullRequest{nil, pr, closed} {
		if got := s.find(known); !got.Ours || got.State != forge.StateClosed || got.HeadHash != pr.HeadHash || got.Head != pr.Head {
			t.Errorf("%+v", got)
		}
	}
	if _, err := s.forge.Close(t.Context(), pr, "Again."); err != nil || s.look(pr).Comments != 1 {
		t.Errorf("%v, %d comments", err, s.look(pr).Comments)
	}
	if _, _, err := s.forge.Update(t.Context(), closed, proposal); !errors.Is(err, forge.ErrInvalid) {
		t.Errorf("update: %v", err)
	}
}

func closedByAPerson(t *testing.T, s *stand) {
	pr := s.create(proposal)
	s.close(pr)
	if got := s.find(pr); got.Ours || got.State != forge.StateClosed {
		t.Errorf("%+v", got)
	}
	if got, err := s.forge.Close(t.Context(), pr, "It is gone."); err != nil || got.Ours {
		t.Errorf("%+v %v", got, err)
	}
	if got := s.find(nil); got.Ours || got.State != forge.StateClosed || s.look(pr).Comments != 0 {
		t.Errorf("%+v", got)
	}
}

func (s *stand) close(pr *forge.PullRequest) {
	s.Helper()
	if status := s.gitea.DoAs(s.alice, http.MethodPatch, s.api(pr, ""), map[string]any{"state": "closed"}); status != http.StatusCreated {
		s.Fatalf("close: %d", status)
	}
}

func findsTheNewest(t *testing.T, s *stand) {
	s.close(s.create(proposal))
	second := s.create(proposal)
	if got := s.find(nil); got.Number != second.Number || got.State != forge.StateOpen {
		t.Errorf("%+v", got)
	}
	s.close(second)
	if got := s.find(nil); got.Number != second.Number || got.State != forge.StateClosed {
		t.Errorf("%+v", got)
	}
	s.repository.Commit(parts.Commit{Branch: "rel/1", From: "main"})
	if got, err := s.forge.Find(t.Context(), "pinsetter/web", "rel/1", second); got != nil || err != nil {
		t.Errorf("another base: %+v %v", got, err)
	}
	p := proposal
	p.Base = "rel/1"
	third := s.create(p)
	if got, err := s.forge.Find(t.Context(), "pinsetter/web", "rel/1", nil); err != nil || got == nil || got.Number != third.Number {
		t.Errorf("a base with a slash: %+v %v", got, err)
	}
}

// A branch of each way its own: Gitea comes to a deletion later, and closes what
// was opened from a branch of that name meanwhile.
func mergedEachWay(t *testing.T, s *stand) {
	for i, style := range []string{"merge", "rebase", "squash"} {
		p := proposal
		p.Head = "pinsetter/" + style
		head := s.push(p.Head, fmt.Sprintf("a: 1%d\n", i))
		pr := s.create(p)
		s.mergeAs(pr, style)
		got, err := s.forge.Find(t.Context(), p.Head, p.Base, pr)
		if err != nil || got.State != forge.StateMerged || got.Ours || got.HeadHash != head {
			t.Errorf("%s: %+v %v", style, got, err)
		}
		s.repository.DeleteBranch(p.Head)
		got, err = s.forge.Find(t.Context(), p.Head, p.Base, nil)
		if err != nil || got == nil || got.State != forge.StateMerged || got.Number != pr.Number {
			t.Errorf("%s, without the branch: %+v %v", style, got, err)
		}
	}
}

func aForksIsNotOurs(t *testing.T, s *stand) {
	if status := s.gitea.DoAs(s.alice, http.MethodPost, s.repository.API+"/forks", map[string]any{"name": "fork"}); status != http.StatusAccepted {
		t.Fatal(status)
	}
	status := s.gitea.DoAs(s.alice, http.MethodPost, s.repository.API+"/pulls", map[string]any{"head": "alice:pinsetter/web", "base": "main", "title": "Mine"})
	if status != http.StatusCreated {
		t.Fatal(status)
	}
	if pr := s.find(nil); pr != nil {
		t.Errorf("%+v", pr)
	}
	if pr := s.find(&forge.PullRequest{Number: 1, Head: "pinsetter/web", Base: "main"}); pr != nil {
		t.Errorf("by number: %+v", pr)
	}
	if pr := s.create(proposal); pr.Number != 2 {
		t.Errorf("%+v", pr)
	}
}

func commits(t *testing.T, s *stand) {
	first := s.repository.Head("pinsetter/web")
	second := s.repository.Commit(parts.Commit{Branch: "pinsetter/web", Author: "Alice <alice@example.test>", Message: "By hand"})
	got, err := s.forge.Commits(t.Context(), s.create(proposal))
	if err != nil || len(got) != 2 {
		t.Fatalf("%+v %v", got, err)
	}
	want := forge.Commit{
		Hash: second, Message: "By hand", AuthorName: "Alice", AuthorEmail: "alice@example.test",
		CommitterName: "Alice", CommitterEmail: "alice@example.test", Parents: []string{first},
	}
	got[1].Message = strings.TrimSpace(got[1].Message)
	if diff := cmp.Diff(want, got[1]); diff != "" {
		t.Error(diff)
	}
	if got[0].Hash != first || !strings.Contains(got[0].Message, "\nTrailer: x") {
		t.Errorf("%+v", got[0])
	}
}

func commentsOnce(t *testing.T, s *stand) {
	pr := s.create(proposal)
	for _, key := range []string{"foreign-commit", "foreign-commit", "other"} {
		if err := s.forge.CommentOnce(t.Context(), pr, key, "Somebody committed here."); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.look(pr).Comments; n != 2 {
		t.Errorf("%d comments", n)
	}
	if err := s.forge.CommentOnce(t.Context(), pr, "a-->b", ""); !errors.Is(err, forge.ErrInvalid) {
		t.Errorf("a key that ends its mark: %v", err)
	}
}

func drafts(t *testing.T, s *stand) {
	p := proposal
	p.Draft = true
	pr := s.create(p)
	if !pr.Draft || pr.Title != p.Title || s.look(pr).Title != "WIP: "+p.Title {
		t.Fatalf("%+v", pr)
	}
	p.Title = "Another"
	if pr, _, err := s.forge.Update(t.Context(), pr, p); err != nil || !pr.Draft || pr.Title != p.Title {
		t.Errorf("%+v %v", pr, err)
	}
	if what, why, err := s.forge.Merge(t.Context(), pr); what != forge.MergeWaiting || why == "" || err != nil {
		t.Errorf("%s %q %v", what, why, err)
	}
	s.gitea.Must(http.MethodPatch, s.api(pr, ""), map[string]any{"title": p.Title}, nil)
	p.Title = "A third"
	if pr, _, err := s.forge.Update(t.Context(), s.find(pr), p); err != nil || pr.Draft || pr.Title != p.Title {
		t.Errorf("made ready by a person: %+v %v", pr, err)
	}
	p.Title = "[wip] By its title"
	pr, _, err := s.forge.Update(t.Context(), s.find(pr), p)
	if err != nil || !pr.Draft || pr.Title != "By its title" {
		t.Fatalf("%+v %v", pr, err)
	}
	if _, changed, err := s.forge.Update(t.Context(), s.find(pr), p); changed || err != nil {
		t.Errorf("once more: %v %v", changed, err)
	}
}

func renamed(t *testing.T, s *stand) {
	s.gitea.Must(http.MethodPatch, s.repository.API, map[string]any{"name": "moved"}, nil)
	pr := s.create(proposal) // at the old name
	if got := s.find(pr); got == nil || got.Number != 1 || !strings.Contains(got.URL, "/acme/moved/") {
		t.Errorf("%+v", got)
	}
	p := proposal
	p.Title = "Another"
	if got, changed, err := s.forge.Update(t.Context(), pr, p); err != nil || !changed || got.Title != p.Title {
		t.Errorf("%+v %v %v", got, changed, err)
	}
}

func archived(t *testing.T, s *stand) {
	pr := s.create(proposal)
	s.push("pinsetter/other", "a: 3\n")
	s.gitea.Must(http.MethodPatch, s.repository.API, map[string]any{"archived": true}, nil)
	p := proposal
	p.Head = "pinsetter/other"
	if err := s.forge.CommentOnce(t.Context(), pr, "a", "A"); !errors.Is(err, forge.ErrArchived) {
		t.Errorf("comment: %v", err)
	}
	if _, err := s.forge.Create(t.Context(), p); !errors.Is(err, forge.ErrArchived) {
		t.Errorf("create: %v", err)
	}
}

func refusals(t *testing.T, s *stand) {
	reader := s.gitea.NewToken("bot", "read:repository,read:issue,read:organization")
	same := proposal
	same.Head = "same"
	s.gitea.Must(http.MethodPost, s.repository.API+"/branches", map[string]any{"new_branch_name": "same", "old_branch_name": "main"}, nil)
	gone := proposal
	gone.Head = "no-such-branch"
	for name, test := range map[string]struct {
		forge *forge.Repository
		p     forge.Proposal
		want  error
	}{
		"a bad token":         {s.open(s.repository.URL, "0123456789abcdef0123456789abcdef01234567"), proposal, forge.ErrAuth},
		"a token for reading": {s.open(s.repository.URL, reader), proposal, forge.ErrForbidden},
		"no repository":       {s.open(s.gitea.URL+"/acme/none", s.gitea.Token), proposal, forge.ErrNotFound},
		"one branch":          {s.forge, forge.Proposal{Head: "main", Base: "main", Title: "x"}, forge.ErrInvalid},
		"equal branches":      {s.forge, same, forge.ErrInvalid},
		"no such branch":      {s.forge, gone, forge.ErrNotFound},
		"no title":            {s.forge, forge.Proposal{Head: "a", Base: "main", Title: " \n"}, forge.ErrInvalid},
	} {
		_, err := test.forge.Create(t.Context(), test.p)
		if !errors.Is(err, test.want) || strings.Contains(err.Error(), s.gitea.Token) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.open(s.gitea.URL+"/acme/none", s.gitea.Token).Find(t.Context(), "a", "main", nil); !errors.Is(err, forge.ErrNotFound) {
		t.Errorf("find in no repository: %v", err)
	}
	_, err := s.open(s.repository.URL, reader).Create(t.Context(), proposal)
	if err == nil || !strings.Contains(err.Error(), "write:repository") {
		t.Errorf("the scope that is missing isn't named: %v", err)
	}
}
