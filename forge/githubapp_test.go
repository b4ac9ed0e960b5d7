package forge_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/forge"
	"github.com/pinsetter/pinsetter/parts"
)

// needed are the permissions that an installation has to have.
func needed() map[string]string {
	return map[string]string{"contents": "write", "metadata": "read", "pull_requests": "write"}
}

// where is a repository as an app sees it.
func (h *hub) where(app *parts.GitHubApp) *fleet.Forge {
	return &fleet.Forge{Provider: fleet.ForgeGitHub, URL: h.repository.URL, App: &fleet.GitHubApp{
		ID: app.ID, InstallationID: app.InstallationID,
		PrivateKey: pinsetter.NewSecret("githubAppPrivateKey", string(app.PrivateKey)),
		BaseURL:    h.github.URL + "/api/v3",
	}}
}

func (h *hub) openApp(where *fleet.Forge, tokens *forge.Tokens) *forge.Repository {
	h.Helper()
	o := h.options()
	o.Tokens = tokens
	r, err := forge.Open(where, o)
	if err != nil {
		h.Fatal(err)
	}
	return r
}

func TestAppsTokensAreSharedAndKept(t *testing.T) {
	h := newHub(t)
	app := h.github.NewApp("acme", needed(), h.repository)
	tokens := forge.NewTokens(h.options())
	var group errgroup.Group
	for range 8 {
		r := h.openApp(h.where(app), tokens)
		group.Go(func() error {
			_, err := r.Find(t.Context(), "pinsetter/web", "main", nil)
			return err
		})
	}
	if err := group.Wait(); err != nil || app.Issued() != 1 {
		t.Errorf("%v, %d tokens", err, app.Issued())
	}
	h.forge = h.openApp(h.where(app), tokens)
	if pr := h.create(proposal); h.find(pr).Number != 1 || app.Issued() != 1 {
		t.Errorf("%+v, %d tokens", pr, app.Issued())
	}
	app.Life = 4 * time.Minute
	other := h.openApp(h.where(app), nil)
	for range 2 {
		if _, err := other.Find(t.Context(), "a", "main", &forge.PullRequest{Number: 1, Head: "a", Base: "main", ETag: `"x"`}); err != nil {
			t.Fatal(err)
		}
	}
	if app.Issued() < 3 {
		t.Errorf("%d tokens: one that ends soon was kept", app.Issued())
	}
}

func TestAppsTokensAreReplacedWhenRefused(t *testing.T) {
	h := newHub(t)
	app := h.github.NewApp("acme", needed(), h.repository)
	h.forge = h.openApp(h.where(app), nil)
	pr := h.create(proposal)
	app.Revoke()
	if _, err := h.forge.Find(t.Context(), pr.Head, pr.Base, pr); !errors.Is(err, forge.ErrAuth) {
		t.Errorf("%v", err)
	}
	if h.find(pr).Number != 1 || app.Issued() != 2 {
		t.Errorf("%d tokens", app.Issued())
	}
}

func TestAppsTokensAreForWhoHasTheKey(t *testing.T) {
	h := newHub(t)
	app := h.github.NewApp("acme", needed(), h.repository)
	tokens := forge.NewTokens(h.options())
	if _, err := tokens.Git(t.Context(), h.where(app)); err != nil {
		t.Fatal(err)
	}
	thief := h.where(app)
	thief.App.PrivateKey = pinsetter.NewSecret("githubAppPrivateKey", string(h.github.NewApp("x", nil).PrivateKey))
	if token, err := tokens.Git(t.Context(), thief); !errors.Is(err, forge.ErrAuth) || !token.IsZero() {
		t.Errorf("%v", err)
	}
}

func TestAppsTokensAreForGitToo(t *testing.T) {
	h := newHub(t)
	app := h.github.NewApp("acme", needed(), h.repository)
	tokens := forge.NewTokens(h.options())
	token, err := tokens.Git(t.Context(), h.where(app))
	if err != nil || strings.Contains(fmt.Sprintf("%v %+v %#v", token, token, token), token.Reveal()) {
		t.Fatalf("%v %v", token, err)
	}
	url := strings.Replace(h.repository.URL, "://", "://x-access-token:"+token.Reveal()+"@", 1)
	h.repository.Git("push", "-q", url, "main:refs/heads/pushed")
	if h.repository.Head("pushed") == "" {
		t.Error("nothing was pushed")
	}
	// It isn't one for pull requests.
	if _, err := h.open(h.repository.URL, token.Reveal()).Create(t.Context(), proposal); !errors.Is(err, forge.ErrForbidden) {
		t.Errorf("%v", err)
	}
	where := h.where(app)
	where.URL = "https://git.example.test/acme/app"
	if _, err := tokens.Git(t.Context(), where); !errors.Is(err, forge.ErrInvalid) {
		t.Errorf("another host: %v", err)
	}
	where.App = nil
	if _, err := tokens.Git(t.Context(), where); !errors.Is(err, forge.ErrInvalid) {
		t.Errorf("no app: %v", err)
	}
}

