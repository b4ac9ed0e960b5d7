package main

import (
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/pinsetter/pinsetter/migrate"
)

// clonedFrom returns where a work tree was cloned from, and its branch. It reads the
// files of Git itself, and runs nothing. Without a remote "origin" it is empty.
func clonedFrom(dir string) migrate.Git {
	git := filepath.Join(dir, ".git")
	if data, err := os.ReadFile(git); err == nil { // a worktree's: its directory is elsewhere
		at := strings.TrimSpace(strings.TrimPrefix(string(data), "gitdir:"))
		if !filepath.IsAbs(at) {
			at = filepath.Join(dir, at)
		}
		git = at
	}
	common := git
	if data, err := os.ReadFile(filepath.Join(git, "commondir")); err == nil {
		common = filepath.Join(git, strings.TrimSpace(string(data)))
	}
	config, err := os.ReadFile(filepath.Join(common, "config"))
	if err != nil {
		return migrate.Git{}
	}
	at := remoteURL(string(config))
	if at == "" {
		return migrate.Git{}
	}
	head, _ := os.ReadFile(filepath.Join(git, "HEAD"))
	branch, isBranch := strings.CutPrefix(strings.TrimSpace(string(head)), "ref: refs/heads/")
	if !isBranch {
		branch = "main"
	}
	name := strings.TrimSuffix(path.Base(strings.TrimRight(at, "/")), ".git")
	return migrate.Git{Name: strings.ToLower(name), URL: at, Branch: branch}
}

// remoteURL returns the url of the remote "origin" in Git's configuration, in a
// form that a GitRepository takes: without user and password over https, and
// "git@host:path" as ssh.
func remoteURL(config string) string {
	section, at := "", ""
	for line := range strings.Lines(config) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			section = line
		}
		key, value, found := strings.Cut(line, "=")
		if found && section == `[remote "origin"]` && strings.TrimSpace(key) == "url" {
			at = strings.TrimSpace(value)
		}
	}
	if host, rest, found := strings.Cut(at, ":"); found && !strings.Contains(at, "://") && !strings.Contains(host, "/") {
		return "ssh://" + host + "/" + strings.TrimPrefix(rest, "/")
	}
	u, err := url.Parse(at)
	if err != nil || u.Scheme == "" {
		return ""
	}
	if u.Scheme != "ssh" {
		u.User = nil
	}
	return u.String()
}
