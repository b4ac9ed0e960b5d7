package deploy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/parts"
)

// fleet is a Git server that wants a password, with a repository of objects and
// some of applications, and a registry.
type fleet struct {
	t        *testing.T
	git      *parts.Git
	registry *parts.Registry
	apps     []*parts.Repository
	tag      int
}

// login is the content of the Secret flux-system that Flux's bootstrap makes.
var login = map[string]string{"username": "git", "password": "s3cret"}

const marker = ` # {"$imagepolicy": "flux-system:app"}`

// newFleet makes a fleet of so many applications, all of which want 1.1.0.
func newFleet(t *testing.T, apps int) *fleet {
	t.Helper()
	f := &fleet{
		t: t, tag: 1,
		git:      parts.NewGit(t, parts.GitOptions{FrontOptions: parts.FrontOptions{User: login["username"], Password: login["password"]}}),
		registry: parts.NewRegistry(t, parts.RegistryOptions{}),
	}
	f.registry.Push("org/app", "1.0.0", "1.1.0")
	for i := range apps {
		f.apps = append(f.apps, f.git.NewRepository(fmt.Sprintf("app-%d", i), parts.RepositoryOptions{
			Tree: parts.Tree{Files: map[string]string{"deploy/app.yaml": "image: " + f.registry.Image("org/app") + ":1.0.0" + marker + "\n"}},
		}))
	}
	f.git.NewRepository("fleet", parts.RepositoryOptions{Tree: parts.Tree{Files: map[string]string{"clusters/production/images.yaml": f.objects()}}})
	return f
}

// release pushes a better tag.
func (f *fleet) release() {
	f.tag++
	f.registry.Push("org/app", fmt.Sprintf("1.%d.0", f.tag))
}

// objects are those of the fleet, as somebody with Flux has them.
func (f *fleet) objects() string {
	var text strings.Builder
	fmt.Fprintf(&text, `apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: app, namespace: flux-system}
spec: {image: %s, interval: 5m, insecure: true}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: app, namespace: flux-system}
spec: {imageRepositoryRef: {name: app}, policy: {semver: {range: 1.x}}}
`, f.registry.Image("org/app"))
	for i, app := range f.apps {
		fmt.Fprintf(&text, `---
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: app-%[1]d, namespace: flux-system}
spec: {url: %[2]q, ref: {branch: main}, interval: 1m, secretRef: {name: flux-system}}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageUpdateAutomation
metadata: {name: app-%[1]d, namespace: flux-system}
spec:
  interval: 30m
  sourceRef: {kind: GitRepository, name: app-%[1]d}
  git: {commit: {author: {name: Bot, email: bot@example.test}}}
  update: {path: ./deploy}
`, i, app.URL)
	}
	return text.String()
}

// source is the folder of objects as -f takes it.
func (f *fleet) source() string { return "git+" + f.git.URL + "/fleet.git//clusters/production" }

// settings are a kustomization's: where the objects are.
func (f *fleet) settings() string {
	return fmt.Sprintf(`
configMapGenerator:
- name: pinsetter
  behavior: merge
  literals: ["PINSETTER_FILENAME=%s", "PINSETTER_GIT_HOST=%s"]
`, f.source(), f.git.Addr)
}

// pushed fails unless each application was pushed to so many times in all, and
// shows the newest tag.
func (f *fleet) pushed(times int) {
	f.t.Helper()
	for _, app := range f.apps {
		if n := len(app.Pushes()); n != times {
			f.t.Errorf("%s was pushed to %d times, want %d", app.Name, n, times)
		}
		if want := fmt.Sprintf(":1.%d.0 ", f.tag); !strings.Contains(app.File("main", "deploy/app.yaml"), want) {
			f.t.Errorf("%s has no %s: %s", app.Name, want, app.File("main", "deploy/app.yaml"))
		}
	}
}
