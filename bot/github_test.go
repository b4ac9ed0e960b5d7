package bot_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/parts"
)

// appPermissions are what the documentation tells to give to an app.
var appPermissions = map[string]string{"contents": "write", "metadata": "read", "pull_requests": "write"}

// apps opens repositories at a double of GitHub, where the bot is an app: for Git
// and for pull requests.
func apps(g *parts.GitHub, permissions map[string]string) opener {
	return func(files map[string]string) hub {
		h := newAtGitHub(g, files)
		app := g.NewApp("org", permissions, h.GitHubRepository)
		h.app = app
		h.keys = fmt.Sprintf("{githubAppID: '%d', githubAppInstallationID: '%d', githubAppBaseURL: '%s/api/v3', githubAppPrivateKey: %q}",
			app.ID, app.InstallationID, g.URL, app.PrivateKey)
		return h
	}
}

// finely opens repositories where the bot's token is a fine-grained one.
func finely(g *parts.GitHub, permissions map[string]string) opener {
	return func(files map[string]string) hub {
		h := newAtGitHub(g, files)
		h.keys = "{username: bot, password: " + g.NewFineGrainedToken("bot", permissions, h.GitHubRepository) + "}"
		return h
	}
}

func TestAppPushesAndProposes(t *testing.T) {
	o := offer(t, apps(parts.NewGitHub(t), appPermissions), "", nil)
	o.says("created#1 1")
	o.Registry.Push("org/app", "1.2.0")
	o.says("updated#1 1")
	if issued := o.hub.(*atGitHub).app.Issued(); issued != 4 { // for Git and for pull requests, in two processes
		t.Errorf("%d tokens", issued)
	}
}

func TestVerifiedCommits(t *testing.T) {
	files := map[string]string{"a.yaml": storyFile, "latin.yaml": "# \xe9\n" + storyFile}
	o := offer(t, apps(parts.NewGitHub(t), appPermissions), "verifiedCommits: true", files)
	o.hub.commit(parts.Commit{Tree: parts.Tree{Files: map[string]string{"run.yaml": o.Named(storyFile)}, Executable: []string{"run.yaml"}}})
	o.says("created#1 2")
	signed := func() {
		t.Helper()
		if who := o.Repo.Git("log", "--format=%cn <%ce>", "main..pinsetter/apps"); who != "GitHub <noreply@github.com>" {
			t.Errorf("committed by %s", who)
		}
	}
	signed()
	if modes := o.Repo.Git("ls-tree", "pinsetter/apps", "a.yaml", "run.yaml"); !strings.HasPrefix(modes, "100644 ") || !strings.Contains(modes, "\n100755 ") {
		t.Errorf("modes\n%s", modes)
	}
	o.says("unchanged#1 0")
	o.with("") // from now on it pushes them
	o.forgetful("unchanged#1 0")
	o.with("verifiedCommits: true")
	o.Registry.Push("org/app", "1.2.0")
	o.says("updated#1 2")
	signed()
	o.hand("pinsetter/apps", "fix.txt", "x")
	o.Registry.Push("org/app", "1.3.0")
	o.says("unchanged#1 0 held")
	if strings.Contains(o.said.String(), "WARN") {
		t.Errorf("the log says %s", &o.said)
	}
}

