package parts

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// invalidData answers 422.
func invalidData(message string) reply { return refuse(http.StatusUnprocessableEntity, message) }

func (r *GitHubRepository) refJSON(ref string) object {
	return object{"ref": ref, "object": object{"type": "commit", "sha": r.Git("rev-parse", ref)}}
}

// has reports whether an object of a type exists.
func (r *GitHubRepository) has(hash, kind string) bool {
	is, err := r.git.run(r.Dir, nil, "cat-file", "-t", hash)
	return err == nil && is == kind
}

// keepsCommits reports whether a rule forbids to force-push, which Git's own
// setting stands for here.
func (r *GitHubRepository) keepsCommits() bool {
	is, err := r.git.run(r.Dir, nil, "config", "receive.denyNonFastForwards")
	return err == nil && is == "true"
}

// dataCall is a request about objects and refs.
type dataCall struct{ *call }

// onData serves such a request.
func onData(serve func(dataCall) reply) func(*call) reply {
	return func(c *call) reply { return serve(dataCall{c}) }
}

func (c dataCall) getRef() reply {
	branch, found := strings.CutPrefix(c.params["ref"], "heads/")
	if !found || c.repository.Head(branch) == "" {
		return refuse(http.StatusNotFound, "Not Found")
	}
	return reply{http.StatusOK, c.repository.refJSON("refs/heads/" + branch)}
}

func (c dataCall) createRef() reply {
	var in struct{ Ref, SHA string }
	c.into(&in)
	branch, found := strings.CutPrefix(in.Ref, "refs/heads/")
	switch {
	case !found:
		return invalidData("Reference name must start with 'refs' and have at least two slashes.")
	case !c.repository.has(in.SHA, "commit"):
		return invalidData("Object does not exist")
	case c.repository.Head(branch) != "":
		return invalidData("Reference already exists")
	}
	c.repository.Git("update-ref", in.Ref, in.SHA, "")
	return reply{http.StatusCreated, c.repository.refJSON(in.Ref)}
}

func (c dataCall) updateRef() reply {
	var in struct {
		SHA   string
		Force bool
	}
	c.into(&in)
	r := c.repository
	branch, found := strings.CutPrefix(c.params["ref"], "heads/")
	now := r.Head(branch)
	switch {
	case !found || now == "":
		return invalidData("Reference does not exist")
	case !r.has(in.SHA, "commit"):
		return invalidData("Object does not exist")
	}
	if _, err := r.git.run(r.Dir, nil, "merge-base", "--is-ancestor", now, in.SHA); err != nil {
		switch {
		case !in.Force:
			return invalidData("Update is not a fast forward")
		case r.keepsCommits():
			return invalidData("Repository rule violations found\n\nCannot force-push to this branch\n\n")
		}
	}
	r.Git("update-ref", "refs/heads/"+branch, in.SHA, now)
	return reply{http.StatusOK, r.refJSON("refs/heads/" + branch)}
}

func (c dataCall) getCommit() reply {
	if !c.repository.has(c.params["commit_sha"], "commit") {
		return refuse(http.StatusNotFound, "Not Found")
	}
	return reply{http.StatusOK, c.repository.commitJSON(c.params["commit_sha"])}
}

// commitJSON returns the API's representation of a commit.
func (r *GitHubRepository) commitJSON(hash string) object {
	fields := strings.SplitN(r.Git("show", "-s", "--format=%T%x00%P%x00%an%x00%ae%x00%cn%x00%ce%x00%B", hash), "\x00", 7)
	parents := []object{}
	for parent := range strings.FieldsSeq(fields[1]) {
		parents = append(parents, object{"sha": parent})
	}
	verification := object{"verified": false, "reason": "unsigned"}
	if r.signed[hash] {
		verification = object{"verified": true, "reason": "valid", "signature": "-----BEGIN PGP SIGNATURE-----", "payload": "tree " + fields[0]}
	}
	return object{
		"sha": hash, "tree": object{"sha": fields[0]}, "parents": parents,
		"author":    object{"name": fields[2], "email": fields[3], "date": "2026-01-02T03:04:05Z"},
		"committer": object{"name": fields[4], "email": fields[5], "date": "2026-01-02T03:04:05Z"},
		"message":   strings.TrimSuffix(fields[6], "\n"), "verification": verification,
	}
}

