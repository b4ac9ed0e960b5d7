package address

import (
	"strings"
	"testing"
)

// keys are forms of a URL with the key of the repository; "" for an error.
var keys = map[string]string{
	"https://github.com/Org/Repo.git":            "github.com/Org/Repo",
	"https://GitHub.com/Org/Repo":                "github.com/Org/Repo",
	"https://user:pass@github.com:443/Org/Repo/": "github.com/Org/Repo",
	"ssh://git@github.com/Org/Repo.git":          "github.com/Org/Repo",
	"ssh://git@ssh.github.com:443/Org/Repo.git":  "github.com/Org/Repo",
	"git@github.com:Org/Repo.git":                "github.com/Org/Repo",
	"git@github.com:/Org/Repo.git":               "github.com/Org/Repo",
	"github.com:Org/Repo":                        "github.com/Org/Repo",
	"ssh://git@github.com:22/Org/Repo.git":       "github.com/Org/Repo",
	"http://github.com:80/Org/Repo.git":          "github.com/Org/Repo",
	"git://github.com:9418/Org/Repo.git":         "github.com/Org/Repo",
	"https://github.com.:00443/Org/Repo.git/":    "github.com/Org/Repo",
	"https://github.com:/Org/Repo":               "github.com/Org/Repo",
	"ssh://git@ssh.github.com/Org/Repo.git":      "github.com/Org/Repo",
	"ssh://git@SSH.github.com.:443/Org/Repo.git": "github.com/Org/Repo",
	"ssh://altssh.gitlab.com:443/Org/Repo":       "gitlab.com/Org/Repo",
	"ssh://git@altssh.bitbucket.org:443/o/r":     "bitbucket.org/o/r",
	"ssh://git@github.com:443/Org/Repo.git":      "github.com:443/Org/Repo",
	"ssh://git@Example.test:2222/Org/Repo.git":   "example.test:2222/Org/Repo",
	"https://example.test:22/Org/Repo.git":       "example.test:22/Org/Repo",
	"http://example.test:443/Org/Repo":           "example.test:443/Org/Repo",
	"http://127.0.0.1:21314/repo.git":            "127.0.0.1:21314/repo",
	"http://127.0.0.1:21315/repo.git":            "127.0.0.1:21315/repo",
	"https://example.test/org/repo":              "example.test/org/repo",
	"ssh://git@[::1]:2222/a.git":                 "[::1]:2222/a",
	"ssh://git@[0:0::0:1]:22/a.git":              "[::1]/a",
	"git@[::1]:a.git":                            "[::1]/a",
	"https://[::FFFF:127.0.0.1]/a":               "127.0.0.1/a",
	"https://example.test./a//b/../c.git":        "example.test/a/c",
	"https://example.test/a%20b":                 "example.test/a b",
	"https://example.test/a.git?x=1#y":           "example.test/a",
	"https://example.test/a/.git":                "example.test/a/.git",
	"https://example.test/a%2Eb/%7Ec.git":        "example.test/a.b/~c",
	"file:///srv/git/app.git":                    "/srv/git/app",
	"file://localhost/srv//git/app.git/":         "/srv/git/app",
	"HTTPS://example.test/a":                     "example.test/a",
	"https://example.test":                       "",
	"https://example.test/":                      "",
	"https:///a":                                 "",
	"https://u:p@ss%zz@example.test/a":           "",
	"/srv/git/app":                               "",
	`C:\app`:                                     "",
	"a://example.test/.#":                        "",
	"":                                           "",
	"https://example.test:0/a":                   "",
}

func TestKey(t *testing.T) {
	for url, want := range keys {
		got, err := Key(url)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("Key(%q) = %q, %v; want %q", url, got, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "p@ss") {
			t.Errorf("Key(%q): %v shows a password", url, err)
		}
	}
}

// What was remembered before ports were part of keys is found again.
func TestFormerKey(t *testing.T) {
	for url, want := range map[string]string{
		"https://github.com/Org/Repo.git":           "github.com/Org/Repo",
		"ssh://git@ssh.github.com:443/Org/Repo.git": "github.com/Org/Repo",
		"ssh://git@Example.test:2222/Org/Repo.git":  "example.test/Org/Repo",
		"ssh://git@[::1]:2222/a.git":                "::1/a",
		"file://localhost/srv/git/app.git":          "localhost/srv/git/app",
		"https://u:p@ss%zz@example.test/a":          "",
		"https://example.test./a//b/../c.git":       "example.test/a/c",
	} {
		if got := FormerKey(url); got != want {
			t.Errorf("FormerKey(%q) = %q, want %q", url, got, want)
		}
	}
}

// A key has no user and no suffix, and a host in lower case.
func FuzzKey(f *testing.F) {
	for url := range keys {
		f.Add(url)
	}
	f.Fuzz(func(t *testing.T, url string) {
		key, err := Key(url)
		if err != nil {
			return
		}
		host, path, _ := strings.Cut(key, "/")
		if path == "" || strings.ContainsAny(host, "@ ") || host != strings.ToLower(host) {
			t.Errorf("Key(%q) = %q", url, key)
		}
	})
}