// Where a rule forbids to force-push, GitHub signs commits on top of those that a
// branch has, and the state knows them all again.
func TestVerifiedCommitsOnABranchThatKeepsThem(t *testing.T) {
	o := offer(t, apps(parts.NewGitHub(t), appPermissions), "verifiedCommits: true", map[string]string{"a.yaml": storyFile, "b.yaml": "b: 1\n"})
	o.Repo.Git("config", "receive.denyNonFastForwards", "true")
	const branch = "pinsetter/apps"
	proposes := func(tag string, parents ...string) {
		t.Helper()
		if got := o.Repo.Git("show", "-s", "--format=%cn %P", branch); got != "GitHub "+strings.Join(parents, " ") {
			t.Errorf("committed by %s, not by GitHub on %s", got, parents)
		}
		if got := o.Repo.Git("diff", "--name-only", "main", branch); got != "a.yaml" {
			t.Errorf("it proposes %q", got)
		}
		if got := o.Repo.File(branch, "a.yaml"); !strings.Contains(got, ":"+tag+" ") {
			t.Errorf("it shows %s", got)
		}
	}
	o.says("created#1 1")
	proposes("1.1.0", o.Repo.Head("main"))

	first := o.Repo.Head(branch)
	o.hand("main", "b.yaml", "b: 2\n")
	o.Registry.Push("org/app", "1.2.0")
	o.says("updated#1 1")
	proposes("1.2.0", first, o.Repo.Head("main"))

	second := o.Repo.Head(branch)
	o.Registry.Push("org/app", "1.3.0")
	o.says("updated#1 1")
	proposes("1.3.0", second)
	o.says("unchanged#1 0")
	if n := strings.Count(o.said.String(), "committing on top of it"); n != 1 {
		t.Errorf("refused %d times", n)
	}

	o.hand(branch, "fix.txt", "x")
	o.Registry.Push("org/app", "1.4.0")
	o.says("unchanged#1 0 held")
}

// A server may sign nothing, and commit by a name of its own. That is said, and
// the bot knows its commit again.
func TestCommitThatIsNotVerified(t *testing.T) {
	o := offer(t, apps(parts.NewGitHub(t), appPermissions), "verifiedCommits: true", nil)
	o.hub.(*atGitHub).Set(parts.GitHubSettings{NoSigning: true})
	o.says("created#1 1")
	if log := o.said.String(); !strings.Contains(log, "level=WARN") || !strings.Contains(log, "unsigned") {
		t.Errorf("the log says %s", log)
	}
	o.says("unchanged#1 0")
	o.Registry.Push("org/app", "1.2.0")
	o.says("updated#1 1")
	o.hand("pinsetter/apps", "fix.txt", "x")
	o.Registry.Push("org/app", "1.3.0")
	o.says("unchanged#1 0 held")
}

func TestWorkflowsAreLeftAlone(t *testing.T) {
	github := parts.NewGitHub(t)
	files := map[string]string{"a.yaml": storyFile, ".github/workflows/ci.yaml": storyFile}
	with := map[string]string{"contents": "write", "metadata": "read", "pull_requests": "write", "workflows": "write"}
	for name, test := range map[string]struct {
		open opener
		held string
	}{
		"an app":               {apps(github, appPermissions), "lacks workflows: write"},
		"an app with it":       {apps(github, with), ""},
		"a token":              {githubs(github), `lacks the scope "workflow"`},
		"a fine-grained token": {finely(github, with), ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := offer(t, test.open, "", files)
			if test.held == "" {
				o.says("created#1 2")
				return
			}
			r := o.says("created#1 1 held")[0]
			if hold := r.Held[0]; hold.Path != ".github/workflows/ci.yaml" || !strings.Contains(hold.Reason, test.held) {
				t.Errorf("held %+v", hold)
			}
			if p := o.only(); !strings.Contains(p.Body, test.held) {
				t.Errorf("the body says nothing of it:\n%s", p.Body)
			}
			o.says("unchanged#1 0 held")
		})
	}
}

// Who pushes is asked, and not who opens pull requests.
func TestWorkflowsOfAnotherToken(t *testing.T) {
	github := parts.NewGitHub(t)
	o := offer(t, githubs(github), "", map[string]string{".github/workflows/ci.yaml": storyFile})
	pulls := "---\napiVersion: v1\nkind: Secret\nmetadata: {name: pulls}\nstringData: {token: " + github.NewToken("bot", "repo") + "}\n"
	o.with("secretRef: {name: pulls}", pulls)
	o.says("0 held")
	o.hub.(*atGitHub).keys = "{username: bot, password: " + github.NewToken("bot", "repo", "workflow") + "}"
	o.with("secretRef: {name: pulls}", pulls)
	o.says("created#1 1")
}

