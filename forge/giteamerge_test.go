package forge_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/pinsetter/pinsetter/forge"
	"github.com/pinsetter/pinsetter/parts"
)

// mergeAs merges as a person does. Gitea looks at a pull request for conflicts
// after it answered, and refuses until then.
func (s *stand) mergeAs(pr *forge.PullRequest, style string) {
	s.Helper()
	var status int
	if !parts.Comes(func() bool {
		status = s.gitea.Do(http.MethodPost, s.api(pr, "/merge"), map[string]any{"Do": style}, nil)
		return status == http.StatusOK
	}) {
		s.Fatalf("merge: %d", status)
	}
}

// settled asks for a merge until Gitea has looked for conflicts.
func (s *stand) settled(pr *forge.PullRequest) (forge.Merging, string) {
	s.Helper()
	var what forge.Merging
	var why string
	parts.Until(s, "Gitea looks for conflicts", func() bool {
		var err error
		what, why, err = s.forge.Merge(s.Context(), pr)
		if err != nil {
			s.Fatal(err)
		}
		return what != forge.MergeWaiting || why != "Please try again later" && why != ""
	})
	return what, why
}

func merges(t *testing.T, s *stand) {
	pr := s.create(proposal)
	stale := *pr
	stale.HeadHash = s.repository.Head("main")
	if what, why := s.settled(&stale); what != forge.MergeWaiting || why != "its branch changed" {
		t.Errorf("another head: %s %q", what, why)
	}
	s.gitea.Must(http.MethodPatch, s.repository.API, map[string]any{"default_merge_style": "squash"}, nil)
	if what, why := s.settled(pr); what != forge.MergeDone {
		t.Fatalf("%s %q", what, why)
	}
	if got := s.find(pr); got.State != forge.StateMerged {
		t.Errorf("%+v", got)
	}
	if parents := s.repository.Git("log", "-1", "--format=%P", "main"); len(parents) != 40 {
		t.Errorf("not squashed: %q", parents)
	}
}

// mergesByTheRules: the bot is an administrator, and yet doesn't go around them, nor
// has Gitea merge later what anybody pushes in between.
func mergesByTheRules(t *testing.T, s *stand) {
	s.gitea.Must(http.MethodPost, s.repository.API+"/branch_protections", map[string]any{
		"rule_name": "main", "required_approvals": 1, "enable_status_check": true, "status_check_contexts": []string{"ci"},
	}, nil)
	pr := s.create(proposal)
	for range 2 {
		if what, why := s.settled(pr); what != forge.MergeWaiting || why == "" {
			t.Fatalf("%s %q", what, why)
		}
	}
	if status := s.gitea.Do(http.MethodDelete, s.api(pr, "/merge"), nil, nil); status != http.StatusNotFound {
		t.Errorf("it is to be merged later: %d", status)
	}
	s.gitea.Must(http.MethodPost, s.repository.API+"/statuses/"+pr.HeadHash, map[string]any{"state": "success", "context": "ci"}, nil)
	if got := s.find(pr); got.State != forge.StateOpen {
		t.Fatalf("merged without an approval: %+v", got)
	}
	if status := s.gitea.DoAs(s.alice, http.MethodPost, s.api(pr, "/reviews"), map[string]any{"event": "APPROVED", "body": "ok"}); status != http.StatusOK {
		t.Fatal(status)
	}
	if what, why := s.settled(pr); what != forge.MergeDone {
		t.Fatalf("%s %q", what, why)
	}
}

// countsAllChecks: Gitea's combined status is of a page of checks, the newest.
func countsAllChecks(t *testing.T, s *stand) {
	pr := s.create(proposal)
	status := func(context, state string) {
		s.gitea.Must(http.MethodPost, s.repository.API+"/statuses/"+pr.HeadHash, map[string]any{"state": state, "context": context}, nil)
	}
	status("first", "failure")
	for i := range 60 {
		status(fmt.Sprintf("later %d", i), "success")
	}
	if what, why := s.settled(pr); what != forge.MergeWaiting || why != `the check "first" is failure` {
		t.Errorf("%s %q", what, why)
	}
	status("first", "success")
	if what, why := s.settled(pr); what != forge.MergeDone {
		t.Errorf("%s %q", what, why)
	}
}

func waitsForChecks(t *testing.T, s *stand) {
	pr := s.create(proposal)
	status := func(state string) {
		s.gitea.Must(http.MethodPost, s.repository.API+"/statuses/"+pr.HeadHash, map[string]any{"state": state, "context": "ci"}, nil)
	}
	for _, state := range []string{"pending", "failure"} {
		status(state)
		if what, why := s.settled(pr); what != forge.MergeWaiting || why != `the check "ci" is `+state {
			t.Errorf("%s: %s %q", state, what, why)
		}
	}
	status("success")
	if what, why := s.settled(pr); what != forge.MergeDone {
		t.Errorf("%s %q", what, why)
	}
}

// takesAutoMergeBack knows that Gitea came to a check that succeeded when it has
// merged another pull request whose check succeeded later.
func takesAutoMergeBack(t *testing.T, s *stand) {
	s.gitea.Must(http.MethodPost, s.repository.API+"/branch_protections", map[string]any{
		"rule_name": "main", "enable_status_check": true, "status_check_contexts": []string{"ci"},
	}, nil)
	status := func(pr *forge.PullRequest, state string) {
		s.gitea.Must(http.MethodPost, s.repository.API+"/statuses/"+pr.HeadHash, map[string]any{"state": state, "context": "ci"}, nil)
	}
	second := proposal
	second.Head = "pinsetter/other"
	s.repository.Commit(parts.Commit{Branch: second.Head, From: "main", Message: "Add b", Tree: parts.Tree{Files: map[string]string{"a.yaml": "a: 1\n", "b.yaml": "b: 1\n"}}})
	pr, other := s.create(proposal), s.create(second)
	stop := func() {
		t.Helper()
		if err := s.forge.StopMerging(t.Context(), pr); err != nil {
			t.Error(err)
		}
	}
	stop()
	for _, pr := range []*forge.PullRequest{pr, other} {
		status(pr, "pending")
		s.settled(pr) // it has looked for conflicts
		s.gitea.Must(http.MethodPost, s.api(pr, "/merge"), map[string]any{"Do": "merge", "merge_when_checks_succeed": true}, nil)
	}
	stop()
	stop()
	status(pr, "success")
	status(other, "success")
	parts.Until(t, "Gitea merges the other", func() bool { return s.look(other).State == "closed" })
	if got := s.find(pr); got.State != forge.StateOpen {
		t.Errorf("%+v", got)
	}
	if what, why := s.settled(pr); what != forge.MergeDone {
		t.Errorf("%s %q", what, why)
	}
	stop()
	if err := s.forge.StopMerging(t.Context(), &forge.PullRequest{Number: 77}); !errors.Is(err, forge.ErrNotFound) {
		t.Errorf("none: %v", err)
	}
}
