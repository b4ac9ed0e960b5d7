package parts

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestGitHubIsStrict: what GitHub doesn't document fails who sends it.
func TestGitHubIsStrict(t *testing.T) {
	for name, test := range map[string]struct{ method, path, body, says string }{
		"a path":         {http.MethodGet, "/repos/acme/app/pull/1", "", "no matching operation"},
		"a method":       {http.MethodDelete, "/repos/acme/app/pulls/1", "", "method not allowed"},
		"a field":        {http.MethodPatch, "/repos/acme/app/pulls/1", `{"labels":["x"]}`, `the field "labels" is unknown`},
		"a type":         {http.MethodPatch, "/repos/acme/app/pulls/1", `{"title":1}`, "title"},
		"a query":        {http.MethodGet, "/repos/acme/app/pulls?heads=x", "", `the query "heads" is unknown`},
		"an inner field": {http.MethodPost, "/repos/acme/app/git/trees", `{"tree":[{"size":1}]}`, `the field "size" is unknown`},
	} {
		err := Run(func(t T) {
			g := NewGitHub(t)
			g.NewRepository("acme/app", map[string]string{"a": "1"})
			request, err := http.NewRequest(test.method, g.URL+"/api/v3"+test.path, strings.NewReader(test.body))
			if err != nil {
				t.Fatalf("%v", err)
			}
			request.Header.Set("Authorization", "Bearer "+g.NewToken("bot", "repo"))
			request.Header.Set("Content-Type", "application/json")
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatalf("%v", err)
			}
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
		})
		if err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestGitHubsMutationsAreStrict: the second takes less than the first.
func TestGitHubsMutationsAreStrict(t *testing.T) {
	const disable = `mutation($input: DisablePullRequestAutoMergeInput!) { disablePullRequestAutoMerge(input: $input) { clientMutationId } }`
	for body, says := range map[string]string{
		`{"query":"query { viewer { login } }"}`:                                                        "unknown query: query { viewer { login } }",
		`{"query":"` + disable + `","variables":{"input":{"pullRequestId":"x","expectedHeadOid":"y"}}}`: `unknown field "expectedHeadOid"`,
	} {
		err := Run(func(t T) {
			g := NewGitHub(t)
			response, err := http.Post(g.URL+"/api/graphql", "application/json", strings.NewReader(body))
			if err != nil {
				t.Fatalf("%v", err)
			}
			_ = response.Body.Close()
		})
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestGitHubWantsItsFaults(t *testing.T) {
	err := Run(func(t T) {
		NewGitHub(t).Fail(GitHubFault{Request: "GET /repos/{owner}/{repo}", Status: http.StatusBadGateway})
	})
	if err == nil || !strings.Contains(err.Error(), "GET /repos/{owner}/{repo} never came") {
		t.Errorf("%v", err)
	}
}