func TestTokenWithoutPermission(t *testing.T) {
	github := parts.NewGitHub(t)
	t.Run("for pull requests", func(t *testing.T) {
		o := offer(t, finely(github, map[string]string{"contents": "write", "pull_requests": "read"}), "", nil)
		r := o.says("1 error")[0]
		if !strings.Contains(r.Error, "not permitted") || !strings.Contains(r.Error, "pull_requests=write") {
			t.Errorf("%v", r.Err)
		}
		o.hub.(*atGitHub).keys = "{username: bot, password: " + github.NewToken("bot", "repo") + "}"
		o.with("")
		o.says("created#1 1") // it was pushed before
		o.says("unchanged#1 0")
	})
	t.Run("to push", func(t *testing.T) {
		o := offer(t, finely(github, map[string]string{"contents": "read", "pull_requests": "write"}), "", nil)
		r := o.says("0 error")[0]
		if !strings.Contains(r.Error, "access denied") {
			t.Errorf("%v", r.Err)
		}
	})
	t.Run("to commit", func(t *testing.T) {
		o := offer(t, apps(github, map[string]string{"contents": "read", "pull_requests": "write"}), "verifiedCommits: true", nil)
		r := o.says("0 error")[0]
		if !strings.Contains(r.Error, "contents: write") {
			t.Errorf("%v", r.Err)
		}
	})
}

// limited is how GitHub asks for an hour's pause.
func limited(request string) parts.GitHubFault {
	return parts.GitHubFault{Request: request, Status: http.StatusForbidden, Header: map[string]string{"Retry-After": "3600"}}
}

// Nothing more is asked of a forge that wants to be left alone, nor pushed for
// want of a pull request, and the next run goes on.
func TestRateLimit(t *testing.T) {
	github := parts.NewGitHub(t)
	files := map[string]string{"a.yaml": storyFile}
	for i := range 12 {
		files[fmt.Sprintf("%d/a.yaml", 10+i)] = storyFile
	}
	for _, request := range []string{"GET /repos/{owner}/{repo}/pulls", "POST /repos/{owner}/{repo}/pulls"} {
		o := offer(t, githubs(github), "groupBy: directory", files)
		fault := limited(request)
		fault.Times = len(files) // as GitHub does: whoever asks meanwhile is refused too
		github.Fail(fault)
		github.Log.Reset()
		for _, r := range o.all() {
			if r.PullRequest != nil || !strings.Contains(r.Error, "rate limit reached at ") || !strings.Contains(r.Error, " until ") {
				t.Errorf("%s: %s: %v", request, r.Group, r.Err)
			}
		}
		method, _, _ := strings.Cut(request, " ")
		if n := github.Log.Count(method, "/pulls"); n > 4 && method == http.MethodGet || n > 1 && method == http.MethodPost {
			t.Errorf("%s: %d requests", request, n)
		}
		if n := len(strings.Fields(o.Repo.Git("for-each-ref", "--format=%(refname)", "refs/heads/pinsetter"))); n > 1 {
			t.Errorf("%s: %d branches", request, n)
		}
		github.Heal()
		for _, r := range o.all() {
			if r.Err != nil || r.PullRequest == nil || r.PullRequest.Action != bot.Created {
				t.Errorf("%s: %s: then %+v, %v", request, r.Group, r.PullRequest, r.Err)
			}
		}
	}
}

func TestRenamedAndArchived(t *testing.T) {
	github := parts.NewGitHub(t)
	o := offer(t, githubs(github), "", nil)
	o.says("created#1 1")
	h := o.hub.(*atGitHub)
	h.Rename("other/renamed")
	o.Registry.Push("org/app", "1.2.0")
	o.says("updated#1 1")
	o.forgetful("unchanged#1 0")
	h.Archive()
	o.Registry.Push("org/app", "1.3.0")
	if r := o.says("0 error")[0]; !strings.Contains(r.Error, "archived") {
		t.Errorf("%v", r.Err)
	}
}

