package login

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter/parts/budget"
)

// A credential goes to the host that it belongs to, and nowhere else.
func TestGit(t *testing.T) {
	own := map[string]string{"PINSETTER_GIT_TOKEN": "T", "PINSETTER_GIT_HOST": "git.example.test"}
	github := map[string]string{"GITHUB_TOKEN": "T", "GITHUB_SERVER_URL": "https://ghes.example.test"}
	gitlab := map[string]string{"CI_JOB_TOKEN": "T", "CI_SERVER_URL": "https://gitlab.example.test:8443"}
	tests := []struct {
		name, url string
		env       map[string]string
		want      string // "user:token", "" for nothing
		text      string // of the error
	}{
		{name: "ours", url: "https://git.example.test/a", env: own, want: "git:T"},
		{name: "ours, by another spelling", url: "https://GIT.example.test:443/a", env: own, want: "git:T"},
		{name: "ours, with a user", url: "https://git.example.test/a", env: with(own, "PINSETTER_GIT_USERNAME", "x-token-auth"), want: "x-token-auth:T"},
		{name: "ours, other host", url: "https://git.example.test.evil.test/a", env: own},
		{name: "ours, other port", url: "https://git.example.test:8443/a", env: own},
		{name: "ours, over http", url: "http://git.example.test/a", env: own},
		{name: "ours, over ssh", url: "ssh://git.example.test/a", env: own},
		{name: "ours, without its host", url: "https://git.example.test/a", env: with(own, "PINSETTER_GIT_HOST", ""), text: `name it in PINSETTER_GIT_HOST, such as "git.example.test"`},
		{name: "ours, with a URL for its host", url: "https://git.example.test/a", env: with(own, "PINSETTER_GIT_HOST", "https://git.example.test"), text: "is not a host"},
		{name: "loopback over http", url: "http://127.0.0.1:3000/a", env: with(own, "PINSETTER_GIT_HOST", "127.0.0.1:3000"), want: "git:T"},
		{name: "localhost over http", url: "http://localhost/a", env: with(own, "PINSETTER_GIT_HOST", "localhost"), want: "git:T"},
		{name: "what only looks like loopback", url: "http://127.0.0.1.evil.test/a", env: with(own, "PINSETTER_GIT_HOST", "127.0.0.1.evil.test")},
		{name: "GitHub", url: "https://github.com/a", env: map[string]string{"GITHUB_TOKEN": "T"}, want: "x-access-token:T"},
		{name: "GitHub, other host", url: "https://gitlab.com/a", env: map[string]string{"GITHUB_TOKEN": "T"}},
		{name: "GitHub Enterprise", url: "https://ghes.example.test/a", env: github, want: "x-access-token:T"},
		{name: "GitHub Enterprise's token for GitHub", url: "https://github.com/a", env: github},
		{name: "GitHub, malformed server", url: "https://github.com/a", env: with(github, "GITHUB_SERVER_URL", "github.com")},
		{name: "GitLab", url: "https://gitlab.example.test:8443/a", env: gitlab, want: "gitlab-ci-token:T"},
		{name: "GitLab, other port", url: "https://gitlab.example.test/a", env: gitlab},
		{name: "GitLab without a server", url: "https://gitlab.com/a", env: map[string]string{"CI_JOB_TOKEN": "T"}},
		{name: "Gitea", url: "https://gitea.example.test/a", env: map[string]string{"GITEA_TOKEN": "T", "GITEA_SERVER_URL": "https://gitea.example.test/"}, want: "git:T"},
		{name: "ours before the runner's", url: "https://github.com/a", env: map[string]string{"GITHUB_TOKEN": "R", "PINSETTER_GIT_TOKEN": "T", "PINSETTER_GIT_HOST": "github.com"}, want: "git:T"},
		{name: "the runner's where ours is for another host", url: "https://github.com/a", env: with(own, "GITHUB_TOKEN", "R"), want: "x-access-token:R"},
		{name: "nothing", url: "https://github.com/a"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := Environment{Getenv: func(name string) string { return test.env[name] }}
			check(t, e, test.url, test.want, test.text)
		})
	}
	check(t, Environment{}, "https://github.com/a", "", "")
}

// with returns a copy of env with one variable more.
func with(env map[string]string, name, value string) map[string]string {
	more := map[string]string{name: value}
	for n, v := range env {
		if n != name {
			more[n] = v
		}
	}
	return more
}

