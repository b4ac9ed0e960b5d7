package bot_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/parts"
)

// offers is a world whose repository is at a forge, and whose automation proposes.
type offers struct {
	*world
	hub   hub
	texts string
}

// hub is a repository at a forge, and what people see and do there.
type hub interface {
	provider() string
	place() *parts.Repository
	secret() string // the keys of the Secret that the bot gets
	source() string // what the GitRepository says beside
	pulls() []pull  // oldest first
	close(number int)
	merge(number int, how string)
	commit(c parts.Commit)
	deleteBranch(branch string)
	settle() // time passes, as far as the forge waits for something
}

// pull is a pull request as people see it.
type pull struct {
	Number      int
	URL         string
	Title, Body string
	State       string // "open", "closed" or "merged"
	Head, Base  string
	Draft       bool
	Labels      []string
	Comments    []string
}

// offer begins a story at a forge, of which open makes a repository with files.
// Spec is the rest of the PullRequest's. Without files there is storyFile.
func offer(t testing.TB, open opener, spec string, files map[string]string) *offers {
	t.Helper()
	before, after, _ := strings.Cut(storyObjects, "---")
	o := &offers{world: newWorld(t, before, nil)}
	if files == nil {
		files = map[string]string{"a.yaml": storyFile}
	}
	named := map[string]string{}
	for path, text := range files {
		named[path] = o.Named(text)
	}
	o.hub = open(named)
	o.Repo = o.hub.place()
	after = strings.Replace(after, ", push: {branch: PUSH}", "", 1)
	after = strings.Replace(after, "spec: {url: REPO,", "spec: {secretRef: {name: forge}, "+o.hub.source()+"url: REPO,", 1)
	o.texts = before + "---" + after + `---
apiVersion: v1
kind: Secret
metadata: {name: forge}
stringData: KEYS
---
apiVersion: pinsetter.dev/v1alpha1
kind: PullRequest
metadata: {name: apps}
spec: {automationRef: {name: apps}, provider: ` + o.hub.provider() + `, SPEC}
`
	o.with(spec)
	o.Registry.Push("org/app", "1.0.0", "1.1.0")
	return o
}

// with replaces the PullRequest's spec, and adds objects.
func (o *offers) with(spec string, more ...string) {
	o.t.Helper()
	texts := strings.NewReplacer("SPEC", spec, "KEYS", o.hub.secret()).Replace(o.texts)
	o.Load(texts + strings.Join(more, ""))
}

// only returns the one pull request that is open.
func (o *offers) only() pull {
	o.t.Helper()
	var open []pull
	for _, p := range o.hub.pulls() {
		if p.State == "open" {
			open = append(open, p)
		}
	}
	if len(open) != 1 {
		o.t.Fatalf("%d pull requests are open", len(open))
	}
	return open[0]
}

// says runs a cycle, and holds that its results are these: "GROUP ACTION#NUMBER
// CHANGES", and "held" or "error" where there is something.
func (o *offers) says(want ...string) []*bot.Result {
	o.t.Helper()
	return o.check(o.all(), want)
}

// all runs a cycle with the world's ledger.
func (o *offers) all() []*bot.Result {
	o.t.Helper()
	ledger := o.Remember()
	defer ledger.Close()
	return o.bot(ledger).Cycle(context.Background(), bot.Push, o.Set.Automations)
}

// forgetful is says without a ledger.
func (o *offers) forgetful(want ...string) []*bot.Result {
	o.t.Helper()
	return o.check(o.bot(nil).Cycle(context.Background(), bot.Push, o.Set.Automations), want)
}

func (o *offers) check(results []*bot.Result, want []string) []*bot.Result {
	o.t.Helper()
	var got []string
	for _, r := range results {
		line := r.Group
		if r.PullRequest != nil {
			line += fmt.Sprintf(" %s#%d", r.PullRequest.Action, r.PullRequest.Number)
		}
		if line += fmt.Sprintf(" %d", len(r.Changes)); len(r.Held) > 0 {
			line += " held"
		}
		if r.Err != nil {
			line += " error"
		}
		got = append(got, strings.TrimSpace(line))
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		for _, r := range results {
			o.t.Logf("%+v", *r)
		}
		o.t.Fatalf("results %q, want %q", got, want)
	}
	return results
}

// hand commits a file by hand.
func (o *offers) hand(branch, path, text string) {
	o.t.Helper()
	o.hub.commit(parts.Commit{Branch: branch, Tree: parts.Tree{Files: map[string]string{path: o.Named(text)}}, Message: "by hand"})
}

