package parts

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

func (c *call) mergePull() reply {
	in := struct {
		SHA    string
		Method string `json:"merge_method"`
	}{Method: "merge"}
	c.into(&in)
	r := c.repository
	pr := r.pull(c.number("pull_number"))
	switch {
	case pr == nil:
		return noPull()
	case in.SHA != "" && in.SHA != pr.hash:
		return refuse(http.StatusConflict, "Head branch was modified. Review and try the merge again.")
	case r.stateOf(pr) != "clean" && r.stateOf(pr) != "unstable":
		return refuse(http.StatusMethodNotAllowed, "Pull Request is not mergeable")
	case in.Method == "merge" && r.settings.NoMergeCommit:
		return refuse(http.StatusMethodNotAllowed, "Merge commits are not allowed on this repository.")
	case in.Method == "squash" && r.settings.NoSquash:
		return refuse(http.StatusMethodNotAllowed, "Squash merges are not allowed on this repository.")
	case r.settings.forbids(in.Method):
		return refuse(http.StatusMethodNotAllowed, "Repository rule violations found")
	}
	r.merge(pr, in.Method)
	return reply{http.StatusOK, object{"sha": r.Head(pr.Base), "merged": true, "message": "Pull Request successfully merged"}}
}

// serveRules serves the rules of a branch, which anybody who sees a repository may
// read: https://docs.github.com/rest/repos/rules#get-rules-for-a-branch
func (g *GitHub) serveRules(w http.ResponseWriter, r *http.Request) {
	name, branch, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/api/v3/repos/"), "/rules/branches/")
	repository, who := g.repository(name), g.tokens[bearer(r)]
	if r.Method != http.MethodGet || repository == nil || who == nil || !who.sees(repository) || repository.Head(branch) == "" {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = io.WriteString(w, cmp.Or(repository.settings.Rules, "[]"))
}

// forbids reports whether the rules forbid a method of merging.
func (s GitHubSettings) forbids(method string) bool {
	var rules []struct {
		Type       string
		Parameters struct {
			Methods []string `json:"allowed_merge_methods"`
		}
	}
	_ = json.Unmarshal([]byte(s.Rules), &rules)
	for _, rule := range rules {
		methods := rule.Parameters.Methods
		if rule.Type == "required_linear_history" && method == "merge" || len(methods) > 0 && !slices.Contains(methods, method) {
			return true
		}
	}
	return false
}

// mutation is the input of a GraphQL mutation.
type mutation interface {
	// id is the pull request's.
	id() string

	// run returns GitHub's objection, or "" if the mutation was carried out.
	run(r *GitHubRepository, pr *githubPull) string
}

// mutations are the supported ones:
// https://docs.github.com/graphql/reference/mutations
var mutations = map[string]func() mutation{
	"enablePullRequestAutoMerge":  func() mutation { return new(enableAutoMerge) },
	"disablePullRequestAutoMerge": func() mutation { return new(disableAutoMerge) },
}

// mutationOf returns the name and the input of a request's mutation.
func mutationOf(r *http.Request) (string, mutation, error) {
	var in struct {
		Query     string `json:"query"`
		Variables struct {
			Input json.RawMessage `json:"input"`
		} `json:"variables"`
	}
	if err := strictly(r.Body, &in); err != nil {
		return "", nil, err
	}
	for name, input := range mutations {
		want := fmt.Sprintf("mutation($input: %sInput!) { %s(input: $input) { clientMutationId } }", strings.ToUpper(name[:1])+name[1:], name)
		if strings.Join(strings.Fields(in.Query), " ") == want {
			m := input()
			return name, m, strictly(bytes.NewReader(in.Variables.Input), m)
		}
	}
	return "", nil, fmt.Errorf("unknown query: %s", in.Query)
}

// strictly parses JSON that may have only the fields of out.
func strictly(r io.Reader, out any) error {
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	return d.Decode(out)
}

func (g *GitHub) serveGraphQL(w http.ResponseWriter, r *http.Request) {
	name, m, err := mutationOf(r)
	if err != nil || r.Method != http.MethodPost {
		g.wrong = append(g.wrong, fmt.Sprintf("%s /graphql: %v", r.Method, err))
		w.WriteHeader(http.StatusTeapot)
		return
	}
	who := g.tokens[bearer(r)]
	if who == nil {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"message":"Bad credentials"}`))
		return
	}
	answer := object{"data": object{name: object{"clientMutationId": nil}}}
	if kind, message := g.mutate(who, m); kind != "" {
		answer = object{
			"data":   object{name: nil},
			"errors": []object{{"type": kind, "path": []string{name}, "message": message}},
		}
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(answer)
}

// mutate returns the type and message of an error in GitHub's form.
func (g *GitHub) mutate(who *githubToken, m mutation) (kind, message string) {
	for _, r := range g.repositories {
		for number := range len(r.pulls) {
			pr := r.pull(number + 1)
			if r.node(pr) != m.id() || !who.sees(r) {
				continue
			}
			if !who.may("pull_requests", "write") || !who.may("contents", "write") {
				return "FORBIDDEN", "Resource not accessible by integration"
			}
			if message := m.run(r, pr); message != "" {
				return "UNPROCESSABLE", message
			}
			return "", ""
		}
	}
	return "NOT_FOUND", fmt.Sprintf("Could not resolve to a node with the global id of '%s'", m.id())
}

type enableAutoMerge struct {
	PullRequestID   string `json:"pullRequestId"`
	ExpectedHeadOID string `json:"expectedHeadOid"`
	MergeMethod     string `json:"mergeMethod"`
}

func (in *enableAutoMerge) id() string { return in.PullRequestID }

func (in *enableAutoMerge) run(r *GitHubRepository, pr *githubPull) string {
	state := r.stateOf(pr)
	switch {
	case !r.settings.AutoMerge:
		return "Pull request Auto merge is not allowed for this repository"
	case in.ExpectedHeadOID != "" && in.ExpectedHeadOID != pr.hash:
		return "The head of the pull request is not the expected one"
	case state == "clean" || state == "unstable":
		return "Pull request Pull request is in " + state + " status"
	}
	pr.AutoMerge, pr.method = true, strings.ToLower(in.MergeMethod)
	return ""
}

type disableAutoMerge struct {
	PullRequestID string `json:"pullRequestId"`
}

func (in *disableAutoMerge) id() string { return in.PullRequestID }

func (in *disableAutoMerge) run(_ *GitHubRepository, pr *githubPull) string {
	if pr.State != "open" || !pr.AutoMerge {
		return "Can't disable auto-merge for this pull request"
	}
	pr.AutoMerge = false
	return ""
}
