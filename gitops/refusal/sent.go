package refusal

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
)

// Sent describes for people what a source sends to log in. The zero value is nothing.
type Sent struct {
	What   string // such as "the credentials in Secret a/git"; "": nothing
	Mend   string // the way out if they were refused; ""
	Secret string // the Secret that the secretRef names; ""
	isKey  bool   // of ssh
}

// SecretOf names the Secret of a source.
func SecretOf(auth fleet.GitAuth) string {
	if auth.Secret.Name == "" {
		return "the secret"
	}
	return "Secret " + auth.Secret.String()
}

// SentBySecret describes the login over http that a source's Secret holds.
func SentBySecret(src *fleet.GitSource) Sent {
	if src.App != nil {
		return Sent{What: "the credentials of the GitHub App in " + SecretOf(src.Auth)}
	}
	return Sent{What: "the credentials in " + SecretOf(src.Auth), Mend: ": renew them there"}
}

// SentKey describes a source's login over ssh.
func SentKey(auth fleet.GitAuth) Sent {
	switch {
	case !auth.Set:
		return Sent{What: "the keys of the ssh-agent", isKey: true}
	case auth.Identity.IsZero():
		return Sent{What: "the password in " + SecretOf(auth), isKey: true}
	}
	return Sent{What: "the key in " + SecretOf(auth), isKey: true}
}

// SentFromEnvironment describes credentials that the environment offered.
func SentFromEnvironment(secret pinsetter.Secret) Sent {
	return Sent{What: "the credentials from " + strings.Trim(secret.String(), "[]")}
}

// Forbidden is the how of a refusal of credentials that the server accepted: see New.
const Forbidden = "403"

// Explain adds a way out to a refusal that has to do with the login, and leaves any
// other as it is.
func (s Sent) Explain(e *Error) { e.help = s.help(e) }

func (s Sent) help(e *Error) string {
	missing := errors.Is(e.kind, ErrNotFound)
	switch {
	case !missing && !errors.Is(e.kind, ErrAuth):
		return e.help
	case missing && e.how != "":
		return "check the URL"
	case s.What == "" && s.Secret != "":
		return s.Secret + " of the secretRef holds no credentials, and the environment isn't asked beside it: give it username and password, or bearerToken"
	case missing && s.What == "":
		return "check the URL; nothing was sent to log in with, and a server may not show this repository to everybody"
	case missing:
		return fmt.Sprintf("check the URL, and that %s may read it", s.What)
	case s.What == "":
		return "nothing was sent to log in with: give a secretRef with valid credentials, or a token in the environment (PINSETTER_GIT_TOKEN for the host, and port, in PINSETTER_GIT_HOST, or .netrc; over https)"
	case s.isKey:
		return s.What + " may not do this, or there is no such repository"
	case e.how == "", e.how == Forbidden: // it knows who asks
		return s.What + " may not do this"
	}
	return s.What + " were refused" + s.Mend
}