// createCommit signs commits by apps that name neither an author nor a
// committer.
func (c dataCall) createCommit() reply {
	var in struct {
		Message, Tree     string
		Parents           []string
		Author, Committer *struct{ Name, Email string }
	}
	c.into(&in)
	r := c.repository
	name := c.who.name()
	args := []string{"-c", "author.name=" + name, "-c", "author.email=" + name + "@users.noreply.github.com"}
	signed := c.who.app != nil && in.Author == nil && in.Committer == nil && !r.settings.NoSigning
	if signed {
		args = append(args, "-c", "committer.name=GitHub", "-c", "committer.email=noreply@github.com")
	} else {
		args = append(args, "-c", "committer.name=GitHub Enterprise", "-c", "committer.email=noreply@example.test")
	}
	args = append(args, "commit-tree", in.Tree)
	for _, parent := range in.Parents {
		if !r.has(parent, "commit") {
			return invalidData("Parent SHA does not exist or is not a commit object")
		}
		args = append(args, "-p", parent)
	}
	if !r.has(in.Tree, "tree") {
		return invalidData("Tree SHA does not exist")
	}
	hash, err := r.git.run(r.Dir, strings.NewReader(in.Message), args...)
	if err != nil {
		return c.broken(err)
	}
	if signed {
		r.signed[hash] = true
	}
	return reply{http.StatusCreated, r.commitJSON(hash)}
}

// broken records an error of the double itself.
func (c dataCall) broken(err error) reply {
	c.github.wrong = append(c.github.wrong, c.name+": "+err.Error())
	return reply{http.StatusTeapot, nil}
}

func (c dataCall) createBlob() reply {
	var in struct{ Content, Encoding string }
	c.into(&in)
	content := []byte(in.Content)
	if in.Encoding == "base64" {
		var err error
		if content, err = base64.StdEncoding.DecodeString(in.Content); err != nil {
			return invalidData("content is not valid Base64")
		}
	}
	hash, err := c.repository.store(string(content))
	if err != nil {
		return c.broken(err)
	}
	return reply{http.StatusCreated, object{"sha": hash}}
}

func (r *GitHubRepository) store(content string) (string, error) {
	return r.git.run(r.Dir, strings.NewReader(content), "hash-object", "-w", "--stdin")
}

type treeEntry struct {
	Path, Mode, Type string
	SHA, Content     *string
}

func (c dataCall) createTree() reply {
	var in struct {
		BaseTree string `json:"base_tree"`
		Tree     []treeEntry
	}
	c.into(&in)
	if in.BaseTree != "" && !c.repository.has(in.BaseTree, "tree") {
		return invalidData("base_tree is not a valid tree oid")
	}
	var lines strings.Builder
	for _, e := range in.Tree {
		if strings.HasPrefix(e.Path, ".github/workflows/") && !c.who.may("workflows", "write") {
			return refuse(http.StatusForbidden, "Resource not accessible by integration")
		}
		line, bad := c.entry(e)
		if bad != "" {
			return invalidData(bad)
		}
		lines.WriteString(line)
	}
	hash, err := c.repository.index(in.BaseTree, strings.NewReader(lines.String()))
	if err != nil {
		return c.broken(err)
	}
	return reply{http.StatusCreated, object{"sha": hash, "truncated": false}}
}

// entry returns an entry in the format of git update-index, or else what is
// wrong.
func (c dataCall) entry(e treeEntry) (line, bad string) {
	switch {
	case e.Path == "" || strings.HasPrefix(e.Path, "/") || filepath.Clean(e.Path) != e.Path:
		return "", "tree.path contains a malformed path component"
	case e.Type != "blob" || !strings.HasPrefix(e.Mode, "100"):
		return "", "tree.mode and tree.type don't fit"
	case (e.SHA == nil) == (e.Content == nil):
		return "", "Must supply either tree.sha or tree.content"
	case e.SHA != nil && !c.repository.has(*e.SHA, "blob"):
		return "", "tree.sha " + *e.SHA + " is not a valid blob"
	}
	if e.SHA == nil {
		hash, err := c.repository.store(*e.Content)
		if err != nil {
			return "", err.Error()
		}
		e.SHA = &hash
	}
	return fmt.Sprintf("%s %s\t%s\n", e.Mode, *e.SHA, e.Path), ""
}

// index returns the tree of base with entries replaced.
func (r *GitHubRepository) index(base string, lines io.Reader) (string, error) {
	git := *r.git
	file := filepath.Join(r.Dir, "api-index")
	git.env = append(git.Env(), "GIT_INDEX_FILE="+file)
	defer func() { _ = os.Remove(file) }()
	if base != "" {
		if _, err := git.run(r.Dir, nil, "read-tree", base); err != nil {
			return "", err
		}
	}
	if _, err := git.run(r.Dir, lines, "update-index", "--index-info"); err != nil {
		return "", err
	}
	return git.run(r.Dir, nil, "write-tree")
}
