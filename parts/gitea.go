package parts

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"golang.org/x/crypto/ssh"
)

// Gitea is a forge as a process: pull requests, labels, reviews, branch
// protection, an API, Git over HTTP and SSH, and a registry. Its images are
// below the name of a user or an organisation: "bot/app".
type Gitea struct {
	Shelf // pushes as User

	Addr    string // "127.0.0.1:PORT"
	URL     string // "http://127.0.0.1:PORT"
	SSHAddr string // "127.0.0.1:PORT"

	// User is an administrator. Token is theirs, with all scopes.
	User, Token string

	t       T
	git     *Git
	dir     string
	config  string
	program string
	client  *http.Client

	internal string // token of its hooks
	output   *output
	tokens   int
}

// giteaConfig configures Gitea for loopback and for speed: no background work,
// cheap password hashes, no log history.
const giteaConfig = `APP_NAME = parts
RUN_MODE = prod
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true
WORK_PATH = %[1]s
[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = %[2]s
DOMAIN = 127.0.0.1
ROOT_URL = http://127.0.0.1:%[2]s/
STATIC_ROOT_PATH = %[4]s
START_SSH_SERVER = true
BUILTIN_SSH_SERVER_USER = git
SSH_LISTEN_HOST = 127.0.0.1
SSH_LISTEN_PORT = %[3]s
SSH_DOMAIN = 127.0.0.1
SSH_PORT = %[3]s
OFFLINE_MODE = true
[database]
DB_TYPE = sqlite3
SQLITE_JOURNAL_MODE = MEMORY
[repository]
DEFAULT_BRANCH = main
DEFAULT_PUSH_CREATE_PRIVATE = false
[security]
INSTALL_LOCK = true
SECRET_KEY = parts
INTERNAL_TOKEN = %[5]s
PASSWORD_HASH_ALGO = pbkdf2$1$10
[service]
DISABLE_REGISTRATION = true
[oauth2]
ENABLED = false
[webhook]
ALLOWED_HOST_LIST = loopback
[actions]
ENABLED = false
[cron]
ENABLED = false
[mailer]
ENABLED = false
[indexer]
ISSUE_INDEXER_TYPE = db
[log]
MODE = console
LEVEL = Warn
[cron.update_checker]
ENABLED = false
`

// NewGitea starts a Gitea that ends with t. It skips the test if gitea is
// missing.
func NewGitea(t T) *Gitea {
	t.Helper()
	g := &Gitea{t: t, program: Need(t, "gitea"), dir: Dir(t), User: "bot"}
	g.git = gitIn(t, g.dir)
	// Gitea's folders of templates and texts are beside the program.
	static, err := filepath.EvalSymlinks(g.program)
	if err != nil {
		t.Fatalf("find gitea's folders: %v", err)
	}
	g.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4}}
	t.Cleanup(g.client.CloseIdleConnections)
	for range 3 { // another process may take a port meanwhile
		if err = g.start(filepath.Dir(static)); err == nil {
			return g
		}
	}
	t.Fatalf("%v", err)
	return nil
}

// start starts again with free ports.
func (g *Gitea) start(static string) error {
	g.t.Helper()
	g.Addr, g.SSHAddr = freeAddress(g.t), freeAddress(g.t)
	g.URL = "http://" + g.Addr
	g.internal = rand.Text()
	text := fmt.Sprintf(giteaConfig, g.dir, port(g.Addr), port(g.SSHAddr), static, g.internal)
	g.config = put(g.t, g.dir, "app.ini", []byte(text))
	if g.Token == "" {
		g.mustRun("migrate")
		g.mustRun("admin", "user", "create", "--admin", "--username", g.User,
			"--password", rand.Text(), "--email", g.User+"@example.test", "--must-change-password=false")
		g.Token = g.NewToken(g.User, "all")
	}
	g.Shelf = Shelf{t: g.t, addr: g.Addr, transport: g.client.Transport, auth: &authn.Basic{Username: g.User, Password: g.Token}}
	p := start(g.t, g.env(), g.program, g.args("web")...)
	g.output = p.output
	err := p.await(g.knowsItself)
	if err != nil {
		p.stop() // it holds locks that the next one needs
	}
	return err
}