// check compares what an environment offers for a URL.
func check(t *testing.T, e Environment, address, want, text string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	c, found, err := e.Git(u)
	if (err != nil) != (text != "") || err != nil && !strings.Contains(err.Error(), text) {
		t.Errorf("error %v, want %q", err, text)
	}
	got := ""
	if found {
		got = c.Username + ":" + c.Password.Reveal()
	}
	if got != want {
		t.Errorf("%s: %q, want %q", address, got, want)
	}
}

func TestNetrc(t *testing.T) {
	home := t.TempDir()
	file := filepath.Join(home, ".netrc")
	put(t, file, "# comment\ndefault login d password D\nmachine git.example.test login a password A\nmachine git.example.test login b password B\nmachine empty.test login x\n")
	other := filepath.Join(home, "other")
	put(t, other, "machine git.example.test login o password O")
	e := Environment{Home: home}
	check(t, e, "https://git.example.test/x", "a:A", "")
	check(t, e, "https://b@GIT.example.test:8443/x", "b:B", "")
	check(t, e, "https://c@git.example.test/x", "", "")
	check(t, e, "https://elsewhere.test/x", "", "") // default is for any host: it isn't used
	check(t, e, "https://default/x", "", "")
	check(t, e, "https://empty.test/x", "", "")
	check(t, e, "http://git.example.test/x", "", "")
	e.Getenv = func(name string) string { return map[string]string{"NETRC": other}[name] }
	check(t, e, "https://git.example.test/x", "o:O", "")
	e.Getenv = func(name string) string { return map[string]string{"NETRC": other + "-missing"}[name] }
	check(t, e, "https://git.example.test/x", "", "")
	e.Getenv = func(name string) string { return map[string]string{"NETRC": home}[name] }
	check(t, e, "https://git.example.test/x", "", "read credentials")
	put(t, other, strings.Repeat("#\n", netrcLimit))
	e.Getenv = func(name string) string { return map[string]string{"NETRC": other}[name] }
	check(t, e, "https://git.example.test/x", "", "is over 1048576 bytes")
}

func put(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// netrcs are netrc files and what they hold.
var netrcs = map[string][]netrcEntry{
	"":                             nil,
	"machine a login l password p": {{"a", "l", "p"}},
	"machine a\r\n\tlogin l\r\n\tpassword p\r\nmachine b password q login m": {{"a", "l", "p"}, {"b", "m", "q"}},
	`machine a login "l l" password "p\"\\\n"`:                               {{"a", "l l", "p\"\\\n"}},
	"machine a login l # who\npassword #p\n":                                 {{"a", "l", "#p"}},
	"machine a account x login l password p":                                 {{"a", "l", "p"}},
	"machine a macdef init\nmachine evil login e password e\n\nlogin l":      {{"a", "l", ""}},
	"macdef init\nmachine evil":                                              nil,
	"default login d password d\nmachine a login l password p":               {{"a", "l", "p"}},
	"login x password y\nmachine a":                                          {{"a", "", ""}},
	"machine a login machine password default":                               {{"a", "machine", "default"}},
	"machine":                  {{"", "", ""}},
	"machine a login":          {{"a", "", ""}},
	`machine a password "open`: {{"a", "", "open"}},
}

func TestParseNetrc(t *testing.T) {
	for data, want := range netrcs {
		if diff := cmp.Diff(want, parseNetrc(data), cmp.AllowUnexported(netrcEntry{})); diff != "" {
			t.Errorf("%q: %s", data, diff)
		}
	}
}

// No file makes it panic, and no entry is made up.
func FuzzParseNetrc(f *testing.F) {
	for data := range netrcs {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data string) {
		budget.Affords(t, len(data), func() {
			entries := parseNetrc(data)
			if len(entries) > strings.Count(data, "machine") {
				t.Errorf("%q: %d entries", data, len(entries))
			}
		})
	})
}

func TestKnownHosts(t *testing.T) {
	home := t.TempDir()
	if found := (Environment{Home: home}).KnownHosts(); len(found) > 0 && strings.HasPrefix(found[0], home) {
		t.Errorf("KnownHosts = %q", found)
	}
	if err := os.Mkdir(filepath.Join(home, ".ssh"), 0o700); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(home, ".ssh", "known_hosts"), "")
	if found := (Environment{Home: home}).KnownHosts(); len(found) == 0 || !strings.HasPrefix(found[0], home) {
		t.Errorf("KnownHosts = %q", found)
	}
}
