package parts

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// detailed returns what a merge request waits for, in GitLab's terms.
func (p *GitLabProject) detailed(m *gitlabMerge) string {
	_, err := p.tree(m)
	switch status := p.status[m.sha]; {
	case m.state != "opened":
		return "not_open"
	case gitlabDrafts.MatchString(m.title):
		return "draft_status"
	case err != nil:
		return "conflict"
	case p.rules.Pipeline && (status == "running" || status == "pending"):
		return "ci_still_running"
	case p.rules.Pipeline && status != "success":
		return "ci_must_pass"
	case len(m.approved) < p.rules.Approvals:
		return "not_approved"
	}
	return "mergeable"
}

// tree returns the hash of the tree that a merge would have, and an error for
// conflicts.
func (p *GitLabProject) tree(m *gitlabMerge) (string, error) {
	return p.git.run(p.Dir, nil, "merge-tree", "--write-tree", "refs/heads/"+m.target, m.sha)
}

// listStatuses returns the statuses that a test posted for a commit.
func (c *gitlabCall) listStatuses() (any, *gitlabError) {
	all := []any{}
	for i, s := range c.project.statuses[c.PathValue("sha")] {
		all = append(all, map[string]any{
			"id": i + 1, "sha": c.PathValue("sha"), "name": s.Name, "status": s.Status, "allow_failure": s.AllowFailure, "pipeline_id": s.Pipeline,
		})
	}
	return gitlabPage(c, all), nil
}

// acceptMerge merges now, or later if it is asked to and there is something to
// wait for.
func (c *gitlabCall) acceptMerge() (any, *gitlabError) {
	m, refused := c.merge()
	if refused != nil {
		return nil, refused
	}
	var in struct {
		Auto bool   `json:"auto_merge"`
		When bool   `json:"merge_when_pipeline_succeeds"`
		SHA  string `json:"sha"`
	}
	if refused := c.decode(&in); refused != nil {
		return nil, refused
	}
	if m.target == "main" && c.project.members[c.user.name] < GitLabMaintainer {
		return nil, gitlabRefuse(http.StatusUnauthorized, "401 Unauthorized")
	}
	pipeline, detailed := c.project.status[m.sha], c.project.detailed(m)
	now, later := detailed == "mergeable", false
	if in.Auto || in.When {
		runs := pipeline == "running" || pipeline == "pending"
		later = runs && slices.Contains([]string{"mergeable", "ci_still_running"}, detailed) || detailed == "not_approved"
		now = now && pipeline == "success"
	}
	switch {
	case !now && !later:
		return nil, gitlabRefuse(http.StatusMethodNotAllowed, "405 Method Not Allowed")
	case in.SHA != "" && in.SHA != m.sha:
		return nil, gitlabRefuse(http.StatusConflict, "SHA does not match HEAD of source branch: "+m.sha)
	case later:
		m.auto = true
	case c.project.merge(m) != nil:
		return nil, gitlabRefuse(http.StatusUnprocessableEntity, "Branch cannot be merged")
	}
	return c.wholeJSON(m), nil
}

// cancelMerge cancels a merge that acceptMerge scheduled. GitLab doesn't answer
// with a merge request, whatever its documentation said before 19.5, and a
// refusal's status is only in the body:
// https://gitlab.com/gitlab-org/gitlab/-/merge_requests/255704
func (c *gitlabCall) cancelMerge() (any, *gitlabError) {
	m, refused := c.merge()
	switch {
	case refused != nil:
		return nil, refused
	case m.target == "main" && c.project.members[c.user.name] < GitLabMaintainer && m.author != c.user:
		return nil, gitlabRefuse(http.StatusUnauthorized, "401 Unauthorized")
	case !m.auto:
		return map[string]any{"status": "error", "message": "Can't cancel the automatic merge", "http_status": http.StatusNotAcceptable}, nil
	}
	m.auto = false
	return map[string]any{"status": "success"}, nil
}

