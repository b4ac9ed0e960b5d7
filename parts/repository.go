package parts

import (
	"bufio"
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Tree is the change of a commit, by path.
type Tree struct {
	Files      map[string]string // path: content
	Executable []string          // paths in Files that are executable
	Symlinks   map[string]string // path: target
	Delete     []string          // paths to delete
}

// Commit is a commit that a test makes. The zero value is an empty commit by a
// human on main.
type Commit struct {
	Tree
	Branch  string    // "": main; created if missing
	From    string    // start of a new branch; "": no parent
	Author  string    // and committer; "": "A Human <human@example.test>"
	Message string    // "": "Change by hand"
	When    time.Time // zero: 2026-01-02T03:04:05Z
}

// RepositoryOptions configure a new repository. The zero value is empty,
// without any branch.
type RepositoryOptions struct {
	Tree
	Folder string            // a folder to commit with its modes and symlinks; Tree is added on top
	Branch string            // of HEAD and of the first commit; "": main
	Config map[string]string // such as "uploadpack.allowFilter": "false"
	Hooks  map[string]string // such as "pre-receive": a script with #! line
}

// Repository is a bare repository on a Git server.
type Repository struct {
	Name string // "org/app"
	Dir  string // its folder
	URL  string // without credentials

	git *Git
}

// NewRepository creates the repository NAME.git on the server.
func (g *Git) NewRepository(name string, o RepositoryOptions) *Repository {
	g.t.Helper()
	r := &Repository{
		Name: name,
		Dir:  filepath.Join(g.Root, filepath.FromSlash(name)+".git"),
		URL:  g.URL + "/" + name + ".git",
		git:  g,
	}
	branch := cmp.Or(o.Branch, "main")
	r.init(branch)
	for key, value := range o.Config {
		r.Git("config", key, value)
	}
	r.hook("post-receive", notePushes)
	for hook, script := range o.Hooks {
		r.hook(hook, script)
	}
	tree := o.Tree
	if o.Folder != "" {
		tree = g.read(o.Folder, tree)
	}
	if len(tree.Files)+len(tree.Symlinks) > 0 {
		r.Commit(Commit{Tree: tree, Branch: branch, Message: "Begin"})
	}
	return r
}

// init makes the files of a bare repository without a branch, as git init does.
func (r *Repository) init(branch string) {
	r.git.t.Helper()
	var err error
	for _, dir := range []string{"objects/info", "objects/pack", "refs/heads", "refs/tags", "hooks", "info"} {
		err = errors.Join(err, os.MkdirAll(filepath.Join(r.Dir, filepath.FromSlash(dir)), 0o755))
	}
	for name, text := range map[string]string{
		"HEAD":   "ref: refs/heads/" + branch + "\n",
		"config": "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n",
	} {
		err = errors.Join(err, os.WriteFile(filepath.Join(r.Dir, name), []byte(text), 0o644))
	}
	if err != nil {
		r.git.t.Fatalf("make a repository: %v", err)
	}
}

// Git runs C git in the repository and returns its output without the final
// newline.
func (r *Repository) Git(args ...string) string {
	r.git.t.Helper()
	out, err := r.git.run(r.Dir, nil, args...)
	if err != nil {
		r.git.t.Fatalf("%v", err)
	}
	return out
}

// Head returns the hash of a branch's commit, "" if there is no such branch.
func (r *Repository) Head(branch string) string {
	// A file of its own, as a rule: a process takes longer to start than to read it.
	if data, err := os.ReadFile(filepath.Join(r.Dir, "refs", "heads", filepath.FromSlash(branch))); err == nil {
		if hash := strings.TrimSuffix(string(data), "\n"); isHash(hash) {
			return hash
		}
	}
	hash, err := r.git.run(r.Dir, nil, "rev-parse", "-q", "--verify", "refs/heads/"+branch)
	if err != nil {
		return ""
	}
	return hash
}

// isHash reports whether a ref's file has a hash, and not the name of another ref.
func isHash(text string) bool {
	_, err := hex.DecodeString(text)
	return err == nil && len(text) >= 40
}

// File returns the content of a file on a branch.
func (r *Repository) File(branch, path string) string {
	r.git.t.Helper()
	// The size keeps a final newline from being trimmed.
	out, err := r.git.run(r.Dir, strings.NewReader("refs/heads/"+branch+":"+path+"\n"), "cat-file", "--batch")
	header, content, found := strings.Cut(out, "\n")
	if err != nil || !found || strings.HasSuffix(header, " missing") {
		r.git.t.Fatalf("read %s of %s: %s %v", path, branch, header, err)
	}
	return content
}

// CommitFile commits one file and returns the commit's hash. Author "" is a
// human.
func (r *Repository) CommitFile(branch, path, content, author string) string {
	r.git.t.Helper()
	tree := Tree{Files: map[string]string{path: content}}
	return r.Commit(Commit{Tree: tree, Branch: branch, Author: author, Message: "Change " + path})
}

// Commit makes a commit on top of its branch and returns its hash.
func (r *Repository) Commit(c Commit) string {
	r.git.t.Helper()
	stream, done := io.Pipe()
	go func() { _ = done.CloseWithError(r.write(done, c)) }()
	if _, err := r.git.run(r.Dir, stream, "fast-import", "--quiet", "--date-format=raw"); err != nil {
		r.git.t.Fatalf("%v", err)
	}
	return r.Head(cmp.Or(c.Branch, "main"))
}

// write writes a commit in the format of git fast-import.
func (r *Repository) write(to io.Writer, c Commit) error {
	w := bufio.NewWriter(to)
	branch := cmp.Or(c.Branch, "main")
	author := cmp.Or(c.Author, "A Human <human@example.test>")
	when := c.When
	if when.IsZero() {
		when = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	}
	message := cmp.Or(c.Message, "Change by hand")
	fmt.Fprintf(w, "commit refs/heads/%s\ncommitter %s %d +0000\n", branch, author, when.Unix())
	fmt.Fprintf(w, "data %d\n%s\n", len(message), message)
	if parent := cmp.Or(r.Head(branch), c.From); parent != "" {
		fmt.Fprintf(w, "from %s\n", parent)
	}
	for _, path := range c.Delete {
		fmt.Fprintf(w, "D %s\n", path)
	}
	for _, path := range slices.Sorted(maps.Keys(c.Files)) {
		mode := "100644"
		if slices.Contains(c.Executable, path) {
			mode = "100755"
		}
		fmt.Fprintf(w, "M %s inline %s\ndata %d\n%s\n", mode, path, len(c.Files[path]), c.Files[path])
	}
	for _, path := range slices.Sorted(maps.Keys(c.Symlinks)) {
		fmt.Fprintf(w, "M 120000 inline %s\ndata %d\n%s\n", path, len(c.Symlinks[path]), c.Symlinks[path])
	}
	return w.Flush()
}

func (r *Repository) hook(name, script string) {
	r.git.t.Helper()
	path := filepath.Join(r.Dir, "hooks", name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		r.git.t.Fatalf("write a hook: %v", err)
	}
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		r.git.t.Fatalf("write a hook: %v", err)
	}
}

// read returns the files of a folder, with tree on top.
func (g *Git) read(folder string, tree Tree) Tree {
	g.t.Helper()
	out := Tree{Files: map[string]string{}, Symlinks: map[string]string{}}
	err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		return out.add(filepath.ToSlash(name), path, entry)
	})
	if err != nil {
		g.t.Fatalf("read %s: %v", folder, err)
	}
	maps.Copy(out.Files, tree.Files)
	maps.Copy(out.Symlinks, tree.Symlinks)
	out.Executable = append(out.Executable, tree.Executable...)
	return out
}

func (tree *Tree) add(name, path string, entry os.DirEntry) error {
	info, err := entry.Info()
	if err != nil {
		return err
	}
	if info.Mode()&os.ModeSymlink != 0 {
		target, err := os.Readlink(path)
		tree.Symlinks[name] = target
		return err
	}
	data, err := os.ReadFile(path)
	tree.Files[name] = string(data)
	if info.Mode()&0o100 != 0 {
		tree.Executable = append(tree.Executable, name)
	}
	return err
}
