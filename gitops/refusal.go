package gitops

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/git/wire"
)

// refusal is a server's no. Its text is made of three facts: what came of it, what
// the server said, and what would help, which depends on what was sent.
type refusal struct {
	kind error  // a sentinel of this package
	how  string // in brackets behind it, such as "401"; ""
	said string // by the server
	help string // ""; of what depends on the login, Remote.told knows
}

// refused returns what a server answered with no, and what it said.
func refused(kind error, how, said string) *refusal {
	return &refusal{kind: kind, how: how, said: wire.Clean(said)}
}

func (e *refusal) Error() string {
	text, then := e.kind.Error(), ": "
	if e.how != "" {
		text += " (" + e.how + ")"
	}
	if e.said != "" {
		text, then = text+": "+e.said, "; "
	}
	if e.help != "" {
		text += then + e.help
	}
	return text
}

func (e *refusal) Unwrap() error { return e.kind }

// sent says for people what a source sends to log in.
type sent struct {
	what   string // such as "the credentials in Secret a/git"; "": nothing
	mend   string // what to do where they were refused; ""
	secret string // the Secret that the secretRef names; ""
	isKey  bool   // of ssh
}

// secretOf names the Secret of a source.
func secretOf(auth fleet.GitAuth) string {
	if auth.Secret.Name == "" {
		return "the secret"
	}
	return "Secret " + auth.Secret.String()
}

// sentBySecret says what a source's Secret has for http.
func sentBySecret(src *fleet.GitSource) sent {
	if src.App != nil {
		return sent{what: "the credentials of the GitHub App in " + secretOf(src.Auth)}
	}
	return sent{what: "the credentials in " + secretOf(src.Auth), mend: ": renew them there"}
}

// sentKey says what a source logs in with over ssh.
func sentKey(auth fleet.GitAuth) sent {
	switch {
	case !auth.Set:
		return sent{what: "the keys of the ssh-agent", isKey: true}
	case auth.Identity.IsZero():
		return sent{what: "the password in " + secretOf(auth), isKey: true}
	}
	return sent{what: "the key in " + secretOf(auth), isKey: true}
}

// sentFromEnvironment says which credentials the environment offered.
func sentFromEnvironment(secret pinsetter.Secret) sent {
	return sent{what: "the credentials from " + strings.Trim(secret.String(), "[]")}
}

// statusForbidden is how a refusal came about that a login doesn't mend.
const statusForbidden = "403"

// help says what would help against a refusal that has to do with the login, ""
// against any other.
func (s sent) help(e *refusal) string {
	missing := errors.Is(e.kind, ErrNotFound)
	switch {
	case !missing && !errors.Is(e.kind, ErrAuth):
		return e.help
	case missing && e.how != "":
		return "check the URL"
	case s.what == "" && s.secret != "":
		return s.secret + " of the secretRef holds no credentials, and the environment isn't asked beside it: give it username and password, or bearerToken"
	case missing && s.what == "":
		return "check the URL; nothing was sent to log in with, and a server may not show this repository to everybody"
	case missing:
		return fmt.Sprintf("check the URL, and that %s may read it", s.what)
	case s.what == "":
		return "nothing was sent to log in with: give a secretRef with valid credentials, or a token in the environment (PINSETTER_GIT_TOKEN for the host, and port, in PINSETTER_GIT_HOST, or .netrc; over https)"
	case s.isKey:
		return s.what + " may not do this, or there is no such repository"
	case e.how == "", e.how == statusForbidden: // it knows who asks
		return s.what + " may not do this"
	}
	return s.what + " were refused" + s.mend
}
