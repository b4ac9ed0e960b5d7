package parts

import (
	"encoding/json"
	"fmt"
	"net/http"
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
	}
	r.merge(pr, in.Method)
	return reply{http.StatusOK, object{"sha": r.Head(pr.Base), "merged": true, "message": "Pull Request successfully merged"}}
}

// enableAutoMerge is the one mutation that the double knows:
// https://docs.github.com/graphql/reference/mutations#enablepullrequestautomerge
type enableAutoMerge struct {
	PullRequestID   string `json:"pullRequestId"`
	ExpectedHeadOID string `json:"expectedHeadOid"`
	MergeMethod     string `json:"mergeMethod"`
}

func (g *GitHub) serveGraphQL(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Query     string `json:"query"`
		Variables struct {
			Input enableAutoMerge `json:"input"`
		} `json:"variables"`
	}
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&in)
	const want = "mutation($input: EnablePullRequestAutoMergeInput!) { enablePullRequestAutoMerge(input: $input) { clientMutationId } }"
	if err == nil && strings.Join(strings.Fields(in.Query), " ") != want {
		err = fmt.Errorf("unknown query: %s", in.Query)
	}
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
	answer := object{"data": object{"enablePullRequestAutoMerge": object{"clientMutationId": nil}}}
	if kind, message := g.enable(who, in.Variables.Input); kind != "" {
		answer = object{
			"data":   object{"enablePullRequestAutoMerge": nil},
			"errors": []object{{"type": kind, "path": []string{"enablePullRequestAutoMerge"}, "message": message}},
		}
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(answer)
}

// enable returns the type and message of an error, as GitHub gives them.
func (g *GitHub) enable(who *githubToken, in enableAutoMerge) (kind, message string) {
	for _, r := range g.repositories {
		for number := range len(r.pulls) {
			pr := r.pull(number + 1)
			if r.node(pr) != in.PullRequestID || !who.sees(r) {
				continue
			}
			state := r.stateOf(pr)
			switch {
			case !who.may("pull_requests", "write") || !who.may("contents", "write"):
				return "FORBIDDEN", "Resource not accessible by integration"
			case !r.settings.AutoMerge:
				return "UNPROCESSABLE", "Pull request Auto merge is not allowed for this repository"
			case in.ExpectedHeadOID != "" && in.ExpectedHeadOID != pr.hash:
				return "UNPROCESSABLE", "The head of the pull request is not the expected one"
			case state == "clean" || state == "unstable":
				return "UNPROCESSABLE", "Pull request Pull request is in " + state + " status"
			}
			pr.AutoMerge, pr.method = true, strings.ToLower(in.MergeMethod)
			return "", ""
		}
	}
	return "NOT_FOUND", fmt.Sprintf("Could not resolve to a node with the global id of '%s'", in.PullRequestID)
}
