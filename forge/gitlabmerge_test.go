package forge_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/forge"
	"github.com/pinsetter/pinsetter/parts"
)

func (l *lab) merge(pr *forge.PullRequest) (forge.Merging, string) {
	l.Helper()
	what, why, err := l.forge.Merge(l.Context(), pr)
	if err != nil {
		l.Fatal(err)
	}
	return what, why
}

func (l *lab) merges(pr *forge.PullRequest, want forge.Merging, says string) {
	l.Helper()
	if what, why := l.merge(pr); what != want || !strings.Contains(why, says) {
		l.Errorf("%s %q; want %s %q", what, why, want, says)
	}
}

func TestGitLabMergesWhatHasNoPipelineLater(t *testing.T) {
	l := newLab(t)
	pr := l.create(proposal)
	stale := *pr
	stale.HeadHash = l.project.Head("main")
	l.merges(&stale, forge.MergeWaiting, "its branch changed")
	l.merges(pr, forge.MergeWaiting, "may yet begin a pipeline")
	l.gitlab.Pass(2 * time.Minute)
	l.merges(pr, forge.MergeDone, "")
	if got := l.find(pr); got.State != forge.StateMerged {
		t.Errorf("%+v", got)
	}
	l.merges(pr, forge.MergeDone, "")
}

func TestGitLabMergesWhenThePipelineSucceeds(t *testing.T) {
	for _, rules := range []parts.GitLabRules{{}, {Pipeline: true}, {Pipeline: true, Trains: true}} {
		l := newLab(t)
		l.project.Require(rules)
		pr := l.create(proposal)
		l.project.Pipeline(pr.HeadHash, "failed")
		l.merges(pr, forge.MergeWaiting, `the pipeline's status is "failed"`)
		l.project.Pipeline(pr.HeadHash, "running")
		for range 2 {
			l.merges(pr, forge.MergeEnabled, `the pipeline's status is "running"`)
		}
		if got := l.find(pr); !got.AutoMerge {
			t.Errorf("%+v", got)
		}
		l.project.Pipeline(pr.HeadHash, "success")
		if got := l.find(pr); got.State != forge.StateMerged {
			t.Errorf("%+v", got)
		}
	}
	l := newLab(t)
	pr := l.create(proposal)
	l.project.Pipeline(pr.HeadHash, "success")
	l.merges(pr, forge.MergeDone, "")
}

// All statuses of the commit count, on whichever page and of whichever pipeline.
func TestGitLabMergesWhatPassesEverywhere(t *testing.T) {
	l := newLab(t)
	pr := l.create(proposal)
	l.project.Pipeline(pr.HeadHash, "success")
	statuses := make([]parts.GitLabStatus, 150)
	for i := range statuses {
		statuses[i] = parts.GitLabStatus{Name: fmt.Sprintf("job %d", i), Status: "success", Pipeline: 1}
	}
	last := &statuses[len(statuses)-1]
	for _, bad := range []parts.GitLabStatus{{Name: "scan", Status: "failed", Pipeline: 2}, {Name: "scan", Status: "pending", Pipeline: 2}, {Name: "scan", Status: "canceled"}} {
		*last = bad
		l.project.Statuses(pr.HeadHash, statuses...)
		l.merges(pr, forge.MergeWaiting, `the job or status "scan" is `+bad.Status)
	}
	*last = parts.GitLabStatus{Name: "flaky", Status: "failed", Pipeline: 1, AllowFailure: true}
	l.project.Statuses(pr.HeadHash, statuses...)
	l.merges(pr, forge.MergeDone, "")
}

// What runs in the merge request's own pipeline GitLab waits for.
func TestGitLabWaitsForItsPipeline(t *testing.T) {
	l := newLab(t)
	pr := l.create(proposal)
	l.project.Pipeline(pr.HeadHash, "running")
	l.project.Statuses(pr.HeadHash, parts.GitLabStatus{Name: "test", Status: "running", Pipeline: 1})
	l.merges(pr, forge.MergeEnabled, "")
	l.project.Commit(parts.Commit{Branch: "pinsetter/web", Message: "By hand"})
	l.project.Pipeline(l.project.Head("pinsetter/web"), "success")
	if got := l.find(pr); got.State != forge.StateOpen {
		t.Errorf("somebody's commit is merged: %+v", got)
	}
}

