package parts

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// GitLabProject is a project at a GitLab, with its repository. Changes take
// effect with the next request.
type GitLabProject struct {
	*Repository
	ID  int
	API string // "/projects/ID", for Must and Do

	gitlab   *GitLab
	old      []string       // former paths
	members  map[string]int // roles by user
	archived bool
	merges   []*gitlabMerge
	status   map[string]string         // of pipelines, by commit
	statuses map[string][]GitLabStatus // of jobs and others, by commit
	rules    GitLabRules
}

// GitLabStatus is the status of a commit by a job or another program. The merge
// request's pipeline is 1.
type GitLabStatus struct {
	Name, Status string
	Pipeline     int
	AllowFailure bool
}

// GitLabRules are conditions for merging. With the zero value a maintainer may
// merge.
type GitLabRules struct {
	Pipeline  bool // it must succeed
	Approvals int
	Trains    bool // merge trains are on
}

// NewProject creates a private project with groups and a name, "a/b/name". Its
// first commit has files on main, which is protected.
func (g *GitLab) NewProject(path string, files map[string]string) *GitLabProject {
	g.t.Helper()
	r := g.git.NewRepository(path, RepositoryOptions{Tree: Tree{Files: files}})
	return g.add(r)
}

func (g *GitLab) add(r *Repository) *GitLabProject {
	g.mu.Lock()
	defer g.mu.Unlock()
	id := len(g.projects) + 1
	p := &GitLabProject{
		Repository: r, ID: id, API: fmt.Sprintf("/projects/%d", id), gitlab: g,
		members: map[string]int{g.User: GitLabMaintainer}, status: map[string]string{}, statuses: map[string][]GitLabStatus{},
	}
	g.projects = append(g.projects, p)
	return p
}

// Fork creates a fork at another path, with the same members.
func (p *GitLabProject) Fork(path string) *GitLabProject {
	p.git.t.Helper()
	r := p.git.NewRepository(path, RepositoryOptions{})
	r.Git("fetch", "-q", p.Dir, "refs/heads/*:refs/heads/*")
	fork := p.gitlab.add(r)
	p.set(func() {
		for user, role := range p.members {
			fork.members[user] = role
		}
	})
	return fork
}

// Member gives a user a role, such as GitLabDeveloper.
func (p *GitLabProject) Member(user string, role int) { p.set(func() { p.members[user] = role }) }

// Archive makes the project read-only.
func (p *GitLabProject) Archive() { p.set(func() { p.archived = true }) }

// Require sets the rules.
func (p *GitLabProject) Require(rules GitLabRules) { p.set(func() { p.rules = rules }) }

// Pipeline sets the status of a commit's pipeline, such as "running" or
// "success". A success runs the scheduled merges.
func (p *GitLabProject) Pipeline(hash, status string) {
	p.set(func() {
		p.status[hash] = status
		for _, m := range p.merges {
			p.refresh(m)
			p.mergeByItself(m)
		}
	})
}

// Statuses sets a commit's statuses.
func (p *GitLabProject) Statuses(hash string, statuses ...GitLabStatus) {
	p.set(func() { p.statuses[hash] = statuses })
}

// Rename gives the project another path. The old path redirects.
func (p *GitLabProject) Rename(path string) {
	p.git.t.Helper()
	p.set(func() {
		p.old = append(p.old, p.Name)
		dir := filepath.Join(p.git.Root, filepath.FromSlash(path)+".git")
		err := os.MkdirAll(filepath.Dir(dir), 0o700)
		if err == nil {
			err = os.Rename(p.Dir, dir)
		}
		if err != nil {
			p.git.t.Fatalf("gitlab: rename a project: %v", err)
		}
		p.Name, p.Dir, p.URL = path, dir, p.gitlab.URL+"/"+path+".git"
	})
}

func (p *GitLabProject) set(f func()) {
	p.gitlab.mu.Lock()
	defer p.gitlab.mu.Unlock()
	f()
}

// serveGit serves a project's repository to clients whose password is a valid
// token.
func (g *GitLab) serveGit(w http.ResponseWriter, r *http.Request) {
	path, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), ".git/")
	_, password, _ := r.BasicAuth()
	g.mu.Lock()
	token, found := g.tokens[password]
	role := 0
	p := g.find(path)
	if p != nil && found {
		role = p.members[token.user.name]
	}
	writes := strings.Contains(r.URL.RequestURI(), "git-receive-pack")
	barred := p != nil && writes && (p.archived || role < GitLabDeveloper || token.scope != "api")
	moved := slices.IndexFunc(g.projects, func(p *GitLabProject) bool { return slices.Contains(p.old, path) })
	var to string
	if moved >= 0 {
		to = "/" + g.projects[moved].Name + strings.TrimPrefix(r.URL.RequestURI(), "/"+path)
	}
	g.mu.Unlock()
	switch {
	case !found:
		w.Header().Set("WWW-Authenticate", `Basic realm="GitLab"`)
		http.Error(w, "HTTP Basic: Access denied", http.StatusUnauthorized)
	case to != "":
		http.Redirect(w, r, to, http.StatusMovedPermanently)
	case role == 0:
		http.Error(w, "The project you were looking for could not be found", http.StatusNotFound)
	case barred:
		http.Error(w, "You are not allowed to push code to this project", http.StatusForbidden)
	default:
		g.git.serve(w, r)
	}
}

func (c *gitlabCall) listUsers() (any, *gitlabError) {
	users := []any{}
	if u := c.named(c.URL.Query().Get("username")); u != nil {
		users = append(users, c.userJSON(u))
	}
	return gitlabPage(c, users), nil
}

func (g *GitLab) userJSON(u *gitlabUser) map[string]any {
	return map[string]any{"id": u.id, "username": u.name, "name": u.name, "state": "active", "locked": false, "web_url": g.URL + "/" + u.name}
}

func (c *gitlabCall) getProject() (any, *gitlabError) {
	p := c.project
	return map[string]any{
		"id": p.ID, "path_with_namespace": p.Name, "default_branch": "main", "archived": p.archived,
		"web_url": c.Front.URL + "/" + p.Name, "http_url_to_repo": p.Repository.URL,
		"only_allow_merge_if_pipeline_succeeds": p.rules.Pipeline, "merge_trains_enabled": p.rules.Trains,
	}, nil
}

func (c *gitlabCall) getBranch() (any, *gitlabError) {
	name := c.PathValue("branch")
	hash := c.project.Head(name)
	if hash == "" {
		return nil, gitlabRefuse(http.StatusNotFound, "404 Branch Not Found")
	}
	commits, refused := c.project.log(hash, "-1")
	if refused != nil {
		return nil, refused
	}
	return map[string]any{
		"name": name, "default": name == "main", "protected": name == "main", "merged": false,
		"commit": commits[0], "web_url": c.Front.URL + "/" + c.project.Name + "/-/tree/" + name,
	}, nil
}
