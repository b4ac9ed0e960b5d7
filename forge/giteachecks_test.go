package forge_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/forge"
	"github.com/pinsetter/pinsetter/login"
)

// checksServer answers as a Gitea whose pages have 30 checks, whatever is asked
// for, and counts as it is told. It notes how often something was merged.
func checksServer(t *testing.T, checks []string, count string, merged *int) *forge.Repository {
	t.Helper()
	const hash = "1111111111111111111111111111111111111111"
	answer := func(w http.ResponseWriter, body any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(body) // to a client that waits
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/repos/o/r/pulls/1", func(w http.ResponseWriter, _ *http.Request) {
		side := func(branch string) map[string]any {
			return map[string]any{"ref": branch, "label": branch, "sha": hash, "repo_id": 1, "repo": map[string]any{"allow_merge_commits": true}}
		}
		answer(w, map[string]any{"number": 1, "state": "open", "head": side("b"), "base": side("main")})
	})
	mux.HandleFunc("GET /api/v1/repos/o/r/branches/main", func(w http.ResponseWriter, _ *http.Request) { answer(w, map[string]any{"name": "main"}) })
	mux.HandleFunc("GET /api/v1/repos/o/r/commits/"+hash+"/status", func(w http.ResponseWriter, r *http.Request) {
		page, _ := strconv.Atoi(r.URL.Query().Get("page"))
		from, to := min(30*(page-1), len(checks)), min(30*page, len(checks))
		statuses := []map[string]any{}
		for i, state := range checks[from:to] {
			statuses = append(statuses, map[string]any{"context": fmt.Sprintf("check %d", from+i), "status": state})
		}
		if count != "" {
			w.Header().Set("X-Total-Count", count)
		}
		answer(w, map[string]any{"state": "success", "total_count": len(statuses), "statuses": statuses})
	})
	mux.HandleFunc("POST /api/v1/repos/o/r/pulls/1/merge", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Commit string `json:"head_commit_id"`
			Later  bool   `json:"merge_when_checks_succeed"`
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.Commit != hash || in.Later {
			t.Errorf("merge %+v, %v", in, err)
		}
		*merged++
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	r, err := forge.Open(&fleet.Forge{
		Provider: fleet.ForgeGitea, URL: server.URL + "/o/r", Token: pinsetter.NewSecret("", "token"),
	}, forge.Options{Environment: login.Environment{Getenv: func(string) string { return "" }}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// All checks of a commit are counted, and a count that isn't reached holds.
func TestGiteaCountsAllChecks(t *testing.T) {
	all := func(n int, states ...string) []string {
		return append(append([]string{}, strings.Fields(strings.Repeat("success ", n))...), states...)
	}
	for name, test := range map[string]struct {
		checks []string
		count  string
		why    string // "": merged
	}{
		"none":                      {nil, "0", ""},
		"none, and no count":        {nil, "", ""},
		"one page":                  {all(30), "30", ""},
		"two pages":                 {all(31), "31", ""},
		"the oldest failed":         {all(30, "failure"), "31", `the check "check 30" is failure`},
		"the oldest of four pages":  {all(100, "pending"), "101", `the check "check 100" is pending`},
		"more than are listed":      {all(31), "32", "Gitea doesn't list all checks of the commit"},
		"no count":                  {all(3), "", "Gitea doesn't list all checks of the commit"},
		"a count that is no number": {all(3), "many", "Gitea doesn't list all checks of the commit"},
		"skipped":                   {all(3, "skipped"), "4", ""},
	} {
		t.Run(name, func(t *testing.T) {
			merged := 0
			r := checksServer(t, test.checks, test.count, &merged)
			pr := &forge.PullRequest{Number: 1, State: forge.StateOpen, Head: "b", Base: "main", HeadHash: "1111111111111111111111111111111111111111"}
			what, why, err := r.Merge(t.Context(), pr)
			if err != nil || why != test.why || (what == forge.MergeDone) != (test.why == "") || (merged == 1) != (test.why == "") {
				t.Errorf("%s %q %v; merged %d times", what, why, err, merged)
			}
		})
	}
}
