package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pinsetter/pinsetter/parts"
)

// scriptForge is a script's forge. People's part there is small: they look at
// pull requests, merge and close them.
type scriptForge interface {
	repository(name string, files map[string]string) *parts.Repository
	show(repository string, number int) string
	merge(repository string, number int) error
	close(repository string, number int)
}

// forgeCommands are what scripts do at a forge.
//
//	forge github|gitea         a forge: its address is $FORGE, without scheme
//	                           $FORGE_HOST, the bot's token $FORGE_TOKEN. A Gitea's
//	                           keys for ssh are the Secret ssh of --secrets keys
//	stock IMAGE TAG...         images at the Gitea's own registry
//	atforge NAME DIR           a repository bot/NAME there with the files of DIR;
//	                           URL in $NAME, and of ssh in ${NAME}_SSH
//	pull NAME N                shows a pull request on stdout
//	merge NAME N               a person merges it
//	close NAME N               a person closes it
var forgeCommands = map[string]func(*testscript.TestScript, bool, []string){
	"forge":   openForge,
	"atforge": atForge,
	"stock": func(ts *testscript.TestScript, _ bool, a []string) {
		of(ts).forge.(*scriptGitea).Push(a[0], a[1:]...)
	},
	"pull": func(ts *testscript.TestScript, _ bool, a []string) {
		_, _ = ts.Stdout().Write([]byte(of(ts).forge.show("bot/"+a[0], scriptNumber(ts, a[1]))))
	},
	"merge": func(ts *testscript.TestScript, _ bool, a []string) {
		ts.Check(of(ts).forge.merge("bot/"+a[0], scriptNumber(ts, a[1])))
	},
	"close": func(ts *testscript.TestScript, _ bool, a []string) {
		of(ts).forge.close("bot/"+a[0], scriptNumber(ts, a[1]))
	},
}

func scriptNumber(ts *testscript.TestScript, text string) int {
	n, err := strconv.Atoi(text)
	ts.Check(err)
	return n
}

func openForge(ts *testscript.TestScript, _ bool, a []string) {
	w := of(ts)
	if a[0] == "github" {
		g := parts.NewGitHub(w.t)
		w.forge = &scriptGitHub{g, map[string]*parts.GitHubRepository{}}
		ts.Setenv("FORGE", g.URL)
		ts.Setenv("FORGE_TOKEN", g.NewToken("bot", "repo"))
		return
	}
	g := parts.NewGitea(w.t)
	w.forge = &scriptGitea{g}
	identity, knownHosts := g.NewSSHKey()
	keys := ts.MkAbs("keys/flux-system/ssh")
	ts.Check(os.MkdirAll(keys, 0o700))
	ts.Check(os.WriteFile(filepath.Join(keys, "identity"), identity, 0o600))
	ts.Check(os.WriteFile(filepath.Join(keys, "known_hosts"), knownHosts, 0o600))
	ts.Setenv("FORGE", g.URL)
	ts.Setenv("FORGE_HOST", g.Addr)
	ts.Setenv("FORGE_TOKEN", g.Token)
}

func atForge(ts *testscript.TestScript, _ bool, a []string) {
	files := map[string]string{}
	dir := ts.MkAbs(a[1])
	ts.Check(filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			name, relErr := filepath.Rel(dir, path)
			ts.Check(relErr)
			files[filepath.ToSlash(name)] = ts.ReadFile(path)
		}
		return err
	}))
	r := of(ts).forge.repository("bot/"+a[0], files)
	of(ts).repos[a[0]] = r
	ts.Setenv(a[0], r.URL)
	if g, ok := of(ts).forge.(*scriptGitea); ok {
		ts.Setenv(a[0]+"_SSH", "ssh://git@"+g.SSHAddr+"/bot/"+a[0]+".git")
	}
}

// pullText is a pull request as scripts read it.
func pullText(state, title, head, base, body string, labels []string) string {
	return fmt.Sprintf("%s: %s\n%s -> %s %v\n%s\n", state, title, head, base, labels, body)
}

// scriptGitHub is a double of GitHub.
type scriptGitHub struct {
	*parts.GitHub
	repositories map[string]*parts.GitHubRepository
}

func (g *scriptGitHub) repository(name string, files map[string]string) *parts.Repository {
	r := g.NewRepository(name, files)
	g.repositories[name] = r
	return r.Repository
}

func (g *scriptGitHub) show(repository string, number int) string {
	p := g.repositories[repository].Pull(number)
	state := p.State
	if p.Merged {
		state = "merged"
	}
	return pullText(state, p.Title, p.Head, p.Base, p.Body, p.Labels)
}

func (g *scriptGitHub) merge(repository string, number int) error {
	g.repositories[repository].Merge(number, "squash")
	return nil
}

func (g *scriptGitHub) close(repository string, number int) {
	g.repositories[repository].Edit(number, func(p *parts.GitHubPull) { p.State = "closed" })
}

// scriptGitea is a real Gitea.
type scriptGitea struct{ *parts.Gitea }

func (g *scriptGitea) repository(name string, files map[string]string) *parts.Repository {
	return g.NewRepository(name, files).Repository
}

func pullPath(repository string, number int) string {
	return fmt.Sprintf("/repos/%s/pulls/%d", repository, number)
}

func (g *scriptGitea) show(repository string, number int) string {
	var p struct {
		State, Title, Body string
		Merged             bool
		Head, Base         struct{ Ref string }
		Labels             []struct{ Name string }
	}
	g.Must(http.MethodGet, pullPath(repository, number), nil, &p)
	if p.Merged {
		p.State = "merged"
	}
	var labels []string
	for _, label := range p.Labels {
		labels = append(labels, label.Name)
	}
	return pullText(p.State, p.Title, p.Head.Ref, p.Base.Ref, p.Body, labels)
}

// merge waits for Gitea, which looks for conflicts in its own time.
func (g *scriptGitea) merge(repository string, number int) error {
	if !parts.Comes(func() bool {
		return g.Do(http.MethodPost, pullPath(repository, number)+"/merge", map[string]any{"Do": "squash"}, nil) == http.StatusOK
	}) {
		return fmt.Errorf("pull request %d of %s can't be merged", number, repository)
	}
	return nil
}

func (g *scriptGitea) close(repository string, number int) {
	g.Must(http.MethodPatch, pullPath(repository, number), map[string]any{"state": "closed"}, nil)
}
