//go:build e2e

package main

import (
	"archive/tar"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pinsetter/pinsetter/parts"
)

var platforms = []string{"linux/amd64", "linux/arm64"}

// TestTheImageIsReproducibleAndRuns builds the image of the current commit in two
// clones, pushes one to a registry, and runs what comes back.
func TestTheImageIsReproducibleAndRuns(t *testing.T) {
	first, digest := buildIn(t, clone(t))
	t.Setenv("TZ", "Pacific/Kiritimati")
	old := syscall.Umask(0o077)
	_, again := buildIn(t, clone(t))
	syscall.Umask(old)
	if digest != again {
		t.Errorf("two builds of one commit have the digests %s and %s", digest, again)
	}

	registry := parts.NewDistribution(t, parts.DistributionOptions{})
	to := registry.Image("tools/pinsetter") + ":v1.2.3"
	pushed, err := push(t.Context(), filepath.Join(first, "image"), to)
	if err != nil {
		t.Fatal(err)
	}
	if pushed != digest {
		t.Errorf("pushed %s, built %s", pushed, digest)
	}
	tag, err := name.NewTag(to)
	if err != nil {
		t.Fatal(err)
	}
	index, err := remote.Index(tag)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(manifest.Manifests) != len(platforms) {
		t.Fatalf("the index has %d manifests, want one for each of %v", len(manifest.Manifests), platforms)
	}
	for i, child := range manifest.Manifests {
		if child.Platform.String() != platforms[i] {
			t.Errorf("manifest %d is for %s, want %s", i, child.Platform, platforms[i])
		}
		checkSBOM(t, tag.Digest(child.Digest.String()))
		image, err := index.Image(child.Digest)
		if err != nil {
			t.Fatal(err)
		}
		checkConfig(t, image)
		if host, err := v1.ParsePlatform("linux/" + goarch(t)); err == nil && child.Platform.Equals(*host) {
			runs(t, image)
		}
	}
}

// clone clones the current commit into a folder of its own.
func clone(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "checkout")
	top := printed(t, "git", "rev-parse", "--show-toplevel")
	head := printed(t, "git", "rev-parse", "HEAD")
	printed(t, "git", "clone", "--quiet", "--no-checkout", top, dir)
	printed(t, "git", "-C", dir, "checkout", "--quiet", "--detach", head)
	return dir
}

func buildIn(t *testing.T, dir string) (string, v1.Hash) {
	t.Helper()
	t.Chdir(dir)
	b, err := newBuilder(t.Context(), release{dir: "dist", version: "v1.2.3"})
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	digest, err := b.image(t.Context(), platforms)
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "dist"), digest
}

func checkSBOM(t *testing.T, of name.Digest) {
	t.Helper()
	referrers, err := remote.Referrers(of)
	if err != nil {
		t.Fatal(err)
	}
	list, err := referrers.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Manifests) != 1 || list.Manifests[0].ArtifactType != sbomType {
		t.Fatalf("%s has the referrers %+v, want one SBOM", of, list.Manifests)
	}
	image, err := remote.Image(of.Context().Digest(list.Manifests[0].Digest.String()))
	if err != nil {
		t.Fatal(err)
	}
	layers, err := image.Layers()
	if err != nil || len(layers) != 1 {
		t.Fatalf("the SBOM has %d layers, %v", len(layers), err)
	}
	content, err := layers[0].Compressed()
	if err != nil {
		t.Fatal(err)
	}
	var bom struct {
		BOMFormat  string
		Components []struct{ Name, Version string }
	}
	if err := json.NewDecoder(content).Decode(&bom); err != nil {
		t.Fatal(err)
	}
	found := false
	for _, c := range bom.Components {
		found = found || c.Name == "github.com/go-git/go-git/v5" && c.Version != ""
	}
	if bom.BOMFormat != "CycloneDX" || !found {
		t.Errorf("the SBOM of %s is %q and names %d components, go-git: %v", of, bom.BOMFormat, len(bom.Components), found)
	}
}

func checkConfig(t *testing.T, image v1.Image) {
	t.Helper()
	file, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if file.Config.User != "65532:65532" || strings.Join(file.Config.Entrypoint, " ") != "/"+program {
		t.Errorf("user %q, entrypoint %q", file.Config.User, file.Config.Entrypoint)
	}
}

