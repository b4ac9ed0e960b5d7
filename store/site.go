package store

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pinsetter/pinsetter"
)

// Site identifies a site in a repository's base branch. Make it with [SiteOf].
type Site struct {
	Repository string // "host/path", "host:port/path": the same for ssh and https
	Branch     string // the base branch
	Path       string
	Object     string
	Policy     string // "namespace/name"
}

// SiteOf returns the key of a site in a repository's base branch. It identifies
// the object by group, kind, namespace and name, so the object may move within
// its file, and to another version of its API. Without a kind or name it uses
// the position in the file. Two documents of one file with the same object
// share a key.
func SiteOf(repository, branch string, s pinsetter.Site) Site {
	object := "document " + strconv.Itoa(s.Document)
	if s.Item >= 0 {
		object += " item " + strconv.Itoa(s.Item)
	}
	if o := s.Object; o.Kind != "" && o.Name != "" {
		group, _, grouped := strings.Cut(o.APIVersion, "/")
		if !grouped {
			group = "" // the core group: "v1"
		}
		object = fmt.Sprintf("%s/%s %s/%s", group, o.Kind, o.Namespace, o.Name)
	}
	return Site{Repository: repository, Branch: branch, Path: s.Path, Object: object, Policy: s.Policy.String()}
}

// compare orders sites by their fields.
func (s Site) compare(t Site) int {
	return cmp.Or(
		strings.Compare(s.Repository, t.Repository),
		strings.Compare(s.Branch, t.Branch),
		strings.Compare(s.Path, t.Path),
		strings.Compare(s.Object, t.Object),
		strings.Compare(s.Policy, t.Policy),
	)
}

// columns returns the stored form of the key.
func (s Site) columns() []any {
	return []any{quoted(s.Repository), quoted(s.Branch), quoted(s.Path), quoted(s.Object), quoted(s.Policy)}
}

// siteFrom returns the site with these columns.
func siteFrom(repository, branch, path, object, policy string) Site {
	return Site{Repository: unquoted(repository), Branch: unquoted(branch),
		Path: unquoted(path), Object: unquoted(object), Policy: unquoted(policy)}
}

// quoted returns s in a form that both engines can store and that unquoted
// reverses: valid UTF-8 without NUL as it is, anything else quoted and escaped.
// Git allows any bytes in a path.
func quoted(s string) string {
	if utf8.ValidString(s) && !strings.ContainsRune(s, 0) && !strings.HasPrefix(s, `"`) {
		return s
	}
	return strconv.Quote(s)
}

func unquoted(s string) string {
	if out, err := strconv.Unquote(s); err == nil && strings.HasPrefix(s, `"`) {
		return out
	}
	return s
}
