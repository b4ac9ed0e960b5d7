package scanner

import (
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
)

// Blobs are mounted from a repository beside that is read with the same access.
func TestBesides(t *testing.T) {
	login := func(name string) fleet.RegistryAccess {
		return fleet.RegistryAccess{DockerConfigs: []pinsetter.Secret{pinsetter.NewSecret("secretRef ns/"+name, `{"auths": {}}`)}, Proxy: &pinsetter.Proxy{Address: "http://p"}}
	}
	to := &fleet.Repository{Image: "r.example.test/org/live", Access: login("a")}
	for name, tt := range map[string]struct {
		source *fleet.Repository
		want   string
	}{
		"beside":           {&fleet.Repository{Image: "r.example.test/org/manifests", Access: login("a")}, "org/manifests"},
		"the same":         {&fleet.Repository{Image: to.Image, Access: login("a")}, ""},
		"another registry": {&fleet.Repository{Image: "s.example.test/org/manifests", Access: login("a")}, ""},
		"another login":    {&fleet.Repository{Image: "r.example.test/org/manifests", Access: login("b")}, ""},
		"no login":         {&fleet.Repository{Image: "r.example.test/org/manifests"}, ""},
	} {
		path, beside := besides(to, tt.source)
		if beside != (tt.want != "") || beside && path != tt.want {
			t.Errorf("%s: %q, %t", name, path, beside)
		}
	}
}