// knowsItself returns an error unless this Gitea answers. Another process may
// have taken the port; it doesn't know this one's token.
func (g *Gitea) knowsItself(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, g.URL+"/api/v1/user", nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "token "+g.Token)
	response, err := g.client.Transport.RoundTrip(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("another server answers at %s: %s", g.URL, response.Status)
	}
	return nil
}

// NewToken returns a token of a user with scopes, such as "all" or
// "read:repository,write:issue".
func (g *Gitea) NewToken(user, scopes string) string {
	g.t.Helper()
	g.tokens++
	out := g.mustRun("admin", "user", "generate-access-token", "--username", user,
		"--token-name", fmt.Sprintf("parts-%d", g.tokens), "--scopes", scopes, "--raw")
	token := giteaToken.FindString(out)
	if token == "" {
		g.t.Fatalf("gitea printed no token: %s", out)
	}
	return token
}

// giteaToken matches a token on a line of its own. Warnings may surround it.
var giteaToken = regexp.MustCompile(`(?m)^[0-9a-f]{40}$`)

// NewUser adds a user without rights and returns a token with all scopes.
func (g *Gitea) NewUser(name string) string {
	g.t.Helper()
	g.Must(http.MethodPost, "/admin/users", map[string]any{
		"username": name, "email": name + "@example.test", "password": rand.Text(), "must_change_password": false,
	}, nil)
	return g.NewToken(name, "all")
}

// NewSSHKey returns a private key (PEM) with which User may push over SSH, and
// the server's line for a known_hosts file.
func (g *Gitea) NewSSHKey() (identity, knownHosts []byte) {
	g.t.Helper()
	public, identity := newSSHKey(g.t, "")
	g.tokens++
	g.Must(http.MethodPost, "/user/keys", map[string]any{
		"title": fmt.Sprintf("parts-%d", g.tokens), "key": string(ssh.MarshalAuthorizedKey(public)),
	}, nil)
	keys, err := filepath.Glob(filepath.Join(g.dir, "data", "ssh", "*"))
	if err != nil {
		g.t.Fatalf("find gitea's host keys: %v", err)
	}
	for _, name := range keys {
		data, err := os.ReadFile(name)
		if err != nil || !strings.Contains(string(data), "PRIVATE KEY") {
			continue
		}
		signer, err := ssh.ParsePrivateKey(data)
		if err != nil {
			g.t.Fatalf("read gitea's host key: %v", err)
		}
		line := fmt.Sprintf("[127.0.0.1]:%s %s", port(g.SSHAddr), ssh.MarshalAuthorizedKey(signer.PublicKey()))
		knownHosts = append(knownHosts, line...)
	}
	if len(knownHosts) == 0 {
		g.t.Fatalf("gitea has no host key: %s", strings.Join(keys, ", "))
	}
	return identity, knownHosts
}

// Output returns the output of the process.
func (g *Gitea) Output() string { return g.output.String() }

// mustRun runs a command of Gitea, and ends the test if it fails.
func (g *Gitea) mustRun(args ...string) string {
	g.t.Helper()
	command := exec.Command(g.program, g.args(args...)...)
	command.Env = g.env()
	var errs strings.Builder
	command.Stderr = &errs
	out, err := command.Output()
	if err != nil {
		g.t.Fatalf("gitea %s: %v: %s%s", args[0], err, out, errs.String())
	}
	return string(out)
}

func (g *Gitea) args(args ...string) []string {
	return append([]string{"--config", g.config, "--work-path", g.dir}, args...)
}

// env returns an environment in which Gitea finds git and has a Git
// configuration of its own.
func (g *Gitea) env() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + g.dir, "USER=git", "LC_ALL=C", "TZ=UTC", "GITEA_WORK_DIR=" + g.dir}
}

func port(addr string) string { return addr[strings.LastIndexByte(addr, ':')+1:] }
