package main

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/parts"
)

// TestInitPrivateRegistry asks a real registry that demands a login: an image that
// is denied is skipped, with what the registry said and the way out; with docker's
// login, or the Secret of an ImageRepository that is there, it is proposed.
func TestInitPrivateRegistry(t *testing.T) {
	registry := parts.NewDistribution(t, parts.DistributionOptions{User: "puller", Password: "registry-passw0rd"})
	registry.Push("org/app", "1.0.0", "1.1.0", "1.2.0", "2.0.0")
	image := registry.Image("org/app")
	auths, err := json.Marshal(map[string]any{"auths": map[string]any{registry.Addr: map[string]string{
		"auth": base64.StdEncoding.EncodeToString([]byte("puller:registry-passw0rd")),
	}}})
	if err != nil {
		t.Fatal(err)
	}
	docker, nobody, secrets := t.TempDir(), t.TempDir(), t.TempDir()
	mount(t, docker, map[string]string{"config.json": string(auths)})
	mount(t, filepath.Join(secrets, "default", "pull"), map[string]string{".dockerconfigjson": string(auths)})
	manifest := "apiVersion: v1\nkind: Pod\nmetadata: {name: app}\nspec:\n  containers:\n    - name: app\n      image: " + image + ":1.0.0\n"
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("app.yaml", manifest)
	initiate := func(config string, args ...string) string {
		t.Helper()
		cmd := exec.Command("pinsetter", append([]string{"init", "--dir", dir}, args...)...)
		cmd.Env = append(os.Environ(), "DOCKER_CONFIG="+config)
		out, err := cmd.CombinedOutput()
		if err != nil || strings.Contains(string(out), "passw0rd") {
			t.Fatalf("init: %v\n%s", err, out)
		}
		return string(out)
	}

	denied := initiate(nobody)
	for _, part := range []string{"it is private or missing: 401 Unauthorized", "secretRef, or log in with docker login " + registry.Addr, "nothing to propose"} {
		if !strings.Contains(denied, part) {
			t.Errorf("%q is missing in\n%s", part, denied)
		}
	}
	const proposed = `image: %:1.0.0 # {"$imagepolicy": "default:app"}`
	want := strings.ReplaceAll(proposed, "%", image)
	if out := initiate(docker); !strings.Contains(out, want) {
		t.Errorf("with docker login:\n%s", out)
	}
	write("repository.yaml", "apiVersion: image.toolkit.fluxcd.io/v1\nkind: ImageRepository\nmetadata: {name: app}\nspec: {image: "+image+", interval: 1h, secretRef: {name: pull}}\n")
	want = strings.Replace(want, "default:app", "default:org-app", 1) // the ImageRepository has the shorter name
	if out := initiate(nobody, "--secrets", secrets); !strings.Contains(out, want) || strings.Contains(out, "kind: ImageRepository") {
		t.Errorf("with the Secret of the ImageRepository that is there:\n%s", out)
	}

	initiate(docker, "--write", "--policies", filepath.Join(dir, "policies.yaml"))
	cmd := exec.Command("pinsetter", "set", "--dir", dir, "-f", dir, "--secrets", secrets)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("set: %v\n%s", err, out)
	}
	written, err := os.ReadFile(filepath.Join(dir, "app.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Replace(string(written), `:1.2.0 # {"$imagepolicy": "default:org-app"}`, ":1.0.0", 1); got != manifest {
		t.Errorf("init and set wrote\n%s", written)
	}
}

// TestInitForbiddenImage asks a registry that refuses one image: it is skipped with
// the registry's words, and the other one is proposed.
func TestInitForbiddenImage(t *testing.T) {
	registry := parts.NewRegistry(t, parts.RegistryOptions{FrontOptions: parts.FrontOptions{Around: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, "/secret/") {
				w.WriteHeader(http.StatusForbidden)
				_, _ = w.Write([]byte(`{"errors":[{"code":"DENIED","message":"10.1.2.3 is not on the allow list"}]}`))
				return
			}
			next.ServeHTTP(w, r)
		})
	}}})
	registry.Push("org/app", "1.0.0", "1.1.0", "1.2.0")
	dir := t.TempDir()
	file := filepath.Join(dir, "a.yaml")
	text := "kind: Pod\napiVersion: v1\nspec:\n  containers:\n    - image: " + registry.Image("secret/app") + ":1.0.0\n    - image: " + registry.Image("org/app") + ":1.0.0\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("pinsetter", "init", "--dir", dir, "--write").CombinedOutput()
	if err != nil {
		t.Fatalf("init: %v\n%s", err, out)
	}
	for _, part := range []string{"a.yaml:5", "it is private or missing: 403 Forbidden", "10.1.2.3 is not on the allow list", "a.yaml:6", "default/app"} {
		if !strings.Contains(string(out), part) {
			t.Errorf("%q is missing in\n%s", part, out)
		}
	}
	written, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.TrimSuffix(text, "\n") + ` # {"$imagepolicy": "default:app"}` + "\n"
	if string(written) != want {
		t.Errorf("wrote\n%s", written)
	}
}
