package forge_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/pinsetter/pinsetter/forge"
	"github.com/pinsetter/pinsetter/parts"
)

func TestGitHubMerges(t *testing.T) {
	for name, test := range map[string]struct {
		settings parts.GitHubSettings
		state    string
		want     forge.Merging
		why      string
		merged   bool
	}{
		"clean":                     {want: forge.MergeDone, merged: true},
		"clean, and auto-merge too": {settings: parts.GitHubSettings{AutoMerge: true}, want: forge.MergeDone, merged: true},
		"squash":                    {settings: parts.GitHubSettings{NoMergeCommit: true}, want: forge.MergeDone, merged: true},
		"rebase":                    {settings: parts.GitHubSettings{NoMergeCommit: true, NoSquash: true}, want: forge.MergeDone, merged: true},
		"rules: squash alone":       {settings: parts.GitHubSettings{Rules: `[{"type":"something_new","parameters":{"x":[1]}},{"type":"pull_request","parameters":{"allowed_merge_methods":["squash"]}}]`}, want: forge.MergeDone, merged: true},
		"rules: linear history":     {settings: parts.GitHubSettings{Rules: `[{"type":"required_linear_history"}]`}, want: forge.MergeDone, merged: true},
		"rules against settings":    {settings: parts.GitHubSettings{NoSquash: true, Rules: `[{"type":"pull_request","parameters":{"allowed_merge_methods":["squash"]}}]`}, want: forge.MergeWaiting, why: `no method of merging is allowed both by the repository's settings and by the rules of "main"`},
		"a merge queue":             {settings: parts.GitHubSettings{Rules: `[{"type":"merge_queue","parameters":{"merge_method":"SQUASH"}}]`}, want: forge.MergeWaiting, why: `"main" has a merge queue, into which somebody has to put it`},
		"blocked":                   {settings: parts.GitHubSettings{AutoMerge: true}, state: "blocked", want: forge.MergeWaiting, why: "the branch's rules aren't met"},
		"unstable":                  {settings: parts.GitHubSettings{AutoMerge: true}, state: "unstable", want: forge.MergeWaiting, why: "a check is pending or failed"},
		"behind":                    {state: "behind", want: forge.MergeWaiting, why: `its branch is behind "main"`},
		"unknown":                   {state: "unknown", want: forge.MergeWaiting, why: "GitHub is looking for conflicts"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHub(t)
			h.repository.Set(test.settings)
			pr := h.create(proposal)
			h.repository.SetMergeable(1, test.state)
			got, why, err := h.forge.Merge(t.Context(), pr)
			if got != test.want || why != test.why || err != nil || h.repository.Pull(1).Merged != test.merged {
				t.Errorf("%q %q %v", got, why, err)
			}
			if state := h.find(pr).State; (state == forge.StateMerged) != test.merged {
				t.Errorf("it is %s", state)
			}
		})
	}
}

// GitHub is never asked to merge later, which it would do with anybody's commits.
func TestGitHubMergesNothingByItself(t *testing.T) {
	h := newHub(t)
	h.repository.Set(parts.GitHubSettings{AutoMerge: true})
	pr := h.create(proposal)
	h.repository.SetMergeable(1, "blocked")
	for range 2 {
		if got, _, err := h.forge.Merge(t.Context(), pr); got != forge.MergeWaiting || err != nil {
			t.Fatalf("%q %v", got, err)
		}
	}
	if n := h.github.Log.Count(http.MethodPost, "/graphql"); n != 0 || h.find(pr).AutoMerge {
		t.Errorf("asked for auto-merge %d times", n)
	}
	h.repository.SetMergeable(1, "clean")
	if got, _, err := h.forge.Merge(t.Context(), pr); got != forge.MergeDone || err != nil {
		t.Errorf("%q %v", got, err)
	}
}

