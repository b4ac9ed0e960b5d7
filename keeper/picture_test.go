package keeper

import "testing"

func TestWebOf(t *testing.T) {
	for git, want := range map[string]string{
		"https://me:secret@git.example:8443/org/fleet.git": "https://git.example:8443/org/fleet",
		"http://127.0.0.1:3000/org/fleet/":                 "http://127.0.0.1:3000/org/fleet",
		"ssh://git@github.com/org/fleet.git":               "https://github.com/org/fleet",
		"git@gitlab.com:org/sub/fleet.git":                 "https://gitlab.com/org/sub/fleet",
		"ssh://git@git.example:2222/org/fleet":             "",
		"git@git.example:org/fleet":                        "",
		"file:///srv/git/fleet":                            "",
		"":                                                 "",
	} {
		if got := webOf(git); got != want {
			t.Errorf("%s: %q, want %q", git, got, want)
		}
	}
}
