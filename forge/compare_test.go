package forge_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/forge"
	"github.com/pinsetter/pinsetter/parts/budget"
)

func at(tb testing.TB, provider, address string) *forge.Repository {
	tb.Helper()
	r, err := forge.Open(&fleet.Forge{Provider: provider, URL: address, Token: pinsetter.NewSecret("t", "secret")}, forge.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

const (
	oldHash = "0123456789abcdef0123456789abcdef01234567"
	newHash = "89abcdef0123456789abcdef0123456789abcdef"
)

func TestCompareURL(t *testing.T) {
	github := at(t, fleet.ForgeGitHub, "https://github.com/acme/fleet")
	gitlab := at(t, fleet.ForgeGitLab, "https://gitlab.example.test:8443/acme/ops/fleet.git")
	gitea := at(t, fleet.ForgeGitea, "https://example.test/git/acme/fleet")
	for _, test := range []struct {
		forge            *forge.Repository
		source, from, to string
		want             string
	}{
		{github, "https://github.com/acme/web", oldHash, newHash, "https://github.com/acme/web/compare/" + oldHash + "..." + newHash},
		{github, "https://GitHub.com/acme/web.git/", "v1.2.3", "v1.3.0+b", "https://github.com/acme/web/compare/v1.2.3...v1.3.0+b"},
		{github, "http://github.com/acme/.github", "a/b", "main", "https://github.com/acme/.github/compare/a/b...main"},
		{github, "git@github.com:acme/web.git", "v1", "v2", "https://github.com/acme/web/compare/v1...v2"},
		{github, "https://me:secret@github.com/acme/web", "v1", "v2", "https://github.com/acme/web/compare/v1...v2"},
		{gitlab, "https://gitlab.example.test:8443/a/b/c/web", "v1", "v2", "https://gitlab.example.test:8443/a/b/c/web/-/compare/v1...v2"},
		{gitea, "https://example.test/git/acme/web", "v1", "v2", "https://example.test/git/acme/web/compare/v1...v2"},
		{github, "https://github.com/acme/web", "6.1.5@sha1:" + oldHash, "main@sha1:" + newHash, "https://github.com/acme/web/compare/" + oldHash + "..." + newHash},
		{github, "https://github.com/acme/web", "6.1.5/" + oldHash, "feature/x/" + newHash, "https://github.com/acme/web/compare/" + oldHash + "..." + newHash},

		{github, "https://github.com/acme/web", "v1", "v1", ""},
		{github, "https://github.com/acme/web", "6.1.5@sha1:" + oldHash, "main@sha1:" + oldHash, ""},
		{github, "https://github.com/acme/web", "v1", "v2@sha1:../evil", ""},
		{github, "https://github.com/acme/web", "", "v1", ""},
		{github, "https://github.com/acme/web", "v1", "v2...v3", ""},
		{github, "https://github.com/acme/web", "v1", "../../../evil", ""},
		{github, "https://github.com/acme/web", "v1", "a/../b", ""},
		{github, "https://github.com/acme/web", "v1", "evil:main", ""},
		{github, "https://github.com/acme/web", "v1", "v2?expand=1", ""},
		{github, "https://github.com/acme/web", "v1", "v2#)[x](https://evil.test)", ""},
		{github, "https://github.com/acme/web", "v1", "v2\n", ""},
		{github, "https://github.com/acme/web", "v1", strings.Repeat("v", 201), ""},
		{github, "https://github.com/acme", "v1", "v2", ""},
		{github, "https://github.com/acme/web/tree/main", "v1", "v2", ""},
		{github, "https://github.com/acme/web?a=b", "v1", "v2", ""},
		{github, "https://github.com/acme/%77eb", "v1", "v2", ""},
		{github, "https://github.com/acme/we(b)", "v1", "v2", ""},
		{github, "https://github.com/../web", "v1", "v2", ""},
		{github, "https://github.com:8443/acme/web", "v1", "v2", ""},
		{github, "https://github.com.evil.test/acme/web", "v1", "v2", ""},
		{github, "https://evil.test/github.com/web", "v1", "v2", ""},
		{github, "javascript://github.com/acme/web", "v1", "v2", ""},
		{github, "", "v1", "v2", ""},
		{gitlab, "https://gitlab.example.test:8443/a/-/web", "v1", "v2", ""},
		{gitlab, "https://gitlab.example.test/a/web", "v1", "v2", ""},
		{gitea, "https://example.test/acme/web", "v1", "v2", ""},
		{gitea, "https://example.test/other/acme/web", "v1", "v2", ""},
	} {
		if got := test.forge.CompareURL(test.source, test.from, test.to); got != test.want {
			t.Errorf("%q %q %q: %q; want %q", test.source, test.from, test.to, got, test.want)
		}
	}
}

func TestCommitURL(t *testing.T) {
	github := at(t, fleet.ForgeGitHub, "https://github.com/acme/fleet")
	gitlab := at(t, fleet.ForgeGitLab, "https://gitlab.com/acme/fleet")
	for _, test := range []struct {
		forge                  *forge.Repository
		source, revision, want string
	}{
		{github, "https://github.com/acme/web", newHash, "https://github.com/acme/web/commit/" + newHash},
		{gitlab, "https://gitlab.com/acme/sub/web", "89abcde", "https://gitlab.com/acme/sub/web/-/commit/89abcde"},
		{gitlab, "https://gitlab.com/acme/sub/web", "v1.2.3", ""},
		{gitlab, "https://github.com/acme/web", newHash, ""},
	} {
		if got := test.forge.CommitURL(test.source, test.revision); got != test.want {
			t.Errorf("%q %q: %q; want %q", test.source, test.revision, got, test.want)
		}
	}
}

// FuzzCompareURL: whatever publishers write, the address is the forge's, and fit
// for a Markdown link.
func FuzzCompareURL(f *testing.F) {
	forges := []*forge.Repository{
		at(f, fleet.ForgeGitHub, "https://github.com/acme/fleet"),
		at(f, fleet.ForgeGitLab, "https://github.com/acme/ops/fleet"),
		at(f, fleet.ForgeGitea, "https://github.com/x/acme/fleet"),
	}
	f.Add("https://github.com/acme/web", "v1", "v2")
	f.Add("git@github.com:a/b/web.git", oldHash, newHash)
	f.Add("https://github.com@evil.test/a/b", "a/b", "../c")
	f.Fuzz(func(t *testing.T, source, from, to string) {
		budget.Affords(t, len(source)+len(from)+len(to), func() {
			for _, r := range forges {
				for _, got := range []string{r.CompareURL(source, from, to), r.CommitURL(source, to)} {
					u, err := url.Parse(got)
					if got == "" {
						continue
					}
					if err != nil || u.Scheme != "https" || u.Host != "github.com" || u.User != nil || u.RawQuery != "" || u.Fragment != "" ||
						u.JoinPath().String() != got || strings.ContainsAny(got, " ()[]<>\"'`*\\|\n\r\t") {
						t.Errorf("%q %q %q: %q", source, from, to, got)
					}
				}
			}
		})
	})
}
