package gitops_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/parts"
)

// withSecret is a source that logs in with what a Secret has.
func withSecret(url string) *fleet.GitSource {
	name := pinsetter.Name{Namespace: "a", Name: "git"}
	return &fleet.GitSource{URL: url, Auth: fleet.GitAuth{Set: true, Secret: name, Username: "bot", Password: secret("hunter2")}}
}

// reads and writes are what is asked of a server; both must say the same of it.
var readsAndWrites = map[string]func(*testing.T, *gitops.Remote) error{
	"fetch": func(t *testing.T, r *gitops.Remote) error {
		_, err := r.Fetch(t.Context(), main)
		return err
	},
	"push": func(t *testing.T, r *gitops.Remote) error {
		g := parts.NewGit(t, parts.GitOptions{})
		base := fetch(t, open(t, g.NewRepository("org/app", parts.RepositoryOptions{Tree: files}).URL), main).Base
		_, err := r.Push(t.Context(), gitops.Push{Snapshot: commit(t, base, map[string]string{"apps/a.yaml": "tag: 1.1.0\n"}), Branch: "x"})
		return err
	},
}

// A page that is made for people is told from Git, and from a repository that
// isn't there.
func TestPages(t *testing.T) {
	page := func(status int, kind, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, text)
		}
	}
	redirect := func(to string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/info/refs") {
				http.Redirect(w, r, to, http.StatusFound)
				return
			}
			page(200, "text/html", "<html>Sign in")(w, r)
		}
	}
	for name, test := range map[string]struct {
		answer      http.HandlerFunc
		denied      bool
		text        string
		sent, empty string // what is said after it, with and without credentials
	}{
		"a sign-in page, 203": {page(203, "text/html; charset=utf-8", "<html>Sign in"), true, "access denied (a login page of 127.0.0.1:", "the credentials in Secret a/git were refused: renew them there", "nothing was sent to log in with: give a secretRef"},
		"a redirect to one":   {redirect("/_signin?to=%2Finfo%2Frefs"), true, "access denied (a login page of 127.0.0.1:", "the credentials in Secret a/git were refused: renew them there", "nothing was sent to log in with: give a secretRef"},
		"a web page":          {page(200, "text/html", "<html>A project</html>"), false, `has no Git over smart HTTP there: it answers with "text/html"`, "check the URL", "check the URL"},
		"Git over dumb HTTP":  {page(200, "text/plain", strings.Repeat("a", 40)+"\trefs/heads/main\n"), false, `has no Git over smart HTTP there: it answers with "text/plain"`, "check the URL", "check the URL"},
		"no type at all":      {page(200, "", "0000"), false, `has no Git over smart HTTP there: it answers with ""`, "check the URL", "check the URL"},
		"another service":     {page(200, "application/x-git-other-advertisement", "0000"), false, "has no Git over smart HTTP there", "check the URL", "check the URL"},
	} {
		for what, ask := range readsAndWrites {
			t.Run(name+", "+what, func(t *testing.T) {
				front := parts.Serve(t, test.answer, parts.FrontOptions{})
				for _, src := range []*fleet.GitSource{withSecret(front.URL + "/org/app"), {URL: front.URL + "/org/app"}} {
					help := test.empty
					if src.Auth.Set {
						help = test.sent
					}
					err := ask(t, openWith(t, src, gitops.Options{}))
					wantError(t, err, test.text, help)
					if errors.Is(err, gitops.ErrAuth) != test.denied || errors.Is(err, gitops.ErrNotFound) == test.denied {
						t.Errorf("%v: ErrAuth should be %v", err, test.denied)
					}
				}
			})
		}
	}
}

// What a server says comes first, fit to show, and then what helps against it.
func TestWordsOfStatuses(t *testing.T) {
	for name, test := range map[string]struct {
		status      int
		kind, body  string
		sent, empty string // the texts with and without credentials
	}{
		"403":            {403, "text/plain", "IP 10.1.2.3 is not on the allow list\n", "access denied (403): IP 10.1.2.3 is not on the allow list; the credentials in Secret a/git may not do this", "access denied (403): IP 10.1.2.3 is not on the allow list; nothing was sent to log in with: give a secretRef"},
		"403, JSON":      {403, "application/json", `{"message":"You have exceeded your plan"}`, "access denied (403): You have exceeded your plan; the credentials", "access denied (403): You have exceeded your plan; nothing"},
		"403, HTML":      {403, "text/html", "<html><head><title>Blocked by\n policy &amp; law</title><body>\x1b[31mx", "access denied (403): Blocked by policy & law; the credentials", "access denied (403): Blocked by policy & law; nothing"},
		"403, silent":    {403, "text/plain", "", "access denied (403): the credentials in Secret a/git may not do this", "access denied (403): nothing was sent"},
		"401, Azure":     {401, "application/json", `{"$id":"1","message":"TF400813: The user '' is not authorized to access this resource."}`, "access denied (401): TF400813: The user '' is not authorized to access this resource.; the credentials in Secret a/git were refused", "resource.; nothing was sent"},
		"402":            {402, "text/plain", "payment required", "the server answered 402 Payment Required: payment required", "the server answered 402 Payment Required: payment required"},
		"404":            {404, "text/plain", "no project there", "repository not found: no project there; check the URL, and that the credentials in Secret a/git may read it", "repository not found: no project there; check the URL; nothing was sent to log in with"},
		"501, no status": {599, "text/plain", "what?", "the server answered 599: what?", "the server answered 599: what?"},
	} {
		for what, ask := range readsAndWrites {
			t.Run(name+", "+what, func(t *testing.T) {
				front := parts.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Content-Type", test.kind)
					w.WriteHeader(test.status)
					_, _ = io.WriteString(w, test.body)
				}), parts.FrontOptions{})
				wantError(t, ask(t, openWith(t, withSecret(front.URL+"/org/app"), gitops.Options{})), test.sent)
				wantError(t, ask(t, open(t, front.URL+"/org/app")), test.empty)
			})
		}
	}
}

