package fleet

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Keyless says who may have signed by a certificate, and whose certificates count.
type Keyless struct {
	Identities []Identity // one must match
	Anybody    bool       // any identity passes, as in Flux where none is named
	Root       []byte     // trusted_root.json of Sigstore; nil: that of its public good instance
}

// Identity is a pattern for who signed: the subject of a certificate, and the
// issuer that vouched for the subject when the certificate was made.
type Identity struct{ issuer, subject *regexp.Regexp }

// NewIdentity returns the identity of patterns that match an issuer and a subject
// as a whole. Both must be given.
func NewIdentity(issuer, subject string) (Identity, error) {
	return identity(issuer, subject, whole)
}

// FluxIdentity is NewIdentity as Flux understands its objects: a pattern matches
// wherever it is found.
func FluxIdentity(issuer, subject string) (Identity, error) {
	return identity(issuer, subject, anywhere)
}

func identity(issuer, subject string, compile func(what, pattern string) (*regexp.Regexp, error)) (Identity, error) {
	var patterns [2]*regexp.Regexp
	for i, text := range []string{issuer, subject} {
		what := [...]string{"issuer", "subject"}[i]
		if text == "" {
			return Identity{}, errors.New(what + " is missing")
		}
		var err error
		if patterns[i], err = compile(what, text); err != nil {
			return Identity{}, err
		}
	}
	return Identity{patterns[0], patterns[1]}, nil
}

// whole compiles a pattern that matches a text as a whole.
func whole(what, pattern string) (*regexp.Regexp, error) {
	// Alone first: `a)|(b` is a pattern only between the two ends.
	if _, err := anywhere(what, pattern); err != nil {
		return nil, err
	}
	return anywhere(what, wholeBefore+pattern+wholeAfter)
}

const wholeBefore, wholeAfter = `\A(?:`, `)\z`

func anywhere(what, pattern string) (*regexp.Regexp, error) {
	compiled, err := regexp.Compile(pattern)
	if err != nil {
		return nil, fmt.Errorf("%s is no regular expression: %w", what, err)
	}
	return compiled, nil
}

// Matches reports whether the identity is that of a certificate.
func (i Identity) Matches(issuer, subject string) bool {
	return i.issuer != nil && i.issuer.MatchString(issuer) && i.subject.MatchString(subject)
}

// String returns the identity for people.
func (i Identity) String() string {
	return fmt.Sprintf("subject %s of issuer %s", bare(i.subject), bare(i.issuer))
}

// bare returns a pattern as it was written, "" for nil.
func bare(pattern *regexp.Regexp) string {
	if pattern == nil {
		return ""
	}
	return strings.TrimSuffix(strings.TrimPrefix(pattern.String(), wholeBefore), wholeAfter)
}

// Asks reports whether there is somebody whom it trusts; false for nil.
func (k *Keyless) Asks() bool { return k != nil && (k.Anybody || len(k.Identities) > 0) }

// Passes reports whether somebody with a certificate is trusted.
func (k *Keyless) Passes(issuer, subject string) bool {
	return k.Anybody || slices.ContainsFunc(k.Identities, func(i Identity) bool { return i.Matches(issuer, subject) })
}

// String returns who is trusted, for people.
func (k *Keyless) String() string {
	if k.Anybody {
		return "anybody's certificate"
	}
	var names []string
	for _, i := range k.Identities {
		names = append(names, i.String())
	}
	return strings.Join(names, " or ")
}

// id is equal for those that trust the same; "" for nil.
func (k *Keyless) id() string {
	if k == nil {
		return ""
	}
	text := []string{fmt.Sprintf("\nkeyless %t %x", k.Anybody, sha256.Sum256(k.Root))}
	for _, i := range k.Identities {
		text = append(text, fmt.Sprintf("%q %q", i.issuer, i.subject))
	}
	slices.Sort(text[1:])
	return strings.Join(slices.Compact(text), "\n")
}
