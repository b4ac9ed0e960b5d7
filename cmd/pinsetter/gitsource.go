package main

import (
	"context"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/gitops"
)

// gitSourceTimeout bounds reading objects from a Git repository: that of a
// GitRepository which names none.
const gitSourceTimeout = time.Minute

// gitSource is a folder of a Git repository, as -f names it.
type gitSource struct {
	url    string
	folder string // from the root; "." is the root
	ref    string // branch; "" is the one that the server calls HEAD
}

// userinfo is where a URL may hold a password.
var userinfo = regexp.MustCompile(`//[^/@]*@`)

// parseGitSource reads "git+https://HOST/REPO//FOLDER?ref=BRANCH", also with
// git+http, git+ssh and git+file.
func parseGitSource(name string) (gitSource, error) {
	u, err := url.Parse(strings.TrimPrefix(name, "git+"))
	shown := userinfo.ReplaceAllString(name, "//")
	if err != nil {
		return gitSource{}, usage("-f %q: not a URL: write git+https://HOST/REPO//FOLDER?ref=BRANCH", shown)
	}
	switch u.Scheme {
	case "https", "http", "ssh", "file":
	default:
		return gitSource{}, usage("-f %q: the scheme is none of git+https, git+http, git+ssh and git+file", shown)
	}
	query := u.Query()
	ref := query.Get("ref")
	query.Del("ref")
	if len(query) > 0 || u.Fragment != "" {
		return gitSource{}, usage("-f %q: only ?ref=BRANCH may follow the folder", shown)
	}
	repo, folder, _ := strings.Cut(u.Path, "//")
	u.Path, u.RawPath, u.RawQuery = repo, "", ""
	return gitSource{url: u.String(), folder: path.Join(".", path.Clean("/" + folder)[1:]), ref: ref}, nil
}

// readGit reads the YAML files of a folder of a Git repository.
func (a *app) readGit(ctx context.Context, name string) ([]config.File, error) {
	source, err := parseGitSource(name)
	if err != nil {
		return nil, err
	}
	a.progress.show("fetching " + source.url)
	remote, err := gitops.Open(&config.GitSource{URL: source.url, Timeout: gitSourceTimeout}, a.gitOptions())
	if err != nil {
		return nil, err
	}
	ref := config.GitRef{Branch: source.ref}
	if source.ref == "" {
		ref.Name = "HEAD"
	}
	fetched, err := remote.Fetch(ctx, ref)
	if err != nil {
		return nil, err
	}
	var files []config.File
	for file, err := range fetched.Base.Files(ctx, source.folder, isYAML) {
		if err != nil {
			return nil, fmt.Errorf("read %s of %s: %w", source.folder, remote, err)
		}
		files = append(files, config.File{Path: "git+" + remote.String() + "//" + file.Path, Data: file.Data})
	}
	return files, nil
}

func isYAML(name string) bool {
	return strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")
}