// runs runs the program of an image as its user in a file system that can't be
// written, but for the state and temporary files: from a scan to a commit.
func runs(t *testing.T, image v1.Image) {
	t.Helper()
	root := t.TempDir()
	unpack(t, image, root)
	authorities := 0
	for rest, err := os.ReadFile(filepath.Join(root, "etc/ssl/certs/ca-certificates.crt")); ; authorities++ {
		var block *pem.Block
		if block, rest = pem.Decode(rest); err != nil || block == nil {
			break
		}
	}
	if authorities < 100 {
		t.Errorf("%d certificate authorities are in the image", authorities)
	}

	registry := parts.NewRegistry(t, parts.RegistryOptions{})
	registry.Push("org/app", "1.0.0", "1.1.0")
	fleet := filepath.Join(t.TempDir(), "fleet")
	marked := "image: " + registry.Image("org/app") + ":1.0.0 # {\"$imagepolicy\": \"flux-system:app\"}\n"
	write(t, filepath.Join(fleet, "app.yaml"), marked)
	repository := parts.NewGit(t, parts.GitOptions{}).NewRepository("fleet", parts.RepositoryOptions{Folder: fleet})
	write(t, filepath.Join(root, "objects/images.yaml"), fmt.Sprintf(objects, registry.Image("org/app"), repository.URL))

	if out, err := contained(t, root, "run", "-f", "/objects"); err != nil || !strings.Contains(out, "pushed") {
		t.Fatalf("run: %v\n%s", err, out)
	}
	if got, want := repository.File("main", "app.yaml"), strings.Replace(marked, "1.0.0", "1.1.0", 1); got != want {
		t.Errorf("the branch has\n%s\nwant\n%s", got, want)
	}
	out, err := contained(t, root, "version")
	if revision := printed(t, "git", "rev-parse", "--short=12", "HEAD"); err != nil || !strings.Contains(out, "v1.2.3 (commit "+revision) {
		t.Errorf("version: %v\n%s", err, out)
	}
}

// objects need the time zones that the image brings.
const objects = `
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: app, namespace: flux-system}
spec: {image: %s, interval: 5m, insecure: true}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: app, namespace: flux-system}
spec: {imageRepositoryRef: {name: app}, policy: {semver: {range: 1.x}}}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: fleet, namespace: flux-system}
spec: {url: %q, ref: {branch: main}, interval: 1m}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageUpdateAutomation
metadata:
  name: fleet
  namespace: flux-system
  annotations: {pinsetter.dev/schedule: "CRON_TZ=Europe/Berlin 0 9 * * 1-5"}
spec:
  interval: 30m
  sourceRef: {kind: GitRepository, name: fleet}
  git: {commit: {author: {name: Bot, email: bot@example.test}}}
  update: {path: ./}
`

// contained runs the program as a container would: in the image's files alone.
func contained(t *testing.T, root string, args ...string) (string, error) {
	t.Helper()
	if os.Getuid() != 0 {
		parts.Skip(t, "mounting and changing the root needs root; the image was built, pushed and compared")
	}
	script := `set -e
mount --make-rprivate /
mount --bind "$0" "$0"
mount -o remount,ro,bind "$0"
mount -t tmpfs -o mode=0750,uid=65532,gid=65532 tmpfs "$0/var/lib/pinsetter"
mount -t tmpfs -o mode=1777 tmpfs "$0/tmp"
root=$0
exec chroot --userspec=65532:65532 "$root" /` + program + ` "$@"`
	cmd := exec.CommandContext(t.Context(), "unshare", append([]string{"--mount", "sh", "-c", script, root}, args...)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=/" + home, "PINSETTER_STATE=sqlite:/" + home + "/state.db"}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// unpack writes an image's files below root, with their modes and owners.
func unpack(t *testing.T, image v1.Image, root string) {
	t.Helper()
	files := mutate.Extract(image)
	defer files.Close()
	for r := tar.NewReader(files); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(root, filepath.FromSlash(header.Name))
		if header.Typeflag == tar.TypeDir {
			err = os.MkdirAll(to, header.FileInfo().Mode())
		} else {
			var data []byte
			if data, err = io.ReadAll(r); err == nil {
				err = os.WriteFile(to, data, header.FileInfo().Mode())
			}
		}
		if err == nil {
			err = os.Chmod(to, header.FileInfo().Mode())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func goarch(t *testing.T) string { return printed(t, "go", "env", "GOARCH") }

func printed(t *testing.T, program string, args ...string) string {
	t.Helper()
	out, err := output(context.WithoutCancel(t.Context()), nil, program, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
