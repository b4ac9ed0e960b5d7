package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/parts"
)

const privateObjects = `apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: app}
spec:
  image: REG/org/app
  interval: 5m
  serviceAccountName: puller
  certSecretRef: {name: ca}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: puller}
imagePullSecrets: [{name: pull}]
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: app}
spec:
  imageRepositoryRef: {name: app}
  policy: {semver: {range: ^1.0.0}}
  digestReflectionPolicy: Always
  interval: 5m
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: fleet}
spec: {url: REPO, interval: 5m, ref: {branch: main}, secretRef: {name: git}}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageUpdateAutomation
metadata: {name: apps}
spec:
  interval: 5m
  sourceRef: {kind: GitRepository, name: fleet}
  git:
    commit:
      author: {name: Bot, email: bot@example.test}
      signingKey: {type: ssh, secretRef: {name: signing}}
    push: {branch: main, options: {topic: images}}
`

// Everything is private: a registry that demands tokens over TLS, a repository
// over ssh, a signed commit, push options. The Secrets are mounted as Kubernetes
// mounts them, and none of them shows.
func TestPrivateFleet(t *testing.T) {
	ca := parts.NewCA(t)
	tokens := parts.NewTokenServer(t, parts.TokenOptions{FrontOptions: parts.FrontOptions{TLS: &parts.TLS{CA: ca}}, Users: map[string]string{"puller": "registry-passw0rd"}})
	registry := parts.NewDistribution(t, parts.DistributionOptions{Tokens: tokens, TLS: &parts.TLS{CA: ca}})
	registry.Push("org/app", "1.0.0", "1.1.0")
	server := parts.NewGit(t, parts.GitOptions{})
	ssh := parts.NewSSH(t, server, parts.SSHOptions{Passphrase: "identity-passw0rd"})
	marked := func(ref string) string {
		return fmt.Sprintf("image: %s:%s # {\"$imagepolicy\": \"default:app\"}\n", registry.Image("org/app"), ref)
	}
	repo := server.NewRepository("fleet", parts.RepositoryOptions{
		Tree:   parts.Tree{Files: map[string]string{"a.yaml": marked("1.0.0")}},
		Config: map[string]string{"receive.advertisePushOptions": "true"},
	})
	key, allowed := signingKey(t)
	login, err := json.Marshal(map[string]any{"auths": map[string]any{
		registry.Addr: map[string]string{"username": "puller", "password": "registry-passw0rd"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	secrets := t.TempDir()
	mount(t, filepath.Join(secrets, "default", "ca"), map[string]string{"ca.crt": string(ca.PEM)})
	mount(t, filepath.Join(secrets, "default", "pull"), map[string]string{".dockerconfigjson": string(login)})
	mount(t, filepath.Join(secrets, "default", "signing"), map[string]string{"identity": key})
	mount(t, filepath.Join(secrets, "default", "git"), map[string]string{
		"identity": string(ssh.Identity), "password": "identity-passw0rd\n", "known_hosts": string(ssh.KnownHosts),
	})
	objects := filepath.Join(t.TempDir(), "objects.yaml")
	text := strings.NewReplacer("REG", registry.Addr, "REPO", ssh.URL(repo)).Replace(privateObjects)
	if err := os.WriteFile(objects, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}

	cmd := exec.Command("pinsetter", "run", "-f", objects, "--secrets", secrets, "--state", "none", "--log-level", "debug", "-o", "json")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("run: %v\n%s", err, out)
	}
	for _, secret := range []string{"passw0rd", "PRIVATE KEY", key} {
		if strings.Contains(string(out), secret) {
			t.Errorf("%q shows in\n%s", secret, out)
		}
	}
	if got, want := repo.File("main", "a.yaml"), marked("1.1.0@"+registry.Digest("org/app", "1.1.0")); got != want {
		t.Errorf("main has %s, want %s", got, want)
	}
	repo.Git("config", "gpg.ssh.allowedSignersFile", allowed)
	repo.Git("verify-commit", "main")
	pushes := repo.Pushes()
	if last := pushes[len(pushes)-1]; strings.Join(last.Options, " ") != "topic=images" {
		t.Errorf("push options %q", last.Options)
	}
}

// signingKey returns a new SSH key and a file of allowed signers with it.
func signingKey(t *testing.T) (private, allowed string) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "key")
	if out, err := exec.Command(parts.Need(t, "ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", file).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v\n%s", err, out)
	}
	key, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	public, err := os.ReadFile(file + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	allowed = filepath.Join(dir, "allowed")
	if err := os.WriteFile(allowed, []byte("bot@example.test "+string(public)), 0o600); err != nil {
		t.Fatal(err)
	}
	return string(key), allowed
}

// mount writes a Secret as the kubelet does: the keys are links through ..data
// to a folder with the time in its name.
func mount(t *testing.T, dir string, keys map[string]string) {
	t.Helper()
	data := filepath.Join(dir, "..2026_11_21_09_36_00.123456789")
	if err := os.MkdirAll(data, 0o755); err != nil {
		t.Fatal(err)
	}
	links := map[string]string{"..data": filepath.Base(data)}
	for key, value := range keys {
		if err := os.WriteFile(filepath.Join(data, key), []byte(value), 0o600); err != nil {
			t.Fatal(err)
		}
		links[key] = filepath.Join("..data", key)
	}
	for name, target := range links {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
}
