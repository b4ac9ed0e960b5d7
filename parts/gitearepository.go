package parts

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strings"
)

// GiteaRepository is a repository at a Gitea. It is read and written in its folder, and
// Gitea is told what was written.
type GiteaRepository struct {
	*Repository
	API string // "/repos/OWNER/NAME", for Must and Do

	gitea *Gitea
}

// NewRepository creates a public repository, "OWNER/NAME", of User or of an
// organisation, which it creates if needed. Its first commit has files on main.
func (g *Gitea) NewRepository(name string, files map[string]string) *GiteaRepository {
	g.t.Helper()
	owner, base, _ := strings.Cut(name, "/")
	path := "/user/repos"
	if owner != g.User {
		path = "/orgs/" + owner + "/repos"
		if g.Do(http.MethodGet, "/orgs/"+owner, nil, nil) == http.StatusNotFound {
			g.Must(http.MethodPost, "/orgs", map[string]any{"username": owner}, nil)
		}
	}
	g.Must(http.MethodPost, path, map[string]any{"name": base, "default_branch": "main"}, nil)
	r := &GiteaRepository{gitea: g, API: "/repos/" + name, Repository: &Repository{
		Name: name,
		Dir:  filepath.Join(g.dir, "data", "gitea-repositories", strings.ToLower(name)+".git"),
		URL:  g.URL + "/" + name + ".git",
		git:  g.git,
	}}
	r.Commit(Commit{Tree: Tree{Files: files}, Message: "Begin"})
	return r
}

// SSHURL returns the repository's address over SSH.
func (r *GiteaRepository) SSHURL() string {
	return "ssh://git@" + r.gitea.SSHAddr + "/" + r.Name + ".git"
}

// Commit commits to a branch as User. It returns the commit's hash.
func (r *GiteaRepository) Commit(c Commit) string {
	r.git.t.Helper()
	branch := cmp.Or(c.Branch, "main")
	before := r.Head(branch)
	hash := r.Repository.Commit(c)
	r.tell(branch, before, hash)
	r.await(branch, hash)
	return hash
}

// tell tells Gitea that User moved a branch, as its post-receive hook does: a push would
// start its program for each hook, which takes a hundred times longer than the commit.
func (r *GiteaRepository) tell(branch, before, after string) {
	r.git.t.Helper()
	none := strings.Repeat("0", 40)
	data, _ := json.Marshal(map[string]any{ // of texts
		"OldCommitIDs": []string{cmp.Or(before, none)}, "NewCommitIDs": []string{cmp.Or(after, none)},
		"RefFullNames": []string{"refs/heads/" + branch}, "UserID": 1, "UserName": r.gitea.User,
	})
	status, said := r.post("/api/internal/hook/post-receive/"+r.Name, data)
	// It has taken the commit where it is still at what an earlier one leads to.
	if status != http.StatusOK && !strings.Contains(said, "already in queue") {
		r.git.t.Fatalf("gitea takes no word of a commit: %d: %s", status, said)
	}
}

// post sends a request of Gitea's own hooks, and returns the status and the body of the
// answer.
func (r *GiteaRepository) post(path string, data []byte) (int, string) {
	r.git.t.Helper()
	request, err := http.NewRequest(http.MethodPost, r.gitea.URL+path, bytes.NewReader(data))
	if err != nil {
		r.git.t.Fatalf("gitea: %v", err)
	}
	request.Header.Set("X-Gitea-Internal-Auth", "Bearer "+r.gitea.internal)
	request.Header.Set("Content-Type", "application/json")
	response, err := r.gitea.client.Do(request)
	if err != nil {
		r.git.t.Fatalf("gitea: %v", err)
	}
	defer func() { _ = response.Body.Close() }()
	said, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(said)
}

// await waits until Gitea has processed a push, which it does in a queue.
func (r *GiteaRepository) await(branch, hash string) {
	r.git.t.Helper()
	var said json.RawMessage
	if !Comes(func() bool {
		var known struct {
			Commit struct {
				ID string `json:"id"`
			} `json:"commit"`
		}
		status := r.gitea.Do(http.MethodGet, r.API+"/branches/"+branch, nil, &said)
		return status == http.StatusOK && json.Unmarshal(said, &known) == nil && known.Commit.ID == hash
	}) {
		r.git.t.Fatalf("gitea doesn't learn of %s at %s: %s", branch, hash, said)
	}
}

// DeleteBranch deletes a branch as User.
func (r *GiteaRepository) DeleteBranch(branch string) {
	r.git.t.Helper()
	before := r.Head(branch)
	r.Git("update-ref", "-d", "refs/heads/"+branch)
	r.tell(branch, before, "")
}

// Must sends a request to the API as User, and ends the test if it fails. In
// and out are JSON, and may be nil.
func (g *Gitea) Must(method, path string, in, out any) {
	g.t.Helper()
	var raw json.RawMessage
	if status := g.Do(method, path, in, &raw); status >= 300 {
		g.t.Fatalf("gitea: %s %s: %d: %s", method, path, status, raw)
	}
	if out == nil {
		return
	}
	if err := json.Unmarshal(raw, out); err != nil {
		g.t.Fatalf("gitea: %s %s: %v", method, path, err)
	}
}

// Do is Must for requests that may fail. It returns the status.
func (g *Gitea) Do(method, path string, in any, out *json.RawMessage) int {
	g.t.Helper()
	status, body := g.do(g.Token, method, path, in)
	if out != nil {
		*out = body
	}
	return status
}

// DoAs is Do as the user with the token.
func (g *Gitea) DoAs(token, method, path string, in any) int {
	g.t.Helper()
	status, _ := g.do(token, method, path, in)
	return status
}

func (g *Gitea) do(token, method, path string, in any) (int, []byte) {
	g.t.Helper()
	data, err := json.Marshal(in)
	if err != nil {
		g.t.Fatalf("gitea: %s %s: %v", method, path, err)
	}
	request, err := http.NewRequest(method, g.URL+"/api/v1"+path, bytes.NewReader(data))
	if err != nil {
		g.t.Fatalf("gitea: %s %s: %v", method, path, err)
	}
	request.Header.Set("Authorization", "token "+token)
	request.Header.Set("Content-Type", "application/json")
	response, err := g.client.Do(request)
	if err != nil {
		g.t.Fatalf("gitea: %s %s: %v", method, path, err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		g.t.Fatalf("gitea: %s %s: %v", method, path, err)
	}
	return response.StatusCode, body
}
