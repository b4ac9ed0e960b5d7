package message

import (
	"net/url"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
)

// Inert returns where an image comes from in text that means nothing to forges and
// to git: it can't be a trailer, mention anybody, name an issue or make a link.
// What can't be displayed like that is "".
func Inert(p pinsetter.Provenance) pinsetter.Provenance {
	p.Source, p.Revision, p.Signer = inertSource(p.Source), inertRevision(p.Revision), inertSigner(p.Signer)
	p.Builder, p.BuiltFrom = inertURI(p.Builder), inertURI(p.BuiltFrom)
	p.Unread = oneLine(p.Unread)
	if !pinsetter.ValidDigest(p.Digest) {
		p.Digest = ""
	}
	return p
}

// inertSource returns a publisher's source address if it can be displayed
// safely, else "": an address whose path has only letters, digits, ".", "_", "-".
// It is without a user, who may have a password. The form that git has for ssh
// becomes an address too, since CI pushes its "remote.origin.url".
func inertSource(source string) string {
	if host, path, found := strings.Cut(source, ":"); found && strings.Contains(host, "@") && !strings.Contains(host, "/") {
		source = "ssh://" + host + "/" + strings.TrimPrefix(path, "/")
	}
	u, err := url.Parse(source)
	if err != nil || !slices.Contains([]string{"https", "http", "ssh"}, u.Scheme) || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" || len(source) > 256 {
		return ""
	}
	if !plain(u.Host+u.Path, "._-/:") {
		return ""
	}
	return u.Scheme + "://" + u.Host + u.Path
}

// fluxRevision matches a revision as Flux writes it into artifacts: a branch or
// a tag, and the commit. The part before the "@" ends in a letter or digit,
// else a forge would read a mention.
var fluxRevision = pinsetter.Pattern(`^[0-9A-Za-z._/-]*[0-9A-Za-z]@(sha1:[0-9a-f]{40}|sha256:[0-9a-f]{64})$`)

// issueName matches what GitHub reads as an issue besides "#1"
// (docs.github.com, "Autolinked references and URLs").
var issueName = pinsetter.Pattern(`(?i)(^|[^0-9a-z])gh-[0-9]`)

// inertRevision returns a publisher's revision if it can be displayed safely,
// else "".
func inertRevision(revision string) string {
	if len(revision) > 256 || !fluxRevision().MatchString(revision) && (len(revision) > 128 || !plain(revision, "._-/")) || issueName().MatchString(revision) {
		return ""
	}
	return revision
}

// maxSigner bounds the name of a signer, in bytes.
const maxSigner = 256

// inertSigner returns the name of a signer with "?" for what could be read as
// more than a name: anything but letters, digits and a few characters, and an "@"
// that no letter or digit precedes. A certificate may name anything.
func inertSigner(signer string) string {
	signer = signer[:min(len(signer), maxSigner)]
	before := ' '
	signer = strings.Map(func(r rune) rune {
		mention := r == '@' && !plain(string(before), "")
		if before = r; mention || !plain(string(r), "._-/:=,+@ ()") {
			return '?'
		}
		return r
	}, signer)
	return issueName().ReplaceAllStringFunc(signer, func(name string) string { return strings.Replace(name, "-", "?", 1) })
}

// inertURI returns a URI of provenance, as inertSigner does a name. It has no blank,
// so that nothing that it says comes before a link.
func inertURI(uri string) string { return strings.ReplaceAll(inertSigner(uri), " ", "?") }

// plain reports whether text has only ASCII letters, digits and characters of
// others.
func plain(text, others string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !letter && !strings.ContainsRune(others, r)
	})
}