// atGitHub is a repository at a double of GitHub.
type atGitHub struct {
	*parts.GitHubRepository
	github *parts.GitHub
	keys   string           // of the Secret
	app    *parts.GitHubApp // nil: there is a token
}

// githubs opens repositories at a double of GitHub, where the bot has a classic
// token.
func githubs(g *parts.GitHub) opener {
	return func(files map[string]string) hub { return newAtGitHub(g, files) }
}

func newAtGitHub(g *parts.GitHub, files map[string]string) *atGitHub {
	r := g.NewRepository(fmt.Sprintf("org/r%d", repositories.Add(1)), files)
	return &atGitHub{r, g, "{username: bot, password: " + g.NewToken("bot", "repo") + "}", nil}
}

func (h *atGitHub) provider() string         { return "github" }
func (h *atGitHub) place() *parts.Repository { return h.Repository }
func (h *atGitHub) secret() string           { return h.keys }
func (h *atGitHub) close(number int) {
	h.Edit(number, func(p *parts.GitHubPull) { p.State = "closed" })
}
func (h *atGitHub) merge(number int, how string) { h.Merge(number, how) }
func (h *atGitHub) commit(c parts.Commit)        { h.Commit(c) }
func (h *atGitHub) deleteBranch(branch string)   { h.DeleteBranch(branch) }
func (h *atGitHub) settle()                      {}

func (h *atGitHub) source() string {
	if h.app == nil {
		return ""
	}
	return "provider: github, "
}

func (h *atGitHub) pulls() []pull {
	var all []pull
	for number := 1; number <= h.Pulls(); number++ {
		p := h.Pull(number)
		state := p.State
		if p.Merged {
			state = "merged"
		}
		all = append(all, pull{
			Number: p.Number, URL: fmt.Sprintf("%s/pull/%d", strings.TrimSuffix(h.URL, ".git"), p.Number),
			Title: p.Title, Body: p.Body, State: state, Head: p.Head, Base: p.Base,
			Draft: p.Draft, Labels: p.Labels, Comments: p.Comments,
		})
	}
	return all
}

// atGitLab is a project at a double of GitLab.
type atGitLab struct {
	*parts.GitLabProject
	gitlab *parts.GitLab
}

func gitlabs(g *parts.GitLab) opener {
	return func(files map[string]string) hub {
		return &atGitLab{g.NewProject(fmt.Sprintf("group/sub/r%d", repositories.Add(1)), files), g}
	}
}

func (h *atGitLab) provider() string           { return "gitlab" }
func (h *atGitLab) place() *parts.Repository   { return h.Repository }
func (h *atGitLab) secret() string             { return "{username: bot, password: " + h.gitlab.Token + "}" }
func (h *atGitLab) source() string             { return "" }
func (h *atGitLab) commit(c parts.Commit)      { h.Commit(c) }
func (h *atGitLab) deleteBranch(branch string) { h.Git("update-ref", "-d", "refs/heads/"+branch) }
func (h *atGitLab) settle()                    { h.gitlab.Pass(2 * time.Minute) } // a pipeline might begin

func (h *atGitLab) merges(number int) string {
	return fmt.Sprintf("%s/merge_requests/%d", h.API, number)
}

func (h *atGitLab) close(number int) {
	h.gitlab.Must(h.gitlab.Token, http.MethodPut, h.merges(number), map[string]any{"state_event": "close"}, nil)
}

// merge makes a merge commit, whatever is asked for.
func (h *atGitLab) merge(number int, _ string) {
	h.gitlab.Must(h.gitlab.Token, http.MethodPut, h.merges(number)+"/merge", map[string]any{}, nil)
}

func (h *atGitLab) pulls() []pull {
	var all []struct {
		IID                int `json:"iid"`
		Title, Description string
		State              string
		Source             string `json:"source_branch"`
		Target             string `json:"target_branch"`
		URL                string `json:"web_url"`
		Draft              bool
		Labels             []string
	}
	h.gitlab.Must(h.gitlab.Token, http.MethodGet, h.API+"/merge_requests?state=all&per_page=100", nil, &all)
	pulls := make([]pull, len(all))
	for i, m := range all { // newest first
		var notes []struct{ Body string }
		h.gitlab.Must(h.gitlab.Token, http.MethodGet, h.merges(m.IID)+"/notes", nil, &notes)
		p := pull{
			Number: m.IID, URL: m.URL, Title: m.Title, Body: m.Description, State: strings.Replace(m.State, "opened", "open", 1),
			Head: m.Source, Base: m.Target, Draft: m.Draft, Labels: m.Labels,
		}
		for _, note := range notes {
			p.Comments = append(p.Comments, note.Body)
		}
		pulls[len(all)-1-i] = p
	}
	return pulls
}
