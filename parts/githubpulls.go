package parts

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// noPull is the answer for a pull request that doesn't exist.
func noPull() reply { return refuse(http.StatusNotFound, "Not Found") }

func (c *call) getRepository() reply { return reply{http.StatusOK, c.repository.json()} }

func (r *GitHubRepository) json() object {
	owner, name, _ := strings.Cut(r.Name, "/")
	return object{
		"id": r.id, "name": name, "full_name": r.Name, "owner": object{"login": owner}, "private": true,
		"html_url": strings.TrimSuffix(r.URL, ".git"), "archived": r.archived, "default_branch": "main",
		"allow_auto_merge": r.settings.AutoMerge, "allow_merge_commit": !r.settings.NoMergeCommit,
		"allow_squash_merge": !r.settings.NoSquash, "allow_rebase_merge": true,
	}
}

// pullJSON returns the API's representation of a pull request.
func (c *call) pullJSON(pr *githubPull) object {
	r := c.repository
	owner, _, _ := strings.Cut(r.Name, "/")
	source, headOwner := r.json(), owner
	if pr.fork {
		source, headOwner = object{"id": 1 << 30, "full_name": pr.author + "/fork"}, pr.author
	}
	out := object{
		"id": r.id*1000 + pr.Number, "number": pr.Number, "node_id": r.node(pr), "state": pr.State,
		"html_url": fmt.Sprintf("%s/pull/%d", strings.TrimSuffix(r.URL, ".git"), pr.Number),
		"title":    pr.Title, "draft": pr.Draft, "user": object{"login": pr.author},
		"merged": pr.Merged, "mergeable_state": r.stateOf(pr), "comments": len(pr.Comments),
		"labels": named("name", pr.Labels), "assignees": named("login", pr.Assignees),
		"head": object{"ref": pr.Head, "sha": pr.hash, "label": headOwner + ":" + pr.Head, "repo": source},
		"base": object{"ref": pr.Base, "sha": r.Head(pr.Base), "label": owner + ":" + pr.Base, "repo": r.json()},
	}
	if pr.Body != "" {
		out["body"] = pr.Body
	}
	if pr.Merged {
		out["merged_at"] = "2026-01-02T03:04:05Z"
	}
	if pr.AutoMerge {
		out["auto_merge"] = object{"merge_method": cmp.Or(pr.method, "merge")}
	}
	return out
}

// node is the ID of a pull request in GraphQL.
func (r *GitHubRepository) node(pr *githubPull) string {
	return fmt.Sprintf("PR_%d_%d", r.id, pr.Number)
}

func named(key string, names []string) []object {
	out := []object{}
	for _, name := range names {
		out = append(out, object{key: name})
	}
	return out
}

// listPulls returns the pull requests with a state and branches, newest first unless
// asked otherwise.
func (c *call) listPulls() reply {
	q := c.http.URL.Query()
	owner, _, _ := strings.Cut(c.repository.Name, "/")
	out := []any{}
	for number := len(c.repository.pulls); number > 0; number-- {
		pr := c.repository.pull(number)
		label := owner + ":" + pr.Head
		if pr.fork {
			label = pr.author + ":" + pr.Head
		}
		state := q.Get("state")
		fits := (state == "all" || pr.State == state || state == "" && pr.State == "open") &&
			// GitHub ignores a filter that isn't USER:REF.
			(!strings.Contains(q.Get("head"), ":") || q.Get("head") == label) &&
			(q.Get("base") == "" || q.Get("base") == pr.Base)
		if fits {
			out = append(out, c.pullJSON(pr))
		}
	}
	if q.Get("direction") == "asc" {
		slices.Reverse(out)
	}
	return reply{http.StatusOK, page(c, out)}
}

// page returns the requested page of a list.
func page(c *call, all []any) []any {
	q := c.http.URL.Query()
	size, err := strconv.Atoi(q.Get("per_page"))
	if err != nil {
		size = 30
	}
	size = min(size, 100)
	number, err := strconv.Atoi(q.Get("page"))
	if err != nil {
		number = 1
	}
	first := min((number-1)*size, len(all))
	return all[first:min(first+size, len(all))]
}

func invalid(field, code string) object {
	return object{"resource": "PullRequest", "field": field, "code": code}
}

func custom(message string) object {
	return object{"resource": "PullRequest", "code": "custom", "message": message}
}

func (c *call) createPull() reply {
	var in struct {
		Title, Head, Base, Body string
		Draft                   bool
	}
	c.into(&in)
	r := c.repository
	owner, _, _ := strings.Cut(r.Name, "/")
	in.Head = strings.TrimPrefix(in.Head, owner+":")
	var errs []any
	switch {
	case in.Title == "" || utf8.RuneCountInString(in.Title) > 256:
		errs = append(errs, invalid("title", "invalid"))
	case utf8.RuneCountInString(in.Body) > 65536:
		errs = append(errs, custom("body is too long (maximum is 65536 characters)"))
	case r.Head(in.Head) == "":
		errs = append(errs, invalid("head", "invalid"))
	case r.Head(in.Base) == "":
		errs = append(errs, invalid("base", "invalid"))
	case r.Git("rev-list", "--count", in.Base+".."+in.Head) == "0":
		errs = append(errs, custom(fmt.Sprintf("No commits between %s and %s", in.Base, in.Head)))
	}
	for number := range len(r.pulls) {
		if pr := r.pull(number + 1); pr.State == "open" && !pr.fork && pr.Head == in.Head && pr.Base == in.Base {
			errs = append(errs, custom(fmt.Sprintf("A pull request already exists for %s:%s.", owner, in.Head)))
		}
	}
	if len(errs) > 0 {
		return refuse(http.StatusUnprocessableEntity, "Validation Failed", errs...)
	}
	pr := r.open(&githubPull{GitHubPull: GitHubPull{Head: in.Head, Base: in.Base}, author: c.who.name()})
	pr.Title, pr.Body, pr.Draft = in.Title, in.Body, in.Draft
	return reply{http.StatusCreated, c.pullJSON(pr)}
}

