package gitops_test

import (
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/parts"
)

// Of tags that are one version, the one with the newest commit is read, however
// the tags were made and whatever the server can do.
func TestFetchSemVerOfEqualVersions(t *testing.T) {
	for name, test := range map[string]struct {
		git    *parts.Git
		config map[string]string
	}{
		"v2": {parts.NewGit(t, parts.GitOptions{}), nil},
		"v0": {oldGit(t), map[string]string{"uploadpack.allowReachableSHA1InWant": "false", "uploadpack.allowFilter": "false"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := test.git.NewRepository("org/app", parts.RepositoryOptions{Tree: files, Config: test.config})
			day := time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
			commit := func(hour int, path string) {
				r.Commit(parts.Commit{Tree: parts.Tree{Files: map[string]string{path: "x\n"}}, When: day.Add(time.Duration(hour) * time.Hour)})
			}
			commit(1, "9")
			r.Git("tag", "v0.1.0+build-9", "main")
			commit(2, "10")
			r.Git("tag", "-a", "-m", "ten", "v0.1.0+build-10", "main")
			newest := r.Head("main")
			r.Git("tag", "v0.1.0+build-8", "main~2")
			commit(0, "later, with an older clock")
			r.Git("tag", "0.1.0", "main")
			tied := []string{"0.1.0", "v0.1.0+build-10", "v0.1.0+build-8", "v0.1.0+build-9"}
			for _, latest := range [][]string{tied, tied[1:], {"v0.1.0+build-9", "v0.1.0+build-10"}, {"v0.1.0+build-10"}} {
				pick := func(string, []string) ([]string, error) { return latest, nil }
				remote := openWith(t, &fleet.GitSource{URL: r.URL}, gitops.Options{LatestTags: pick})
				base := fetch(t, remote, fleet.GitRef{SemVer: "*"}, "").Base
				if base.Hash() != newest || base.Ref() != "refs/tags/v0.1.0+build-10" {
					t.Errorf("of %q: %s (%s), want %s", latest, base.Ref(), base.Hash(), newest)
				}
				if _, ok, err := base.Read(t.Context(), "10"); !ok || err != nil {
					t.Errorf("of %q: Read: %t, %v", latest, ok, err)
				}
			}
		})
	}
}

// Tags of one commit ask for nothing more, and the greatest is named.
func TestFetchSemVerOfOneCommit(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	r := g.NewRepository("org/app", parts.RepositoryOptions{Tree: files})
	r.Git("tag", "1.0.0", "main")
	r.Git("tag", "-a", "-m", "one", "v1.0.0", "main")
	pick := func(string, []string) ([]string, error) { return []string{"1.0.0", "v1.0.0"}, nil }
	remote := openWith(t, &fleet.GitSource{URL: r.URL}, gitops.Options{LatestTags: pick})
	if base := fetch(t, remote, fleet.GitRef{SemVer: "*"}, "").Base; base.Ref() != "refs/tags/v1.0.0" || base.Hash() != r.Head("main") {
		t.Errorf("%s", base)
	}
}
