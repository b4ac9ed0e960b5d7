package bot_test

import (
	"fmt"
	"net/http"
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