func (c *call) getPull() reply {
	pr := c.repository.pull(c.number("pull_number"))
	if pr == nil {
		return noPull()
	}
	return reply{http.StatusOK, c.pullJSON(pr)}
}

func (c *call) editPull() reply {
	var in struct {
		Title, Body, State *string
	}
	c.into(&in)
	pr := c.repository.pull(c.number("pull_number"))
	switch {
	case pr == nil:
		return noPull()
	case in.Body != nil && utf8.RuneCountInString(*in.Body) > 65536:
		return refuse(http.StatusUnprocessableEntity, "Validation Failed", custom("body is too long (maximum is 65536 characters)"))
	}
	for to, from := range map[*string]*string{&pr.Title: in.Title, &pr.Body: in.Body, &pr.State: in.State} {
		if from != nil {
			*to = *from
		}
	}
	return reply{http.StatusOK, c.pullJSON(pr)}
}

func (c *call) listPullCommits() reply {
	pr := c.repository.pull(c.number("pull_number"))
	if pr == nil {
		return noPull()
	}
	out := []any{}
	for hash := range strings.FieldsSeq(c.repository.Git("rev-list", "--reverse", "--max-count=250", pr.Base+".."+pr.hash)) {
		commit := c.repository.commitJSON(hash)
		out = append(out, object{"sha": hash, "commit": commit, "parents": commit["parents"]})
	}
	return reply{http.StatusOK, page(c, out)}
}

// Everybody except "nobody" may be assigned and asked for a review.
const nobody = "nobody"

func (c *call) requestReviewers() reply {
	var in struct {
		Reviewers     []string
		TeamReviewers []string `json:"team_reviewers"`
	}
	c.into(&in)
	pr := c.repository.pull(c.number("pull_number"))
	switch {
	case pr == nil:
		return noPull()
	case slices.Contains(in.Reviewers, nobody):
		return refuse(http.StatusUnprocessableEntity, "Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the "+c.repository.Name+" repository.")
	case slices.Contains(in.Reviewers, pr.author):
		return refuse(http.StatusUnprocessableEntity, "Review cannot be requested from pull request author.")
	case len(in.TeamReviewers) > 0 && !c.who.may("members", "read"):
		return refuse(http.StatusUnprocessableEntity, "Could not resolve to a node with the global id of a team.")
	}
	owner, _, _ := strings.Cut(c.repository.Name, "/")
	for _, team := range in.TeamReviewers {
		in.Reviewers = append(in.Reviewers, owner+"/"+team)
	}
	pr.Reviewers = join(pr.Reviewers, in.Reviewers)
	return reply{http.StatusCreated, c.pullJSON(pr)}
}

func (c *call) addLabels() reply {
	var in struct{ Labels []string }
	c.into(&in)
	pr := c.repository.pull(c.number("issue_number"))
	if pr == nil {
		return noPull()
	}
	pr.Labels = join(pr.Labels, in.Labels)
	return reply{http.StatusOK, named("name", pr.Labels)}
}

func (c *call) addAssignees() reply {
	var in struct{ Assignees []string }
	c.into(&in)
	pr := c.repository.pull(c.number("issue_number"))
	if pr == nil {
		return noPull()
	}
	in.Assignees = slices.DeleteFunc(in.Assignees, func(name string) bool { return name == nobody })
	pr.Assignees = join(pr.Assignees, in.Assignees)
	return reply{http.StatusCreated, object{"number": pr.Number, "title": pr.Title, "state": pr.State, "assignees": named("login", pr.Assignees)}}
}

// join adds the missing elements of another list.
func join(has, more []string) []string {
	for _, name := range more {
		if !slices.Contains(has, name) {
			has = append(has, name)
		}
	}
	return has
}

func (c *call) listComments() reply {
	pr := c.repository.pull(c.number("issue_number"))
	if pr == nil {
		return noPull()
	}
	out := []any{}
	for i, text := range pr.Comments {
		out = append(out, object{"id": i + 1, "body": text})
	}
	return reply{http.StatusOK, page(c, out)}
}

func (c *call) createComment() reply {
	var in struct{ Body string }
	c.into(&in)
	pr := c.repository.pull(c.number("issue_number"))
	switch {
	case pr == nil:
		return noPull()
	case utf8.RuneCountInString(in.Body) > 65536:
		return refuse(http.StatusUnprocessableEntity, "Validation Failed", custom("body is too long (maximum is 65536 characters)"))
	}
	pr.Comments = append(pr.Comments, in.Body)
	return reply{http.StatusCreated, object{"id": len(pr.Comments), "body": in.Body}}
}
