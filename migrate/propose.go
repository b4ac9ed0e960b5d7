package migrate

import (
	"strings"

	"github.com/pinsetter/pinsetter/spec"
)

// forges are how the hosts of forges are called, and their providers. Those that
// pinsetter knows need none.
var forges = []struct{ part, provider string }{
	{"github.com", ""}, {"gitlab.com", ""}, {"codeberg.org", ""}, {"gitea.com", ""}, {".ghe.com", ""},
	{"github", "github"}, {"gitlab", "gitlab"}, {"gitea", "gitea"}, {"forgejo", "gitea"},
}

// proposed is a delivery by pull requests. Where the forge can't be told from the
// repository's address, it is a branch, which nothing merges by itself.
func (t *translation) proposed(name string, p spec.PullRequestSpec) delivery {
	for _, f := range forges {
		if strings.Contains(strings.ToLower(t.tree.Git.Host), f.part) {
			if p.Provider == "" {
				p.Provider = f.provider
			}
			return delivery{Name: name, Proposal: &p}
		}
	}
	if p.Provider != "" {
		return delivery{Name: name, Proposal: &p}
	}
	return delivery{Name: name, Push: "pinsetter/" + name}
}