func TestGitLabMergesByTheRules(t *testing.T) {
	l := newLab(t)
	l.project.Require(parts.GitLabRules{Approvals: 1})
	pr := l.create(proposal)
	l.merges(pr, forge.MergeEnabled, "not approved")
	l.project.Pipeline(pr.HeadHash, "success")
	if got := l.find(pr); got.State != forge.StateOpen {
		t.Fatalf("merged without an approval: %+v", got)
	}
	l.as(l.alice, http.MethodPost, pr, "/approve", nil)
	if got := l.find(pr); got.State != forge.StateMerged {
		t.Errorf("%+v", got)
	}
}

func TestGitLabsTrainsAreNotPassed(t *testing.T) {
	l := newLab(t)
	l.project.Require(parts.GitLabRules{Trains: true})
	pr := l.create(proposal)
	l.gitlab.Pass(time.Hour)
	l.merges(pr, forge.MergeWaiting, "trains")
}

func TestGitLabMergesTheCommitThatItIsTold(t *testing.T) {
	l := newLab(t)
	pr := l.create(proposal)
	l.project.Pipeline(pr.HeadHash, "success")
	l.gitlab.Fail(parts.GitLabFault{Method: http.MethodPut, Path: "/merge", Before: func() {
		hash := l.project.Commit(parts.Commit{Branch: "pinsetter/web", Message: "By hand"})
		l.project.Pipeline(hash, "success")
	}})
	if what, _ := l.merge(pr); what != forge.MergeWaiting {
		t.Error(what)
	}
	if got := l.find(pr); got.State != forge.StateOpen {
		t.Errorf("%+v", got)
	}
}

func TestGitLabMergesNoConflict(t *testing.T) {
	l := newLab(t)
	pr := l.create(proposal)
	l.push("main", "a: 5\n")
	l.gitlab.Pass(time.Hour)
	l.merges(pr, forge.MergeWaiting, "conflict")
}

func TestGitLabSaysWhoMayNotMerge(t *testing.T) {
	l := newLab(t)
	l.forge = l.open(l.project.URL, l.alice)
	pr := l.create(proposal)
	l.project.Pipeline(pr.HeadHash, "success")
	_, _, err := l.forge.Merge(t.Context(), pr)
	if !errors.Is(err, forge.ErrForbidden) || !strings.Contains(err.Error(), `may not merge into "main"`) {
		t.Errorf("%v", err)
	}
}

// promised opens a merge request that GitLab is to merge when its pipeline
// succeeds.
func (l *lab) promised() *forge.PullRequest {
	l.Helper()
	pr := l.create(proposal)
	l.project.Pipeline(pr.HeadHash, "running")
	l.merges(pr, forge.MergeEnabled, "")
	return pr
}

func TestGitLabTakesAutoMergeBack(t *testing.T) {
	l := newLab(t)
	pr := l.promised()
	l.project.Rename("acme/moved")
	for range 2 {
		if err := l.forge.StopMerging(t.Context(), pr); err != nil {
			t.Error(err)
		}
	}
	l.project.Pipeline(pr.HeadHash, "success")
	if got := l.find(pr); got.State != forge.StateOpen || got.AutoMerge {
		t.Errorf("%+v", got)
	}
	l.merges(pr, forge.MergeDone, "")
	if err := l.forge.StopMerging(t.Context(), pr); err != nil {
		t.Errorf("merged: %v", err)
	}
}

func TestGitLabMayKeepAutoMerge(t *testing.T) {
	l := newLab(t)
	pr := l.promised()
	cancel := parts.GitLabFault{Method: http.MethodPost, Path: "/cancel_merge_when_pipeline_succeeds"}
	err := l.open(l.project.URL, l.alice).StopMerging(t.Context(), pr)
	if !errors.Is(err, forge.ErrForbidden) || !strings.Contains(err.Error(), "neither merge it nor opened it") {
		t.Errorf("a developer: %v", err)
	}
	cancel.Status, cancel.Body = http.StatusCreated, `{"status":"error","message":"Can't cancel the automatic merge","http_status":406}`
	l.gitlab.Fail(cancel)
	if err := l.forge.StopMerging(t.Context(), pr); !errors.Is(err, forge.ErrInvalid) {
		t.Errorf("refused: %v", err)
	}
	l.gitlab.Fail(parts.GitLabFault{Method: cancel.Method, Path: cancel.Path, Before: func() { l.project.Pipeline(pr.HeadHash, "success") }})
	if err := l.forge.StopMerging(t.Context(), pr); err != nil || l.find(pr).State != forge.StateMerged {
		t.Errorf("too late: %v", err)
	}
	if err := l.forge.StopMerging(t.Context(), &forge.PullRequest{Number: 7}); !errors.Is(err, forge.ErrNotFound) {
		t.Errorf("none: %v", err)
	}
}