// Over ssh a server has words alone, and ends the connection.
func TestWordsOverSSH(t *testing.T) {
	for said, test := range map[string]struct {
		want error
		text string
	}{
		"FATAL: R any repo bot DENIED by fallthru\n(or you mis-spelled the reponame)\n":                          {gitops.ErrAuth, "access denied: FATAL: R any repo bot DENIED by fallthru | (or you mis-spelled the reponame); the key in Secret a/git may not do this, or there is no such repository"},
		"ERROR: Repository not found.\n":                                                                         {gitops.ErrNotFound, "repository not found: ERROR: Repository not found.; check the URL, and that the key in Secret a/git may read it"},
		"remote: The project you were looking for could not be found or you don't have permission to view it.\n": {gitops.ErrNotFound, "check the URL"},
		"Gitea: Unauthorized\n": {gitops.ErrAuth, "access denied: Gitea: Unauthorized; the key"},
		"remote: User: 3:bot with Key: 1:k is not authorized to write to org/app.\n":                                                                             {gitops.ErrAuth, "access denied: User: 3"},
		"fatal: upload-pack not permitted on 'org/app'\n":                                                                                                        {gitops.ErrAuth, "access denied: fatal: upload-pack not permitted"},
		"remote: TF401019: The Git repository with name or identifier app does not exist or you do not have permissions for the operation you are attempting.\n": {gitops.ErrNotFound, "TF401019"},
		"fatal: unable to read '/srv/git/org/app.git/config': Permission denied\n":                                                                               {nil, "the server has a fault of its own: fatal: unable to read"},
		"error: open /data/app.git/HEAD: permission denied\n":                                                                                                    {nil, "the server has a fault of its own"},
		"ERROR: Permission to org/app.git denied to deploy key\n":                                                                                                {gitops.ErrAuth, "denied to deploy key"},
		"The service is closed\n": {nil, "the server ended the connection: The service is closed"},
	} {
		t.Run(said, func(t *testing.T) {
			login := parts.ServeSSH(t, func(_ string, _ io.ReadWriter, words io.Writer) error {
				_, _ = io.WriteString(words, said)
				return errors.New("refused")
			})
			src := withSecret("ssh://git@" + login.Addr + "/org/app.git")
			src.Auth.Identity, src.Auth.KnownHosts = secret(string(login.Identity)), login.KnownHosts
			for what, ask := range readsAndWrites {
				err := ask(t, openWith(t, src, gitops.Options{}))
				wantError(t, err, test.text)
				for _, kind := range []error{gitops.ErrAuth, gitops.ErrNotFound} {
					if errors.Is(err, kind) != errors.Is(test.want, kind) {
						t.Errorf("%s: %v: %v should be %v", what, err, kind, errors.Is(test.want, kind))
					}
				}
			}
		})
	}
}

// reporting is a Git server that answers each push with a report of its own.
func reporting(t *testing.T, status, said string) *parts.Git {
	t.Helper()
	band := func(n byte, text string) string { return fmt.Sprintf("%04x%c%s", len(text)+5, n, text) }
	return parts.NewGit(t, parts.GitOptions{FrontOptions: parts.FrontOptions{Around: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasSuffix(r.URL.Path, "/git-receive-pack") {
				next.ServeHTTP(w, r)
				return
			}
			command, _ := bufio.NewReader(r.Body).ReadString(0)
			_, _ = io.Copy(io.Discard, r.Body)
			name := strings.Trim(strings.Fields(command)[2], "\x00")
			report := new(bytes.Buffer)
			for _, line := range []string{"unpack ok\n", "ng " + name + " " + status + "\n"} {
				fmt.Fprintf(report, "%04x%s", len(line)+4, line)
			}
			w.Header().Set("Content-Type", "application/x-git-receive-pack-result")
			if said != "" {
				_, _ = io.WriteString(w, band(2, said))
			}
			_, _ = io.WriteString(w, band(1, report.String()+"0000")+"0000")
		})
	}}})
}