func TestAppsAskTeamsWhereTheyMay(t *testing.T) {
	h := newHub(t)
	app := h.github.NewApp("acme", needed(), h.repository)
	h.forge = h.openApp(h.where(app), nil)
	p := proposal
	p.Reviewers = []string{"acme/ops"}
	_, err := h.forge.Create(t.Context(), p)
	if !errors.Is(err, forge.ErrForbidden) || !strings.Contains(err.Error(), "lacks members: read") {
		t.Errorf("%v", err)
	}
	app.Grant("members", "read")
	if _, _, err := h.forge.Update(t.Context(), h.find(nil), p); err != nil {
		t.Error(err)
	}
	if got := h.repository.Pull(1); len(got.Reviewers) != 1 {
		t.Errorf("%+v", got)
	}
}

func TestAppsInstallationsAreFound(t *testing.T) {
	for _, owner := range []string{"acme", "a-user"} {
		h := newHub(t)
		h.repository.Rename(owner + "/other")
		app := h.github.NewApp(owner, needed(), h.repository)
		where := h.where(app)
		where.App.InstallationID, where.App.InstallationOwner = 0, owner
		if _, err := h.openApp(where, nil).Find(t.Context(), "a", "main", nil); err != nil {
			t.Error(err)
		}
		where.App.InstallationOwner = "nobody"
		if _, err := h.openApp(where, nil).Find(t.Context(), "a", "main", nil); !errors.Is(err, forge.ErrNotFound) || !strings.Contains(err.Error(), `"nobody"`) {
			t.Errorf("%v", err)
		}
	}
}

func TestAppsErrorsSayWhatToDo(t *testing.T) {
	h := newHub(t)
	other := h.github.NewRepository("acme/other", map[string]string{"a": "1"})
	app := func(owner string, permissions map[string]string, repository *parts.GitHubRepository) *fleet.Forge {
		return h.where(h.github.NewApp(owner, permissions, repository))
	}
	good := func() *fleet.Forge { return app("acme", needed(), h.repository) }
	for name, test := range map[string]struct {
		where  *fleet.Forge
		change func(*fleet.GitHubApp)
		want   error
		says   string
	}{
		"a permission":        {app("acme", map[string]string{"contents": "write", "metadata": "read", "pull_requests": "read"}, h.repository), nil, forge.ErrForbidden, "lacks pull_requests: write: grant that in the app's settings, then accept it at " + h.github.URL + "/organizations/acme/settings/installations/"},
		"another repository":  {app("acme", needed(), other), nil, forge.ErrForbidden, "doesn't include " + h.github.URL + "/acme/app: add it at"},
		"another account":     {app("other", needed(), h.repository), nil, forge.ErrForbidden, `its installation is at "other"`},
		"no installation":     {good(), func(a *fleet.GitHubApp) { a.InstallationID = 99999 }, forge.ErrNotFound, "no installation with the ID 99999"},
		"neither ID nor name": {good(), func(a *fleet.GitHubApp) { a.InstallationID = 0 }, forge.ErrInvalid, "githubAppInstallationOwner"},
		"another app":         {good(), func(a *fleet.GitHubApp) { a.ID = 99999 }, forge.ErrAuth, "the GitHub App 99999"},
		"no PEM":              {good(), func(a *fleet.GitHubApp) { a.PrivateKey = pinsetter.NewSecret("k", "not-a-key") }, forge.ErrAuth, "githubAppPrivateKey is no RSA key in PEM"},
	} {
		if test.change != nil {
			test.change(test.where.App)
		}
		_, err := h.openApp(test.where, nil).Find(t.Context(), "a", "main", nil)
		if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "not-a-key") {
			t.Errorf("%s: %v", name, err)
		}
	}
	suspended := h.github.NewApp("acme", needed(), h.repository)
	suspended.Suspend()
	if _, err := h.openApp(h.where(suspended), nil).Find(t.Context(), "a", "main", nil); !errors.Is(err, forge.ErrForbidden) || !strings.Contains(err.Error(), "is suspended") {
		t.Errorf("%v", err)
	}
}

// TestAppsServers: what an app signs goes to its own server alone.
func TestAppsServers(t *testing.T) {
	for _, test := range []struct{ repository, base, says string }{
		{"https://github.com/acme/app", "", ""},
		{"ssh://git@ssh.github.com:443/acme/app", "", ""},
		{"https://github.com/acme/app", "https://api.github.com", ""},
		{"https://acme.ghe.com/acme/app", "https://api.acme.ghe.com/", ""},
		{"https://ghe.example.test/acme/app", "https://ghe.example.test/api/v3/", ""},
		{"https://ghe.example.test/acme/app", "", "give githubAppBaseURL"},
		{"https://ghe.example.test/acme/app", "http://ghe.example.test", "not https"},
		{"https://ghe.example.test/acme/app", "https://ghe.example.test/other", "not an address"},
		{"https://ghe.example.test/acme/app", "https://u:p@ghe.example.test", "not an address"},
		{"https://github.com/acme/group/app", "", "https://HOST/OWNER/NAME"},
		{"https://github.com/acme/a%3Fb", "", "https://HOST/OWNER/NAME"},
	} {
		where := &fleet.Forge{Provider: fleet.ForgeGitHub, URL: test.repository, App: &fleet.GitHubApp{ID: 1, InstallationID: 1, BaseURL: test.base}}
		_, err := forge.Open(where, forge.Options{})
		if (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
			t.Errorf("%+v: %v", test, err)
		}
	}
}
