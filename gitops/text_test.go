package gitops

import (
	"testing"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp"

	"github.com/pinsetter/pinsetter/gitops/address"
)

func TestAlike(t *testing.T) {
	known := []string{"develop", "main", "master", "release-1", "release-2", "release-3", "release-4"}
	for name, want := range map[string]string{
		"mian":    `"main", "develop", "master", "release-1", "release-2" and 2 more`,
		"release": `"release-1", "release-2", "release-3", "release-4", "develop" and 2 more`,
		"Master":  `"master", "develop", "main", "release-1", "release-2" and 2 more`,
	} {
		if got := alike(name, known); got != want {
			t.Errorf("alike(%q) = %s, want %s", name, got, want)
		}
	}
}

func TestOneApart(t *testing.T) {
	for pair, want := range map[[2]string]bool{
		{"main", "mian"}: true, {"main", "mai"}: true, {"main", "mainn"}: true, {"main", "maim"}: true,
		{"main", "main"}: true, {"main", "nima"}: false, {"", "a"}: true, {"", "ab"}: false, {"ab", "cd"}: false,
	} {
		if oneApart(pair[0], pair[1]) != want || oneApart(pair[1], pair[0]) != want {
			t.Errorf("oneApart(%q) is not %v", pair, want)
		}
	}
}

// Paths are sent as git sends them.
func TestSentPath(t *testing.T) {
	for url, want := range map[string]string{
		"https://example.test/a/b.git/":    "/a/b.git",
		"https://example.test/a/b.git":     "/a/b.git",
		"https://example.test/a/b.git//":   "/a/b.git/",
		"http://example.test/a%20b/~c%2Fd": "/a%20b/~c%2Fd",
		"ssh://example.test/~/x.git":       "~/x.git",
		"ssh://example.test/~bot/x.git":    "~bot/x.git",
		"ssh://example.test/%7E/x%20y.git": "~/x y.git",
		"ssh://example.test/a/~/x.git/":    "/a/~/x.git/",
		"file:///~/x.git/":                 "/~/x.git/",
	} {
		u, err := address.Parse(url)
		if err != nil {
			t.Fatal(err)
		}
		if e := endpoint(u); e.Path != want {
			t.Errorf("%s is asked for %q, want %q", url, e.Path, want)
		}
	}
}

// HEAD is what it points at where the server says so.
func TestHeadTarget(t *testing.T) {
	adv := packp.NewAdvRefs()
	if got := headTarget(adv); got != "HEAD" {
		t.Errorf("headTarget = %q", got)
	}
	_ = adv.Capabilities.Add("symref", "HEAD:refs/heads/trunk")
	if got := headTarget(adv); got != "refs/heads/trunk" {
		t.Errorf("headTarget = %q", got)
	}
}