// mergeByItself merges a scheduled merge request once the rules are met.
func (p *GitLabProject) mergeByItself(m *gitlabMerge) {
	if m.auto && p.status[m.sha] == "success" && p.detailed(m) == "mergeable" {
		if err := p.merge(m); err != nil {
			p.gitlab.wrong = append(p.gitlab.wrong, err.Error())
		}
	}
}

// merge creates the merge commit.
func (p *GitLabProject) merge(m *gitlabMerge) error {
	tree, err := p.tree(m)
	if err != nil {
		return err
	}
	head := p.Head(m.target)
	message := fmt.Sprintf("Merge branch '%s' into '%s'", m.source, m.target)
	commit, err := p.git.run(p.Dir, strings.NewReader(message), "commit-tree", tree, "-p", head, "-p", m.sha)
	if err == nil {
		_, err = p.git.run(p.Dir, nil, "update-ref", "refs/heads/"+m.target, commit, head)
	}
	if err != nil {
		return err
	}
	m.state, m.mergeCommit, m.auto, m.updated = "merged", commit, false, p.gitlab.now()
	return nil
}

func (c *gitlabCall) approveMerge() (any, *gitlabError) {
	m, refused := c.merge()
	if refused != nil {
		return nil, refused
	}
	if m.author != c.user && !slices.Contains(m.approved, c.user.name) {
		m.approved = append(m.approved, c.user.name)
	}
	c.project.mergeByItself(m)
	return map[string]any{"iid": m.iid, "approved": len(m.approved) >= c.project.rules.Approvals}, nil
}

// listCommits returns the commits newest first, without their parents, since
// GitLab stores them outside of the repository.
func (c *gitlabCall) listCommits() (any, *gitlabError) {
	m, refused := c.merge()
	if refused != nil {
		return nil, refused
	}
	commits, refused := c.project.log(m.base + ".." + m.sha)
	if refused != nil {
		return nil, refused
	}
	return gitlabPage(c, commits), nil
}

// log returns the commits of git log.
func (p *GitLabProject) log(args ...string) ([]map[string]any, *gitlabError) {
	const format = "--format=%H%x1f%h%x1f%s%x1f%an%x1f%ae%x1f%aI%x1f%cn%x1f%ce%x1f%cI%x1f%B"
	out, err := p.git.run(p.Dir, nil, append([]string{"log", "-z", format}, args...)...)
	if err != nil {
		return nil, gitlabRefuse(http.StatusInternalServerError, err.Error())
	}
	commits := []map[string]any{}
	names := []string{"id", "short_id", "title", "author_name", "author_email", "authored_date", "committer_name", "committer_email", "committed_date", "message"}
	for record := range strings.SplitSeq(strings.TrimSuffix(out, "\x00"), "\x00") {
		commit := map[string]any{"parent_ids": []string{}}
		for i, value := range strings.SplitN(record, "\x1f", len(names)) {
			commit[names[i]] = value
		}
		commits = append(commits, commit)
	}
	return commits, nil
}

func (c *gitlabCall) listNotes() (any, *gitlabError) {
	m, refused := c.merge()
	if refused != nil {
		return nil, refused
	}
	all := []any{}
	for _, n := range slices.Backward(m.notes) {
		all = append(all, c.noteJSON(n))
	}
	return gitlabPage(c, all), nil
}

func (c *gitlabCall) createNote() (any, *gitlabError) {
	m, refused := c.merge()
	if refused != nil {
		return nil, refused
	}
	var in struct {
		Body string `json:"body"`
	}
	if refused := c.decode(&in); refused != nil {
		return nil, refused
	}
	if in.Body == "" {
		return nil, gitlabRefuse(http.StatusBadRequest, map[string]any{"note": []string{"can't be blank"}})
	}
	c.orders(in.Body)
	n := gitlabNote{id: len(m.notes) + 1, body: in.Body, by: c.user, at: c.now()}
	m.notes = append(m.notes, n)
	return c.noteJSON(n), nil
}

func (g *GitLab) noteJSON(n gitlabNote) map[string]any {
	return map[string]any{"id": n.id, "body": n.body, "system": false, "author": g.userJSON(n.by), "created_at": n.at.UTC(), "updated_at": n.at.UTC()}
}
