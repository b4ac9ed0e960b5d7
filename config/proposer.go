package config

import (
	"cmp"
	"net/url"
	"strconv"
	"strings"
)

// forgeHosts are the hosts whose software is known.
var forgeHosts = map[string]string{
	"github.com":        ForgeGitHub,
	"ssh.github.com":    ForgeGitHub,
	"gitlab.com":        ForgeGitLab,
	"altssh.gitlab.com": ForgeGitLab,
	"codeberg.org":      ForgeGitea,
	"gitea.com":         ForgeGitea,
}

// webHosts are the hosts of Git alone, and those of their web pages.
var webHosts = map[string]string{
	"ssh.github.com":    "github.com",
	"altssh.gitlab.com": "gitlab.com",
}

// forgeOf fills in where the pull requests of a repository are opened, and as
// whom.
func (l *loader) forgeOf(p *pullRequestDraft, git *GitSource) {
	spec, forge := &p.out.Spec, &p.out.Forge
	at, err := url.Parse(cmp.Or(spec.Address, git.URL))
	if err != nil || at.Hostname() == "" && at.Scheme != "file" {
		return // reported
	}
	host := strings.ToLower(at.Hostname())
	forge.URL, forge.Timeout = at.String(), git.Timeout
	if web := webHosts[host]; web != "" {
		forge.URL = (&url.URL{Scheme: "https", Host: web, Path: at.Path}).String()
	}
	forge.Provider = cmp.Or(spec.Provider, l.gitProvider(git), forgeHosts[host])
	if forge.Provider == "" && strings.HasSuffix(host, ".ghe.com") {
		forge.Provider = ForgeGitHub
	}
	if forge.Provider == "" {
		p.fail(codeMissingField, "spec.provider", "is missing, and can't be told from the host %q: write one of %s", host, strings.Join(forges, ", "))
		return
	}
	if at.Scheme == "file" {
		p.fail(codeBadValue, "spec.address", "is missing, and GitRepository %s is no repository of a forge (%s): write its web address", git.Name, git.URL)
		return
	}
	l.forgeAuth(p, git, host)
	if spec.VerifiedCommits {
		l.mayVerify(p)
	}
}

// gitProvider returns the provider that a GitRepository names, where that is a
// forge.
func (l *loader) gitProvider(git *GitSource) string {
	if git.App != nil {
		return ForgeGitHub
	}
	return ""
}

// forgeAuth fills in the credentials: those of the PullRequest, else those of
// the GitRepository, as far as they are of the same host.
func (l *loader) forgeAuth(p *pullRequestDraft, git *GitSource, host string) {
	const field = "spec.secretRef.name"
	forge := &p.out.Forge
	source, err := url.Parse(git.URL)
	same := err == nil && (strings.EqualFold(source.Hostname(), host) || webHosts[strings.ToLower(source.Hostname())] == host)
	if same {
		forge.TLS = git.Auth.TLS
	}
	forge.Proxy = git.Auth.Proxy
	switch ref := p.out.Spec.SecretRef; {
	case ref != nil:
		s := l.secret(p.object, field, ref.Name)
		if s == nil {
			return
		}
		u := user{p.object, field, s}
		if u.has("ca.crt") || u.has("caFile") || u.has("tls.crt") {
			forge.TLS = u.tls()
		}
		if u.isGitHubApp() {
			if forge.Provider != ForgeGitHub {
				u.fail("holds a GitHub App, and the provider is %s: give it the key token", forge.Provider)
				return
			}
			forge.App = u.gitHubApp()
		} else if u.need("token", "pull requests are opened with a token") {
			forge.Token = u.line("token")
		}
	case git.App != nil && forge.Provider == ForgeGitHub:
		forge.App = git.App
	case !same:
	case !git.Auth.Password.IsZero():
		forge.Token = git.Auth.Password
	default:
		forge.Token = git.Auth.Bearer
	}
}

// userTokens are the prefixes of GitHub's tokens that are a person's: what they
// commit isn't signed by GitHub. Source: GitHub's documentation, "About
// authentication to GitHub", token formats.
var userTokens = []string{"ghp_", "github_pat_", "gho_", "ghu_"}

// mayVerify reports a PullRequest that asks for commits which GitHub signs, and
// isn't an app.
func (l *loader) mayVerify(p *pullRequestDraft) {
	const field = "spec.verifiedCommits"
	forge := &p.out.Forge
	if forge.Provider != ForgeGitHub {
		p.fail(codeUnsupported, field, "is for GitHub alone: a commit is signed elsewhere by the automation's spec.git.commit.signingKey")
		return
	}
	for _, prefix := range userTokens {
		if strings.HasPrefix(forge.Token.Reveal(), prefix) {
			p.fail(codeBadValue, field, "needs a GitHub App, since GitHub signs what apps commit and not what a person's token does: give its keys in spec.secretRef")
			return
		}
	}
}

// The keys of a GitHub App in a Secret, as Flux has them.
const (
	appID                = "githubAppID"
	appPrivateKey        = "githubAppPrivateKey"
	appInstallationID    = "githubAppInstallationID"
	appInstallationOwner = "githubAppInstallationOwner"
	appBaseURL           = "githubAppBaseURL"
)

// isGitHubApp reports whether the Secret has a key of a GitHub App.
func (u user) isGitHubApp() bool {
	for _, key := range u.from.keys() {
		if strings.HasPrefix(key, "githubApp") {
			return true
		}
	}
	return false
}

// gitHubApp returns the app that the Secret holds, nil after reporting what is
// wrong with it.
func (u user) gitHubApp() *GitHubApp {
	if !u.need(appID, "it is the app's number") || !u.need(appPrivateKey, "it is the app's private key, in PEM") {
		return nil
	}
	app := &GitHubApp{
		PrivateKey:        u.secret(appPrivateKey),
		InstallationOwner: u.plainLine(appInstallationOwner),
		BaseURL:           u.plainLine(appBaseURL),
	}
	id, ok := u.number(appID)
	app.ID = id
	if u.has(appInstallationID) == u.has(appInstallationOwner) {
		u.fail("needs one of %s and %s", appInstallationID, appInstallationOwner)
		return nil
	}
	if u.has(appInstallationID) {
		installation, fine := u.number(appInstallationID)
		app.InstallationID, ok = installation, ok && fine
	}
	if app.BaseURL != "" {
		if base, err := url.Parse(app.BaseURL); err != nil || base.Hostname() == "" || base.Scheme != "https" && base.Scheme != "http" || base.User != nil {
			u.fail("has a %s that is no https URL", appBaseURL)
			return nil
		}
	}
	if !ok {
		return nil
	}
	return app
}

// number returns the positive number that a key holds, false after reporting
// that it holds none.
func (u user) number(key string) (int64, bool) {
	n, err := strconv.ParseInt(u.plainLine(key), 10, 64)
	if err != nil || n <= 0 {
		u.fail("has no number under %s", key)
		return 0, false
	}
	return n, true
}
