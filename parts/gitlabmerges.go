package parts

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// gitlabMerge is a merge request.
type gitlabMerge struct {
	iid                int
	from               *GitLabProject
	source, target     string
	sha, base          string // of the source branch, and its start
	title, description string
	state              string
	author             *gitlabUser
	reviewers          []*gitlabUser
	assignees          []*gitlabUser
	labels             []string
	notes              []gitlabNote
	approved           []string
	auto               bool
	created, updated   time.Time
	mergeCommit        string
}

type gitlabNote struct {
	id   int
	body string
	by   *gitlabUser
	at   time.Time
}

var (
	gitlabDrafts = regexp.MustCompile(`(?i)^(\[draft\]|\(draft\)|draft:)`)
	gitlabOrders = regexp.MustCompile(`(?m)^/[a-z_]+`)
)

// merge returns the merge request in a path.
func (c *gitlabCall) merge() (*gitlabMerge, *gitlabError) {
	iid, _ := strconv.Atoi(c.PathValue("iid"))
	if iid < 1 || iid > len(c.project.merges) {
		return nil, gitlabRefuse(http.StatusNotFound, "404 Not found")
	}
	m := c.project.merges[iid-1]
	c.project.refresh(m)
	return m, nil
}

// refresh takes over pushes to the branch of an open merge request. They cancel
// a scheduled merge.
func (p *GitLabProject) refresh(m *gitlabMerge) {
	head := m.from.Head(m.source)
	if m.state != "opened" || head == "" || head == m.sha {
		return
	}
	if m.from != p {
		p.Git("fetch", "-q", m.from.Dir, head)
	}
	base, err := p.git.run(p.Dir, nil, "merge-base", "refs/heads/"+m.target, head)
	if err != nil {
		p.gitlab.wrong = append(p.gitlab.wrong, err.Error())
	}
	m.sha, m.base, m.auto, m.updated = head, base, false, p.gitlab.now()
}

func (c *gitlabCall) listMerges() (any, *gitlabError) {
	q := c.URL.Query()
	all := []any{}
	for _, m := range slices.Backward(c.project.merges) {
		c.project.refresh(m)
		if (q.Get("state") == "" || q.Get("state") == "all" || q.Get("state") == m.state) &&
			(q.Get("source_branch") == "" || q.Get("source_branch") == m.source) &&
			(q.Get("target_branch") == "" || q.Get("target_branch") == m.target) {
			all = append(all, c.mergeJSON(m))
		}
	}
	if by := q.Get("order_by"); by != "" && by != "created_at" {
		return nil, gitlabRefuse(http.StatusBadRequest, "400 Bad request - the part orders by created_at alone")
	}
	if q.Get("sort") == "asc" {
		slices.Reverse(all)
	}
	return gitlabPage(c, all), nil
}

func (c *gitlabCall) getMerge() (any, *gitlabError) {
	m, refused := c.merge()
	if refused != nil {
		return nil, refused
	}
	return c.wholeJSON(m), nil
}

// wholeJSON returns a merge request as the API shows it alone, with fields that
// lists lack.
func (c *gitlabCall) wholeJSON(m *gitlabMerge) map[string]any {
	out := c.mergeJSON(m)
	out["head_pipeline"] = nil
	if status := c.project.status[m.sha]; status != "" {
		out["head_pipeline"] = map[string]any{"id": 1, "sha": m.sha, "ref": m.source, "status": status}
	}
	out["user"] = map[string]any{"can_merge": c.project.members[c.user.name] >= GitLabMaintainer}
	return out
}

func (c *gitlabCall) mergeJSON(m *gitlabMerge) map[string]any {
	users := func(all []*gitlabUser) []any {
		out := []any{}
		for _, u := range all {
			out = append(out, c.userJSON(u))
		}
		return out
	}
	return map[string]any{
		"id": 1000*c.project.ID + m.iid, "iid": m.iid, "project_id": c.project.ID,
		"source_project_id": m.from.ID, "target_project_id": c.project.ID,
		"source_branch": m.source, "target_branch": m.target, "sha": m.sha, "merge_commit_sha": gitlabNull(m.mergeCommit),
		"title": m.title, "description": m.description, "state": m.state, "draft": gitlabDrafts.MatchString(m.title),
		"author": c.userJSON(m.author), "reviewers": users(m.reviewers), "assignees": users(m.assignees), "labels": m.labels,
		"web_url":          fmt.Sprintf("%s/%s/-/merge_requests/%d", c.Front.URL, c.project.Name, m.iid),
		"user_notes_count": len(m.notes), "merge_when_pipeline_succeeds": m.auto,
		"detailed_merge_status": c.project.detailed(m), "has_conflicts": false,
		"created_at": m.created.UTC(), "updated_at": m.updated.UTC(), "prepared_at": m.created.UTC(),
	}
}

func gitlabNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// gitlabEdit are the fields for creating and updating a merge request.
type gitlabEdit struct {
	Source      string  `json:"source_branch"`
	Target      string  `json:"target_branch"`
	Into        int     `json:"target_project_id"`
	Title       *string `json:"title"`
	Description *string `json:"description"`
	Labels      *string `json:"labels"`
	Reviewers   *[]int  `json:"reviewer_ids"`
	Assignees   *[]int  `json:"assignee_ids"`
	StateEvent  string  `json:"state_event"`
}

func (c *gitlabCall) createMerge() (any, *gitlabError) {
	var in gitlabEdit
	if refused := c.decode(&in); refused != nil {
		return nil, refused
	}
	from := c.project
	if in.Into != 0 {
		c.project = c.find(strconv.Itoa(in.Into))
	}
	switch {
	case in.Title == nil || in.Source == "" || in.Target == "":
		return nil, &gitlabError{http.StatusBadRequest, map[string]any{"error": "title, source_branch or target_branch is missing"}}
	case c.project == nil:
		return nil, gitlabRefuse(http.StatusNotFound, "404 Not found")
	case from == c.project && in.Source == in.Target:
		return nil, gitlabRefuse(http.StatusUnprocessableEntity, []string{"You can't use same project/branch for source and target"})
	}
	for _, other := range c.project.merges {
		if other.state == "opened" && other.from == from && other.source == in.Source && other.target == in.Target {
			return nil, gitlabRefuse(http.StatusConflict, []string{fmt.Sprintf("Another open merge request already exists for this source branch: !%d", other.iid)})
		}
	}
	m := &gitlabMerge{
		iid: len(c.project.merges) + 1, from: from, source: in.Source, target: in.Target, state: "opened",
		author: c.user, created: c.now(), labels: []string{},
	}
	if refused := c.apply(m, in); refused != nil {
		return nil, refused
	}
	c.project.merges = append(c.project.merges, m)
	c.project.refresh(m)
	return c.wholeJSON(m), nil
}

func (c *gitlabCall) updateMerge() (any, *gitlabError) {
	m, refused := c.merge()
	if refused != nil {
		return nil, refused
	}
	var in gitlabEdit
	if refused := c.decode(&in); refused != nil {
		return nil, refused
	}
	if refused := c.apply(m, in); refused != nil {
		return nil, refused
	}
	switch {
	case in.StateEvent == "close" && m.state == "opened":
		m.state, m.auto = "closed", false
	case in.StateEvent == "reopen" && m.state == "closed":
		m.state = "opened"
	}
	return c.wholeJSON(m), nil
}

// apply sets the given fields.
func (c *gitlabCall) apply(m *gitlabMerge, in gitlabEdit) *gitlabError {
	if in.Title != nil {
		if n := len([]rune(*in.Title)); n == 0 || n > 255 {
			return gitlabRefuse(http.StatusBadRequest, map[string]any{"title": []string{"is too long (maximum is 255 characters)"}})
		}
		m.title = *in.Title
	}
	if in.Description != nil {
		c.orders(*in.Description)
		m.description = *in.Description
	}
	if in.Labels != nil {
		m.labels = slices.DeleteFunc(strings.Split(*in.Labels, ","), func(s string) bool { return s == "" })
	}
	if in.Reviewers != nil {
		m.reviewers = c.numbered(*in.Reviewers)
	}
	if in.Assignees != nil {
		m.assignees = c.numbered(*in.Assignees)
	}
	m.updated = c.now()
	return nil
}

// numbered returns users by number. Like GitLab, it ignores unknown numbers.
func (g *GitLab) numbered(ids []int) []*gitlabUser {
	var users []*gitlabUser
	for _, u := range g.users {
		if slices.Contains(ids, u.id) {
			users = append(users, u)
		}
	}
	return users
}

// orders records quick actions in a text, which GitLab would carry out.
func (c *gitlabCall) orders(text string) {
	for _, line := range gitlabOrders.FindAllString(text, -1) {
		c.wrong = append(c.wrong, fmt.Sprintf("quick action %s: %s %s", line, c.Method, c.URL))
	}
}
