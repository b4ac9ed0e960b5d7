package artifact

import (
	"fmt"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/registry"
)

// scheme begins the URL of an artifact.
const scheme = "oci://"

// defaultTag is the tag of a URL without one, as for Flux.
const defaultTag = "latest"

// Reference names an artifact. One of Tag and Digest may be "", not both.
type Reference struct {
	Repository string // "ghcr.io/org/app"
	Tag        string
	Digest     string
}

// ParseReference reads "oci://HOST/REPO[:TAG][@DIGEST]"; without both the tag is
// latest. The error quotes the URL, which has no credentials.
func ParseReference(url string) (Reference, error) {
	name, ok := strings.CutPrefix(url, scheme)
	if !ok {
		return Reference{}, fmt.Errorf("%q: write oci://HOST/REPOSITORY:TAG", redacted(url))
	}
	r := Reference{Repository: name}
	if before, digest, pinned := strings.Cut(name, "@"); pinned {
		if !pinsetter.ValidDigest(digest) {
			return Reference{}, fmt.Errorf("%q: what follows @ is no digest like sha256:<64 hex digits>; logins go into --creds", redacted(url))
		}
		r.Repository, r.Digest = before, digest
	}
	if colon := strings.LastIndexByte(r.Repository, ':'); colon > strings.LastIndexByte(r.Repository, '/') {
		r.Repository, r.Tag = r.Repository[:colon], r.Repository[colon+1:]
		if !pinsetter.ValidTag(r.Tag) {
			return Reference{}, fmt.Errorf("%q: %q is not a tag", url, r.Tag)
		}
	}
	if r.Tag == "" && r.Digest == "" {
		r.Tag = defaultTag
	}
	if _, err := registry.Canonical(r.Repository); err != nil {
		return Reference{}, fmt.Errorf("%q: %w", url, err)
	}
	return r, nil
}

// redacted returns a URL without what stands before an @.
func redacted(url string) string {
	at := strings.LastIndexByte(url, '@')
	if at < 0 {
		return url
	}
	before, _, found := strings.Cut(url[:at], "://")
	if !found {
		return url[at+1:]
	}
	return before + "://" + url[at+1:]
}

// String returns the URL.
func (r Reference) String() string {
	return scheme + pinsetter.Image{Name: r.Repository, Tag: r.Tag, Digest: r.Digest}.String()
}

// pinned returns the URL of a digest of the repository.
func (r Reference) pinned(digest string) string {
	return Reference{Repository: r.Repository, Digest: digest}.String()
}
