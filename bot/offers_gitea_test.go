package bot_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/parts"
)

// atGitea is a repository at a Gitea.
type atGitea struct {
	*parts.GiteaRepository
	gitea *parts.Gitea
	token string // of the scopes that the documentation names
}

// giteas opens repositories at a Gitea.
func giteas(g *parts.Gitea) opener {
	token := g.NewToken(g.User, "write:repository,write:issue")
	return func(files map[string]string) hub {
		return &atGitea{g.NewRepository(fmt.Sprintf("%s/r%d", g.User, repositories.Add(1)), files), g, token}
	}
}

func (h *atGitea) provider() string           { return "gitea" }
func (h *atGitea) place() *parts.Repository   { return h.Repository }
func (h *atGitea) secret() string             { return "{username: bot, password: " + h.token + "}" }
func (h *atGitea) source() string             { return "" }
func (h *atGitea) commit(c parts.Commit)      { h.Commit(c) }
func (h *atGitea) deleteBranch(branch string) { h.DeleteBranch(branch) }
func (h *atGitea) settle()                    { time.Sleep(20 * time.Millisecond) } // it looks for conflicts in its own time

func (h *atGitea) close(number int) {
	h.gitea.Must(http.MethodPatch, fmt.Sprintf("%s/pulls/%d", h.API, number), map[string]any{"state": "closed"}, nil)
}

func (h *atGitea) merge(number int, how string) {
	path := fmt.Sprintf("%s/pulls/%d/merge", h.API, number)
	// Gitea looks for conflicts first, in its own time.
	if !parts.Comes(func() bool { return h.gitea.Do(http.MethodPost, path, map[string]any{"Do": how}, nil) == http.StatusOK }) {
		h.gitea.Must(http.MethodPost, path, map[string]any{"Do": how}, nil) // says why not
	}
}

func (h *atGitea) pulls() []pull {
	var all []struct {
		Number     int
		Title      string
		Body       string
		State      string
		Merged     bool
		Draft      bool
		URL        string `json:"html_url"`
		Head, Base struct{ Ref string }
		Labels     []struct{ Name string }
	}
	h.gitea.Must(http.MethodGet, h.API+"/pulls?state=all&sort=oldest", nil, &all)
	pulls := make([]pull, len(all))
	for i, p := range all {
		pulls[i] = pull{
			Number: p.Number, URL: p.URL, Title: p.Title, Body: p.Body, State: p.State,
			Head: p.Head.Ref, Base: p.Base.Ref, Draft: p.Draft,
		}
		if p.Merged {
			pulls[i].State = "merged"
		}
		for _, label := range p.Labels {
			pulls[i].Labels = append(pulls[i].Labels, label.Name)
		}
		var comments []struct{ Body string }
		h.gitea.Must(http.MethodGet, fmt.Sprintf("%s/issues/%d/comments", h.API, p.Number), nil, &comments)
		for _, c := range comments {
			pulls[i].Comments = append(pulls[i].Comments, c.Body)
		}
	}
	return pulls
}

// TestProposalsAtGitea is a core of the stories: all of them take a while there,
// and run with the build tag e2e.
func TestProposalsAtGitea(t *testing.T) {
	open := giteas(parts.NewGitea(t))
	for _, name := range []string{"a newer tag updates the same pull request", "nothing left"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // most of the time is Gitea's
			stories[name](t, open)
		})
	}
}

// At a Gitea whose rules forbid force pushes to a proposal's branch, and with them its
// deletion, a commit goes on top.
func TestAProtectedProposalAtGitea(t *testing.T) {
	const branch = "pinsetter/apps"
	o := offer(t, giteas(parts.NewGitea(t)), "", map[string]string{"a.yaml": storyFile, "b.yaml": "b: 1\n"})
	h := o.hub.(*atGitea)
	h.gitea.Must(http.MethodPost, h.API+"/branch_protections", map[string]any{"rule_name": "pinsetter/**", "enable_push": true}, nil)
	o.says("created#1 1")
	first := o.Repo.Head(branch)
	o.hand("main", "b.yaml", "b: 2\n")
	o.Registry.Push("org/app", "1.2.0")
	o.says("updated#1 1")
	if got, want := o.Repo.Git("show", "-s", "--format=%P", branch), first+" "+o.Repo.Head("main"); got != want {
		t.Errorf("its parents are %s, not %s", got, want)
	}
	o.says("unchanged#1 0")
	o.hub.merge(1, "merge")
	if got := o.Repo.Git("diff", "--name-only", first+"^", "main"); got != "a.yaml\nb.yaml" {
		t.Errorf("main differs in %s", got)
	}
	o.says("merged#1 0")
	o.says("0")
	o.forgetful("0")
	o.hand("main", "b.yaml", "b: 3\n")
	o.Registry.Push("org/app", "1.3.0")
	o.says("created#2 1")
	if n := strings.Count(o.said.String(), "lets the branch not be deleted; it stays"); n > 2 {
		t.Errorf("its deletion was asked for %d times", n)
	}
}
