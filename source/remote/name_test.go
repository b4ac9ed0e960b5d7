package remote

import (
	"strings"
	"testing"
)

func TestParseGitSource(t *testing.T) {
	for name, want := range map[string]gitSource{
		"git+https://git.test/org/repo//clusters/a?ref=main": {"https://git.test/org/repo", "clusters/a", "main"},
		"git+ssh://git@git.test/org/repo//a":                 {"ssh://git@git.test/org/repo", "a", ""},
		"git+file:///srv/repo.git":                           {"file:///srv/repo.git", ".", ""},
		"git+https://git.test/org/repo//../../etc":           {"https://git.test/org/repo", "etc", ""},
	} {
		if got, err := parseGitSource(name); err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, want)
		}
	}
	for _, name := range []string{"git+ftp://h/r//f", "git+https://h/r//f?branch=x", "git+https://u:hunter2@h/%zz"} {
		_, err := parseGitSource(name)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRedactedOCI: no part of a login is left, and a digest is.
func TestRedactedOCI(t *testing.T) {
	digest := "@sha256:" + strings.Repeat("0", 64)
	for name, want := range map[string]string{
		"oci://h/a:1":                "oci://h/a:1",
		"oci://h/a" + digest + "//f": "oci://h/a" + digest + "//f",
		"oci://u:p@ss@h/a:1":         "oci://h/a:1",
		"oci://u:p@ss@h/a" + digest:  "oci://h/a" + digest,
	} {
		if got := redactedOCI(name); got != want {
			t.Errorf("%s is shown as %s, want %s", name, got, want)
		}
	}
}
