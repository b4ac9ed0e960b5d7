package cli

import (
	"bufio"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/pinsetter/pinsetter"
)

// WorkTree is the Git work tree that a directory lies in.
type WorkTree struct {
	Root   string // "": the directory lies in none
	Folder string // of the directory, relative to root, with slashes; "." is the root
	Origin string // URL of the remote origin without password; "": none
	Branch string // the default branch of origin, else the current one; "": unknown

	GitDir, Common string // of Git's files: those of this work tree, and those of all
}

// FindWorkTree returns the work tree of a directory. It reads Git's files, and runs
// nothing.
func FindWorkTree(dir string) (WorkTree, error) {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return WorkTree{}, err
	}
	for root := absolute; ; root = filepath.Dir(root) {
		if _, err := os.Lstat(filepath.Join(root, ".git")); err == nil {
			folder, err := filepath.Rel(root, absolute)
			t := WorkTree{Root: root, Folder: filepath.ToSlash(folder)}
			t.read(filepath.Join(root, ".git"))
			return t, err
		}
		if root == filepath.Dir(root) {
			return WorkTree{}, nil
		}
	}
}

// read reads the remote and the branch. ".git" is a file in linked work trees and
// submodules (gitrepository-layout(5)).
func (t *WorkTree) read(gitDir string) {
	if text, err := os.ReadFile(gitDir); err == nil {
		gitDir = resolved(t.Root, strings.TrimPrefix(strings.TrimSpace(string(text)), "gitdir: "))
	}
	common := gitDir
	if text, err := os.ReadFile(filepath.Join(gitDir, "commondir")); err == nil {
		common = resolved(gitDir, strings.TrimSpace(string(text)))
	}
	t.GitDir, t.Common = gitDir, common
	if config, err := os.Open(filepath.Join(common, "config")); err == nil {
		defer config.Close()
		t.Origin = gitURL(originOf(bufio.NewScanner(config)), t.Root)
	}
	const remote, local = "refs/remotes/origin/", "refs/heads/"
	if t.Branch = symbolic(filepath.Join(common, remote, "HEAD"), remote); t.Branch == "" {
		t.Branch = symbolic(filepath.Join(gitDir, "HEAD"), local)
	}
}

func resolved(from, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(from, path)
}

// symbolic returns the name behind prefix that a symbolic ref's file leads to.
func symbolic(file, prefix string) string {
	text, err := os.ReadFile(file)
	name, ok := strings.CutPrefix(strings.TrimSpace(string(text)), "ref: "+prefix)
	if err != nil || !ok {
		return ""
	}
	return name
}

// originOf returns the URL of [remote "origin"] (git-config(1), "Syntax").
func originOf(config *bufio.Scanner) string {
	inside := false
	for config.Scan() {
		line := strings.TrimSpace(config.Text())
		if strings.HasPrefix(line, "[") {
			inside = strings.HasPrefix(line, `[remote "origin"]`)
			continue
		}
		key, value, _ := strings.Cut(line, "=")
		if inside && strings.EqualFold(strings.TrimSpace(key), "url") {
			return strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	return ""
}

// scp matches Git's short form of ssh: user@host:path.
var scp = pinsetter.Pattern(`^([^/@:]+@)?([^/:@]+):(.*)$`)

// gitURL returns a remote's URL as a GitRepository can have it: without user and
// password over http, and with a scheme.
func gitURL(remote, root string) string {
	if remote == "" {
		return ""
	}
	if u, err := url.Parse(remote); err == nil && u.Scheme != "" && u.Host != "" {
		if u.Scheme != "ssh" {
			u.User = nil
		} else if u.User != nil {
			u.User = url.User(u.User.Username())
		}
		return u.String()
	}
	if m := scp().FindStringSubmatch(remote); m != nil && !strings.Contains(remote, "://") {
		return fmt.Sprintf("ssh://%s%s/%s", m[1], m[2], strings.TrimPrefix(m[3], "/"))
	}
	if path, ok := strings.CutPrefix(remote, "file://"); ok {
		remote = path
	}
	return "file://" + filepath.ToSlash(resolved(root, remote))
}
