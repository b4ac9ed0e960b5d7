package forge

import (
	"net/url"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/forge/exchange"
)

// CompareURL returns the web address of the changes between two revisions of an
// image's source. A publisher wrote the arguments:
// org.opencontainers.image.source, and .revision of the image before and after.
//
// It returns "" unless source is the address of a repository at this forge, and
// the revisions look like two different commits, branches or tags. Of a
// revision in Flux's form, "main@sha1:…", it uses the commit. It asks the forge
// nothing.
func (r *Repository) CompareURL(source, from, to string) string {
	from, to = committed(from), committed(to)
	if !isRevision(from) || !isRevision(to) || from == to {
		return ""
	}
	return r.page(source, "compare", from+"..."+to)
}

// CommitURL returns the web address of a commit of an image's source. It
// returns "" if source is no repository at this forge, or revision is no
// commit's hash.
func (r *Repository) CommitURL(source, revision string) string {
	if !isHash(revision) {
		return ""
	}
	return r.page(source, "commit", revision)
}

// page returns the address of a page of a repository at this forge, "" if
// source isn't one.
func (r *Repository) page(source, name, of string) string {
	path := r.beside(source)
	if path == nil {
		return ""
	}
	if _, ok := r.host.(*gitlab); ok {
		path = append(path, "-") // GitLab's groups may have any other name
	}
	u := url.URL{Scheme: r.place.Web.Scheme, Host: r.place.Web.Host, Path: "/" + strings.Join(append(path, name, of), "/")}
	return u.String()
}

// Lengths are checked separately: a pattern that counts to hundreds takes half
// a megabyte of every process.
var (
	hexDigits = pinsetter.Pattern(`^[0-9a-fA-F]+$`)
	refName   = pinsetter.Pattern(`^[0-9A-Za-z_][0-9A-Za-z_.+/-]*$`)
	pathPart  = pinsetter.Pattern(`^[0-9A-Za-z_.][0-9A-Za-z_.-]*$`) // what forges allow in names
)

const (
	maxRefName  = 200
	maxPathPart = 255
)

// isHash reports whether a text is a commit's hash or a prefix of one.
func isHash(s string) bool { return len(s) >= 7 && len(s) <= 64 && hexDigits().MatchString(s) }

// committed returns the commit of a revision in Flux's form, "main@sha1:HASH" or, as
// its guides had it before, "main/HASH", and any other revision unchanged.
func committed(revision string) string {
	if i := strings.LastIndexByte(revision, '/'); i > 0 && len(revision)-i-1 == 40 && isHash(revision[i+1:]) {
		return revision[i+1:]
	}
	for _, kind := range []string{"@sha1:", "@sha256:"} {
		if _, hash, found := strings.Cut(revision, kind); found && isHash(hash) {
			return hash
		}
	}
	return revision
}

// isRevision reports whether a text is a commit's hash, or a name of a branch
// or tag that no page would read as something else.
func isRevision(s string) bool {
	return len(s) <= maxRefName && refName().MatchString(s) && !strings.Contains(s, "..") && !strings.Contains(s, "//") &&
		!strings.Contains(s, "/.") && !strings.HasSuffix(s, "/") && !strings.HasSuffix(s, ".")
}

// beside returns the path of a repository at the same forge, nil if source
// isn't the plain address of one.
func (r *Repository) beside(source string) []string {
	if len(source) > 2000 || strings.ContainsAny(source, "?#%") {
		return nil
	}
	p, err := exchange.ParsePlace(source)
	if err != nil || p.Web.Host != r.place.Web.Host {
		return nil
	}
	if slices.ContainsFunc(p.Path, func(part string) bool { return len(part) > maxPathPart || !pathPart().MatchString(part) }) {
		return nil
	}
	if _, ok := r.host.(*gitlab); ok {
		return p.Path
	}
	above := len(r.place.Path) - 2 // a Gitea may live below a path
	if len(p.Path) != above+2 || !slices.Equal(p.Path[:above], r.place.Path[:above]) {
		return nil
	}
	return p.Path
}