func TestBodySaysWhereImagesAreBuiltFrom(t *testing.T) {
	github := parts.NewGitHub(t)
	o := offer(t, githubs(github), "", nil)
	before, after := strings.Repeat("a", 40), strings.Repeat("b", 40)
	o.Registry.PushBuilt("org/app", "1.0.0", github.URL+"/org/app", before)
	o.Registry.PushBuilt("org/app", "1.1.0", github.URL+"/org/app", after)
	o.says("created#1 1")
	if body, want := o.only().Body, github.URL+"/org/app/compare/"+before+"..."+after; !strings.Contains(body, want) {
		t.Errorf("the body lacks %s:\n%s", want, body)
	}
	o.Registry.Log.Reset()
	o.says("unchanged#1 0")
	if n := o.Registry.Log.Count("", "/blobs/"); n > 0 {
		t.Errorf("%d requests for what is known", n)
	}
	o.forgetful("unchanged#1 0")
	said := o.only().Body
	o.Break()
	o.forgetful("unchanged#1 0 error")
	if o.Fault.Store(nil); o.only().Body != said {
		t.Error("the body lost what couldn't be asked again")
	}
	o.Registry.PushBuilt("org/app", "1.2.0", "https://elsewhere.example.test/app](x)", "`c")
	o.says("updated#1 1")
	if body := o.only().Body; strings.Contains(body, "elsewhere") || strings.Contains(body, "compare") {
		t.Errorf("the body has\n%s", body)
	}
}

// What changed is said since what the base shows now, also where the proposed image
// stays and somebody moved the base.
func TestBodyComparesWithTheBase(t *testing.T) {
	github := parts.NewGitHub(t)
	o := offer(t, githubs(github), "", nil)
	source, revisions := github.URL+"/org/app", map[string]string{}
	for i, tag := range []string{"1.0.0", "1.3.0", "1.4.0"} {
		revisions[tag] = fmt.Sprintf("%s@sha1:%s", tag, strings.Repeat(fmt.Sprint(i+1), 40))
		o.Registry.PushBuilt("org/app", tag, source, revisions[tag])
	}
	wants := func(from string) {
		t.Helper()
		hash := func(tag string) string { _, hash, _ := strings.Cut(revisions[tag], "@sha1:"); return hash }
		body := o.only().Body
		if want := source + "/compare/" + hash(from) + "..." + hash("1.4.0"); !strings.Contains(body, want) || !strings.Contains(body, "`"+revisions["1.4.0"]+"`") {
			t.Errorf("the body lacks %s, or the revision:\n%s", want, body)
		}
	}
	o.says("created#1 1")
	wants("1.0.0")
	o.hand("main", "a.yaml", strings.ReplaceAll(storyFile, "1.0.0", "1.3.0"))
	o.says("updated#1 0")
	wants("1.3.0")
	said := o.only().Body
	o.forgetful("unchanged#1 0")
	o.says("unchanged#1 0")
	if o.only().Body != said {
		t.Errorf("without a state the body is\n%s", o.only().Body)
	}
}

func TestGitHubMergesWhenItsRulesAllow(t *testing.T) {
	github := parts.NewGitHub(t)
	o := offer(t, githubs(github), "autoMerge: true", nil)
	h := o.hub.(*atGitHub)
	h.Set(parts.GitHubSettings{AutoMerge: true})
	block := parts.GitHubFault{Request: "GET /repos/{owner}/{repo}/pulls/{pull_number}", Meanwhile: func() { h.SetMergeable(1, "blocked") }}
	github.Fail(block)
	o.says("created#1 1")
	o.says("unchanged#1 0")
	if h.Pull(1).AutoMerge {
		t.Error("it is to be merged by itself")
	}
	h.SetMergeable(1, "clean")
	o.says("merged#1 0")
}
