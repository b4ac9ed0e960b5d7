package login

import (
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/pinsetter/pinsetter"
)

// Environment is the environment of the process, passed as an argument. The
// zero value offers nothing.
type Environment struct {
	Getenv func(string) string // os.Getenv; nil: no variable is set
	Home   string              // the user's home directory; "": none
}

// GitCredential is a user name and a password or token for one Git host.
type GitCredential struct {
	Username string
	Password pinsetter.Secret // its name tells the variable or file that it comes from
}

// hostToken is a token that belongs to the host in a server's URL.
type hostToken struct {
	token, server string // names of variables
	fallback      string // server if the variable is not set; "": none
	username      string // the forge's documented user name for such a token
}

// hostTokens are the tokens that runners of forges give to jobs, each with the
// variable that names its server.
//
// GitHub: https://docs.github.com/actions, "Default environment variables" and
// GITHUB_TOKEN; Gitea's runner sets the same two. GitLab:
// https://docs.gitlab.com/ci/jobs/ci_job_token.
var hostTokens = []hostToken{
	{token: "GITHUB_TOKEN", server: "GITHUB_SERVER_URL", fallback: "https://github.com", username: "x-access-token"},
	{token: "CI_JOB_TOKEN", server: "CI_SERVER_URL", username: "gitlab-ci-token"},
	{token: "GITEA_TOKEN", server: "GITEA_SERVER_URL", username: "git"},
}

// Git returns the environment's credential for the host of u, and false if
// there is none. It looks at, in this order: PINSETTER_GIT_TOKEN (with
// PINSETTER_GIT_USERNAME, default "git") for PINSETTER_GIT_HOST; the runners'
// tokens for the server that the runner names; $NETRC or ~/.netrc.
//
// It offers credentials only over https, loopback excepted. A token without its
// host, and an unreadable netrc file, are errors.
func (e Environment) Git(u *url.URL) (GitCredential, bool, error) {
	if !confidential(u) {
		return GitCredential{}, false, nil
	}
	if c, found, err := e.ownToken(u); found || err != nil {
		return c, found, err
	}
	for _, t := range hostTokens {
		if c, found := e.runnerToken(u, t); found {
			return c, true, nil
		}
	}
	return e.netrc(u)
}

// ownToken is Git for this program's own variables.
func (e Environment) ownToken(u *url.URL) (GitCredential, bool, error) {
	token := e.get("PINSETTER_GIT_TOKEN")
	if token == "" {
		return GitCredential{}, false, nil
	}
	if here, err := e.ownHost(u, "PINSETTER_GIT_TOKEN"); err != nil || !here {
		return GitCredential{}, false, err
	}
	username := e.get("PINSETTER_GIT_USERNAME")
	if username == "" {
		username = "git"
	}
	return GitCredential{username, pinsetter.NewSecret("PINSETTER_GIT_TOKEN", token)}, true, nil
}

// ownHost reports whether u is at the host that this program's own variables are for.
func (e Environment) ownHost(u *url.URL, variable string) (bool, error) {
	host := e.get("PINSETTER_GIT_HOST")
	if host == "" {
		return false, fmt.Errorf("read %s: it is sent to one host only: name it in PINSETTER_GIT_HOST, such as %q", variable, u.Host)
	}
	if strings.ContainsAny(host, "/@ ") {
		return false, fmt.Errorf("read PINSETTER_GIT_HOST: %q is not a host or host:port", host)
	}
	return pinsetter.SameOrigin(u, &url.URL{Scheme: u.Scheme, Host: host}), nil
}

// runnerToken returns t's token if u is on t's server.
func (e Environment) runnerToken(u *url.URL, t hostToken) (GitCredential, bool) {
	token, server := e.get(t.token), e.get(t.server)
	if server == "" {
		server = t.fallback
	}
	s, err := url.Parse(server)
	if token == "" || err != nil || !pinsetter.SameOrigin(u, s) {
		return GitCredential{}, false
	}
	return GitCredential{t.username, pinsetter.NewSecret(t.token, token)}, true
}

// AgentSocket returns the socket of the ssh-agent, "" if there is none.
func (e Environment) AgentSocket() string { return e.get("SSH_AUTH_SOCK") }

func (e Environment) get(name string) string {
	if e.Getenv == nil {
		return ""
	}
	return e.Getenv(name)
}

// confidential reports whether nobody on the way can read requests to u.
func confidential(u *url.URL) bool {
	return u.Scheme == "https" || u.Scheme == "http" && Loopback(u.Hostname())
}

// Loopback reports whether host is this machine: localhost, or an address that
// never leaves it.
func Loopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") || ip != nil && ip.IsLoopback()
}