// Whatever words a server has for it, what came of a push is known.
func TestPushRejections(t *testing.T) {
	for name, test := range map[string]struct {
		status, said string
		rebuilt      bool
		want         error
		text         string
	}{
		"git, denied":         {status: "non-fast-forward", said: "error: denying non-fast-forward refs/heads/updates (you should pull first)\n", rebuilt: true, want: gitops.ErrNoReplace},
		"JGit, denied":        {status: "non-fast forward", rebuilt: true, want: gitops.ErrNoReplace},
		"JGit, not rebuilt":   {status: "non-fast forward", want: gitops.ErrProtected},
		"GitHub, denied":      {status: "protected branch hook declined", said: "error: GH006: Protected branch update failed for refs/heads/updates.\nerror: Cannot force-push to this branch\n", rebuilt: true, want: gitops.ErrNoReplace},
		"GitLab, denied":      {status: "pre-receive hook declined", said: "GitLab: You are not allowed to force push code to a protected branch on this project.\n", rebuilt: true, want: gitops.ErrNoReplace},
		"Gitea, denied":       {status: "pre-receive hook declined", said: "Gitea: branch updates is protected from force push\n", rebuilt: true, want: gitops.ErrNoReplace},
		"Azure, denied":       {status: "TF401027: You need the Git 'ForcePush' permission to perform this action.", rebuilt: true, want: gitops.ErrNoReplace},
		"Azure, protected":    {status: "TF402455: Pushes to this branch are not permitted; you must use a pull request to update this branch.", want: gitops.ErrProtected},
		"not rebuilt":         {status: "pre-receive hook declined", said: "You are not allowed to force push\n", want: gitops.ErrProtected},
		"reftable, locked":    {status: "failed to update refs", said: "error: cannot lock references\n", want: gitops.ErrStale, text: "the branch is locked on the server: failed"},
		"files, locked":       {status: "failed to update ref", said: "error: cannot lock ref 'refs/heads/updates': Unable to create '/x/updates.lock': File exists.\n", want: gitops.ErrStale, text: "File exists.; another push is under way, or a process that crashed left the lock behind: then remove it on the server"},
		"JGit, locked":        {status: "failed to lock", want: gitops.ErrStale, text: "the branch is locked on the server"},
		"JGit, moved":         {status: "invalid old id sent", want: gitops.ErrStale},
		"git 2.55, moved":     {status: "incorrect old value provided", want: gitops.ErrStale},
		"go-git, moved":       {status: "reference has changed concurrently", want: gitops.ErrStale},
		"a file's permission": {status: "failed to update ref", said: "error: cannot lock ref 'refs/heads/updates': Unable to create '/x/updates.lock': Permission denied\n", text: "the server has a fault of its own: failed to update ref: error: cannot lock ref"},
		"objects' permission": {status: "unpacker error", said: "error: insufficient permission for adding an object to repository database ./objects\n", text: "the server has a fault of its own"},
		"a full disk":         {status: "failed to update ref", said: "error: unable to write: No space left on device\n", text: "the server has a fault of its own"},
		"no reason":           {status: "internal error", text: "the server rejected it: internal error"},
		"a hook's free words": {status: "hook declined", said: "permission denied, non-fast-forward, cannot lock ref\n", want: gitops.ErrProtected},
	} {
		t.Run(name, func(t *testing.T) {
			repository := reporting(t, test.status, test.said).NewRepository("org/app", parts.RepositoryOptions{Tree: files})
			repository.Git("branch", "updates", "main")
			remote, fetched, next := ready(t, repository)
			_, err := remote.Push(t.Context(), gitops.Push{Snapshot: next, Branch: "updates", Lease: fetched.Push["updates"].Head.Hash(), Rebuilt: test.rebuilt})
			wantError(t, err, strings.TrimSpace(test.status), test.text)
			for _, kind := range []error{gitops.ErrNoReplace, gitops.ErrProtected, gitops.ErrStale, gitops.ErrAuth} {
				if is := errors.Is(test.want, kind); errors.Is(err, kind) != is {
					t.Errorf("%v: %q should be %v", err, kind, is)
				}
			}
		})
	}
}

// A name that is a folder of another, or below it, is said from what the server
// has, in whatever words it refuses.
func TestPushClash(t *testing.T) {
	for _, status := range []string{"failed to lock", "refname conflict", "failed to update ref"} {
		for branch, text := range map[string]string{
			"updates/app": "refs/heads/updates exists, and Git",
			"releases":    "refs/heads/releases/1 exists, and Git",
		} {
			repository := reporting(t, status, "").NewRepository("org/app", parts.RepositoryOptions{Tree: files})
			repository.Git("branch", "updates", "main")
			repository.Git("branch", "releases/1", "main")
			remote, _, next := ready(t, repository)
			_, err := remote.Push(t.Context(), gitops.Push{Snapshot: next, Branch: branch})
			wantError(t, err, status, text)
			if errors.Is(err, gitops.ErrStale) || errors.Is(err, gitops.ErrProtected) {
				t.Errorf("%v: trying again won't help, nor will a pull request", err)
			}
		}
	}
}
