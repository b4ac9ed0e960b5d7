package githubapp

import (
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/forge/exchange"
	"github.com/pinsetter/pinsetter/login"
)

// FuzzAppServer: what an app signs goes over https to a host that was named, or
// to this machine.
func FuzzAppServer(f *testing.F) {
	for _, base := range []string{"", "https://api.github.com", "https://ghe.example.test:8443/api/v3/", "http://127.0.0.1:1", "https://a@b/", "https://api.x.ghe.com"} {
		f.Add(base, "https://github.com/a/b")
	}
	f.Fuzz(func(t *testing.T, base, repository string) {
		p, err := exchange.ParsePlace(repository)
		if err != nil {
			return
		}
		server, err := Server(&fleet.GitHubApp{BaseURL: base}, p)
		if err != nil {
			return
		}
		if server.Scheme != "https" && !login.Loopback(server.Hostname()) || server.User != nil || server.Path != "" || server.Host == "" {
			t.Errorf("%q, %q: %v", base, repository, server)
		}
		if base != "" && !strings.Contains(strings.ToLower(base), server.Host) {
			t.Errorf("%q: %v", base, server)
		}
	})
}
