package config

import (
	"cmp"
	"net/url"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
)

// forgeHosts are the hosts whose software is known.
var forgeHosts = map[string]string{
	"github.com":        fleet.ForgeGitHub,
	"ssh.github.com":    fleet.ForgeGitHub,
	"gitlab.com":        fleet.ForgeGitLab,
	"altssh.gitlab.com": fleet.ForgeGitLab,
	"codeberg.org":      fleet.ForgeGitea,
	"gitea.com":         fleet.ForgeGitea,
}

// webHosts are the hosts of Git alone, and those of their web pages.
var webHosts = map[string]string{
	"ssh.github.com":    "github.com",
	"altssh.gitlab.com": "gitlab.com",
}

// forgeOf fills in where the pull requests of a repository are opened, and as
// whom.
func (l attachment) forgeOf(p *pullRequestDraft, git *fleet.GitSource) {
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
		forge.Provider = fleet.ForgeGitHub
	}
	if forge.Provider == "" {
		p.Fail(codeMissingField, "spec.provider", "is missing, and can't be told from the host %q: write one of %s", host, strings.Join(forges, ", "))
		return
	}
	if at.Scheme == "file" {
		p.Fail(codeBadValue, "spec.address", "is missing, and GitRepository %s is no repository of a forge (%s): write its web address", git.Name, git.URL)
		return
	}
	l.forgeAuth(p, git, at)
	if spec.VerifiedCommits {
		l.mayVerify(p)
	}
}

// gitProvider returns the provider that a GitRepository names, where that is a
// forge.
func (l attachment) gitProvider(git *fleet.GitSource) string {
	if git.App != nil {
		return fleet.ForgeGitHub
	}
	return ""
}

// forgeAuth fills in the credentials: those of the PullRequest, else those of
// the GitRepository where these may be used.
func (l attachment) forgeAuth(p *pullRequestDraft, git *fleet.GitSource, at *url.URL) {
	const field = "spec.secretRef.name"
	forge := &p.out.Forge
	forge.Lent = p.out.Spec.Address == "" || lends(git, p.Name.Namespace, at)
	forge.Proxy = git.Auth.Proxy
	switch {
	case forge.Lent:
		forge.TLS = git.Auth.TLS
	case sameHostname(git.URL, at):
		forge.TLS.CA = git.Auth.TLS.CA // it is no secret
	}
	switch ref := p.out.Spec.SecretRef; {
	case ref != nil:
		if with := l.secret(p.Object, field, ref.Name); with != nil {
			with.Forge(forge)
		}
	case git.App != nil && forge.Provider == fleet.ForgeGitHub:
		if forge.Lent || git.Name.Namespace == p.Name.Namespace { // an app's server is the only one that sees its tokens
			forge.App = git.App
		}
	case !forge.Lent:
	case !git.Auth.Password.IsZero():
		forge.Token = git.Auth.Password
	default:
		forge.Token = git.Auth.Bearer
	}
}

// lends reports whether a GitRepository's credentials may be used at an address
// that an object of a namespace gives: at the same origin, and from another
// namespace for the same repository alone. Who may use a GitRepository of
// another namespace may use it as it is, and send its credentials nowhere else.
func lends(git *fleet.GitSource, namespace string, at *url.URL) bool {
	from, err := url.Parse(git.URL)
	if err != nil || !pinsetter.SameOrigin(from, at) {
		return false
	}
	return git.Name.Namespace == namespace || repositoryPath(from) == repositoryPath(at)
}

// repositoryPath returns the path of a repository's URL in one spelling.
func repositoryPath(u *url.URL) string {
	return strings.TrimSuffix(strings.Trim(u.Path, "/"), ".git")
}

// sameHostname reports whether Git's host is that of an address, at any port, or
// answers ssh for it.
func sameHostname(git string, at *url.URL) bool {
	from, err := url.Parse(git)
	if err != nil {
		return false
	}
	name, host := strings.ToLower(from.Hostname()), strings.ToLower(at.Hostname())
	return name == host || webHosts[name] == host
}

// userTokens are the prefixes of GitHub's tokens that are a person's: what they
// commit isn't signed by GitHub. Source: GitHub's documentation, "About
// authentication to GitHub", token formats.
var userTokens = []string{"ghp_", "github_pat_", "gho_", "ghu_"}

// mayVerify reports a PullRequest that asks for commits which GitHub signs, and
// isn't an app.
func (l attachment) mayVerify(p *pullRequestDraft) {
	const field = "spec.verifiedCommits"
	forge := &p.out.Forge
	if forge.Provider != fleet.ForgeGitHub {
		p.Fail(codeUnsupported, field, "is for GitHub alone: a commit is signed elsewhere by the automation's spec.git.commit.signingKey")
		return
	}
	for _, prefix := range userTokens {
		if strings.HasPrefix(forge.Token.Reveal(), prefix) {
			p.Fail(codeBadValue, field, "needs a GitHub App, since GitHub signs what apps commit and not what a person's token does: give its keys in spec.secretRef")
			return
		}
	}
}