func TestGitHubMergesWhatWasProposed(t *testing.T) {
	h := newHub(t)
	pr := h.create(proposal)
	merge := func(want forge.Merging, why string) {
		t.Helper()
		if got, said, err := h.forge.Merge(t.Context(), pr); got != want || said != why || err != nil {
			t.Errorf("%q %q %v; want %q", got, said, err, why)
		}
	}
	push := func() { h.repository.CommitFile("pinsetter/web", "b.yaml", "b: 1\n", "") }
	h.github.Fail(parts.GitHubFault{Request: "PUT /repos/{owner}/{repo}/pulls/{pull_number}/merge", Meanwhile: push})
	merge(forge.MergeWaiting, "Head branch was modified. Review and try the merge again.")
	merge(forge.MergeWaiting, "its branch changed")
	pr = h.find(nil)
	h.repository.CommitFile("main", "a.yaml", "a: 9\n", "")
	merge(forge.MergeWaiting, `it conflicts with "main"`)
	h.repository.Edit(1, func(pr *parts.GitHubPull) { pr.Draft = true })
	merge(forge.MergeWaiting, "it is a draft")
	h.repository.Edit(1, func(pr *parts.GitHubPull) { pr.State = "closed" })
	if _, _, err := h.forge.Merge(t.Context(), pr); !errors.Is(err, forge.ErrInvalid) {
		t.Errorf("closed: %v", err)
	}
}

func TestGitHubTakesAutoMergeBack(t *testing.T) {
	h := newHub(t)
	h.repository.Set(parts.GitHubSettings{AutoMerge: true})
	pr := h.create(proposal)
	stop := func() {
		t.Helper()
		if err := h.forge.StopMerging(t.Context(), pr); err != nil {
			t.Error(err)
		}
	}
	stop()
	if n := h.github.Log.Count(http.MethodPost, "/graphql"); n != 0 {
		t.Errorf("took back what wasn't promised: %d", n)
	}
	h.repository.SetMergeable(1, "blocked")
	h.repository.Edit(1, func(pr *parts.GitHubPull) { pr.AutoMerge = true })
	stop()
	stop()
	if n := h.github.Log.Count(http.MethodPost, "/graphql"); n != 1 {
		t.Errorf("took back with %d requests", n)
	}
	h.repository.SetMergeable(1, "clean")
	if got := h.find(nil); got.State != forge.StateOpen || got.AutoMerge {
		t.Errorf("%+v", got)
	}
	h.repository.Edit(1, func(pr *parts.GitHubPull) { pr.State, pr.AutoMerge = "closed", true })
	stop()
}

func TestGitHubMayKeepAutoMerge(t *testing.T) {
	h := newHub(t)
	h.repository.Set(parts.GitHubSettings{AutoMerge: true})
	pr := h.create(proposal)
	h.repository.SetMergeable(1, "blocked")
	h.repository.Edit(1, func(pr *parts.GitHubPull) { pr.AutoMerge = true })
	switchOff := func() { h.repository.Edit(1, func(pr *parts.GitHubPull) { pr.AutoMerge = false }) }
	refuse := func(kind string) parts.GitHubFault {
		return parts.GitHubFault{Request: "POST /graphql", Status: http.StatusOK, Body: `{"data":null,"errors":[{"type":"` + kind + `","message":"no"}]}`}
	}
	for _, test := range []struct {
		fault parts.GitHubFault
		want  error
	}{
		{refuse("FORBIDDEN"), forge.ErrForbidden},
		{refuse("RATE_LIMITED"), forge.ErrRateLimited},
		{parts.GitHubFault{Request: "POST /graphql", Meanwhile: switchOff}, forge.ErrInvalid},
	} {
		h.github.Fail(test.fault)
		if err := h.forge.StopMerging(t.Context(), pr); !errors.Is(err, test.want) {
			t.Errorf("%v; want %v", err, test.want)
		}
	}
	if err := h.forge.StopMerging(t.Context(), &forge.PullRequest{Number: 7}); !errors.Is(err, forge.ErrNotFound) {
		t.Errorf("none: %v", err)
	}
}
