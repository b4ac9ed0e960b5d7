package parts

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// GitHubRepository is a private repository at a double of GitHub. Its methods
// are actions of people.
type GitHubRepository struct {
	*Repository

	github   *GitHub
	id       int
	before   []string // former names
	archived bool
	settings GitHubSettings
	pulls    []*githubPull
	signed   map[string]bool // commits that GitHub signed
}

// GitHubSettings are a repository's settings. The zero value allows all merge
// methods and no auto-merge.
type GitHubSettings struct {
	AutoMerge               bool
	NoMergeCommit, NoSquash bool
	NoSigning               bool   // the server's commit signing is not set up
	Rules                   string // of each branch, as JSON; "": none
}

// GitHubPull is a pull request as people see it.
type GitHubPull struct {
	Number                       int
	Head, Base                   string // branches
	Title, Body, State           string // State is "open" or "closed"
	Draft, Merged, AutoMerge     bool
	Labels, Assignees, Reviewers []string // a team is "org/team"
	Comments                     []string
}

// githubPull is a pull request as GitHub stores it.
type githubPull struct {
	GitHubPull
	author    string
	fork      bool   // head is in a fork
	hash      string // head's latest commit
	method    string // of the auto-merge
	mergeable string // set by SetMergeable; "": computed
}

// NewRepository creates a private repository, "OWNER/NAME". Its first commit
// has files on main.
func (g *GitHub) NewRepository(name string, files map[string]string) *GitHubRepository {
	g.t.Helper()
	r := &GitHubRepository{github: g, signed: map[string]bool{}}
	r.Repository = g.git.NewRepository(name, RepositoryOptions{Tree: Tree{Files: files}})
	g.mu.Lock()
	defer g.mu.Unlock()
	r.id = g.id()
	g.repositories = append(g.repositories, r)
	return r
}

// repository returns the repository with a name, or nil.
func (g *GitHub) repository(name string) *GitHubRepository {
	for _, r := range g.repositories {
		if strings.EqualFold(r.Name, name) {
			return r
		}
	}
	return nil
}

// change runs f while no request is being served.
func (r *GitHubRepository) change(f func()) {
	r.github.mu.Lock()
	defer r.github.mu.Unlock()
	f()
}

// Set changes the settings.
func (r *GitHubRepository) Set(s GitHubSettings) { r.change(func() { r.settings = s }) }

// Archive makes it read-only.
func (r *GitHubRepository) Archive() { r.change(func() { r.archived = true }) }

// Rename gives it another name, "OWNER/NAME". Requests to the old name are
// redirected.
func (r *GitHubRepository) Rename(name string) {
	r.git.t.Helper()
	r.change(func() {
		to := filepath.Join(r.git.Root, filepath.FromSlash(name)+".git")
		err := os.MkdirAll(filepath.Dir(to), 0o700)
		if err == nil {
			err = os.Rename(r.Dir, to)
		}
		if err != nil {
			r.git.t.Fatalf("rename %s: %v", r.Name, err)
		}
		r.before = append(r.before, r.Name)
		r.Name, r.Dir, r.URL = name, to, r.github.URL+"/"+name+".git"
	})
}

// Pull returns the current state of a pull request.
func (r *GitHubRepository) Pull(number int) GitHubPull {
	r.git.t.Helper()
	var out GitHubPull
	r.change(func() {
		pr := r.pull(number)
		if pr == nil {
			r.git.t.Fatalf("%s has no pull request #%d", r.Name, number)
			return
		}
		out = pr.GitHubPull
		for _, list := range []*[]string{&out.Labels, &out.Assignees, &out.Reviewers, &out.Comments} {
			*list = slices.Clone(*list)
		}
	})
	return out
}

// Pulls returns the number of pull requests. They are numbered from 1.
func (r *GitHubRepository) Pulls() int {
	var n int
	r.change(func() { n = len(r.pulls) })
	return n
}

// Edit changes a pull request as a person does: its title, body, state, labels
// and so on.
func (r *GitHubRepository) Edit(number int, f func(*GitHubPull)) {
	r.change(func() { f(&r.pull(number).GitHubPull) })
}

// ForkPull opens a pull request from a fork's branch with the commits of one of
// this repository's branches.
func (r *GitHubRepository) ForkPull(author, head, base string) int {
	var number int
	r.change(func() {
		pr := r.open(&githubPull{GitHubPull: GitHubPull{Head: head, Base: base}, author: author, fork: true})
		number = pr.Number
	})
	return number
}

// SetMergeable sets the mergeable state of a pull request: "blocked",
// "unstable", "behind", "unknown" and so on, or "" to compute it. If auto-merge
// is on, "clean" merges the pull request.
func (r *GitHubRepository) SetMergeable(number int, state string) {
	r.change(func() {
		pr := r.pull(number)
		pr.mergeable = state
		if pr.AutoMerge && r.stateOf(pr) == "clean" {
			r.merge(pr, cmp.Or(pr.method, "merge"))
		}
	})
}

// Merge merges a pull request as a person does: "merge", "squash" or "rebase".
func (r *GitHubRepository) Merge(number int, method string) {
	r.change(func() { r.merge(r.pull(number), method) })
}

// DeleteBranch deletes a branch, which closes its pull requests.
func (r *GitHubRepository) DeleteBranch(branch string) {
	r.git.t.Helper()
	r.Git("update-ref", "-d", "refs/heads/"+branch)
}

// open adds a pull request.
func (r *GitHubRepository) open(pr *githubPull) *githubPull {
	pr.Number, pr.State, pr.hash = len(r.pulls)+1, "open", r.Head(pr.Head)
	r.pulls = append(r.pulls, pr)
	return pr
}

// pull returns a pull request updated from its branch, or nil.
func (r *GitHubRepository) pull(number int) *githubPull {
	if number < 1 || number > len(r.pulls) {
		return nil
	}
	pr := r.pulls[number-1]
	if pr.State == "open" && !pr.fork {
		if now := r.Head(pr.Head); now != "" {
			pr.hash = now
		} else {
			pr.State = "closed"
		}
	}
	return pr
}

// stateOf returns the mergeable state.
func (r *GitHubRepository) stateOf(pr *githubPull) string {
	switch {
	case pr.State != "open":
		return "unknown"
	case pr.Draft:
		return "draft"
	case pr.mergeable != "":
		return pr.mergeable
	}
	if _, err := r.git.run(r.Dir, nil, "merge-tree", "--write-tree", "refs/heads/"+pr.Base, pr.hash); err != nil {
		return "dirty"
	}
	return "clean"
}

// merge merges. It supports a rebase of one commit only.
func (r *GitHubRepository) merge(pr *githubPull, method string) {
	base := r.Head(pr.Base)
	tree := r.Git("merge-tree", "--write-tree", base, pr.hash)
	args := []string{"commit-tree", tree, "-p", base, "-m", pr.Title}
	if method == "merge" {
		args = append(args, "-p", pr.hash)
	}
	r.Git("update-ref", "refs/heads/"+pr.Base, r.Git(args...), base)
	pr.State, pr.Merged, pr.AutoMerge = "closed", true, false
}
