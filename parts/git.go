package parts

import (
	"bytes"
	"io"
	"net/http"
	"net/http/cgi"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// GitOptions configure a Git server. The zero value is plain HTTP where
// everybody may read and push.
type GitOptions struct {
	FrontOptions
}

// Git is C git's own HTTP server, `git http-backend`, for the repositories in
// one folder. It supports protocols 0 to 2.
type Git struct {
	Front
	Root string // repositories are Root/NAME.git

	t       T
	git     string
	backend string // git http-backend
	env     []string
}

// gitConfig is the only configuration that this package's Git reads. Like
// forges, and unlike C git's defaults, it allows partial clones and fetching
// any reachable object.
const gitConfig = `[user]
	name = A Human
	email = human@example.test
[init]
	defaultBranch = main
[safe]
	directory = *
[gc]
	auto = 0
[maintenance]
	auto = false
[core]
	fsync = none
[http]
	receivepack = true
[receive]
	advertisePushOptions = true
	autogc = false
[uploadpack]
	allowFilter = true
	allowReachableSHA1InWant = true
`

// NewGit starts a Git server that ends with t. It skips the test if git is
// missing.
func NewGit(t T, o GitOptions) *Git {
	t.Helper()
	g := gitIn(t, Dir(t))
	g.Front = Serve(t, http.HandlerFunc(g.serve), o.FrontOptions)
	return g
}

// gitIn returns C git for the repositories in a folder, without a server.
func gitIn(t T, dir string) *Git {
	t.Helper()
	g := &Git{t: t, git: Need(t, "git"), Root: dir, env: gitEnv(t, dir)}
	programs, err := g.run(dir, nil, "--exec-path")
	if err != nil {
		t.Fatalf("%v", err)
	}
	g.backend = filepath.Join(programs, "git-http-backend") // git would only start it
	return g
}

// gitEnv returns an environment in which C git reads only gitConfig, from a
// file in dir.
func gitEnv(t T, dir string) []string {
	t.Helper()
	config := put(t, dir, "gitconfig", []byte(gitConfig))
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "LC_ALL=C", "TZ=UTC",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + config, "GIT_TERMINAL_PROMPT=0",
	}
}

// Env returns an environment in which C git reads only this package's
// configuration.
func (g *Git) Env() []string { return append([]string(nil), g.env...) }

// serve runs git http-backend for one request.
func (g *Git) serve(w http.ResponseWriter, r *http.Request) {
	if err := wholeBody(r); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	env := append(g.Env(), "GIT_PROJECT_ROOT="+g.Root, "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER=parts")
	if protocol := r.Header.Get("Git-Protocol"); protocol != "" {
		env = append(env, "GIT_PROTOCOL="+protocol)
	}
	backend := cgi.Handler{
		Path: g.backend, Dir: g.Root, Env: env,
		Logger: quiet, Stderr: io.Discard,
	}
	backend.ServeHTTP(w, r)
}

// wholeBody reads a body of unknown length, since CGI needs the length first.
func wholeBody(r *http.Request) error {
	if r.ContentLength >= 0 {
		return nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.ContentLength = int64(len(body))
	r.TransferEncoding = nil
	return nil
}

// run runs C git in dir with stdin and returns its output without the final
// newline.
func (g *Git) run(dir string, stdin io.Reader, args ...string) (string, error) {
	command := exec.Command(g.git, args...)
	command.Dir, command.Env, command.Stdin = dir, g.Env(), stdin
	var errs strings.Builder
	command.Stderr = &errs
	out, err := command.Output()
	if err != nil {
		return "", &gitError{args: args, cause: err, said: errs.String()}
	}
	return strings.TrimSuffix(string(out), "\n"), nil
}

type gitError struct {
	args  []string
	cause error
	said  string
}

func (e *gitError) Error() string {
	return "git " + strings.Join(e.args, " ") + ": " + e.cause.Error() + ": " + strings.TrimSpace(e.said)
}

func (e *gitError) Unwrap() error { return e.cause }
