//go:build e2emore

package artifact_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter/artifact"
	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/registry"
)

// tool returns a function that runs a program in a folder.
func tool(t *testing.T, name, dir string) func(args ...string) {
	t.Helper()
	program := parts.Need(t, name)
	return func(args ...string) {
		t.Helper()
		c := exec.Command(program, args...)
		c.Dir = dir
		c.Env = append(os.Environ(), "HOME="+t.TempDir())
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%s %v: %v: %s", name, args, err, out)
		}
	}
}

// inspected returns what a tag is.
func inspected(t *testing.T, image, tag string) *artifact.Inspection {
	t.Helper()
	in := repository(t, image, registry.Access{})
	found, err := artifact.Inspect(t.Context(), in, artifact.Reference{Repository: image, Tag: tag})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestOras: what oras pushes is pulled, and the other way around.
func TestOras(t *testing.T) {
	server := parts.NewDistribution(t, parts.DistributionOptions{})
	image := server.Image("org/app")
	dir := tree(t, map[string]string{"site/a.yaml": "a: 1\n", "site/sub/b.yaml": "b: 1\n"})
	oras := tool(t, "oras", dir)
	oras("push", "--plain-http", image+":folder", "site:application/vnd.example.tar+gzip", "--artifact-type", "application/vnd.example")
	from := repository(t, image, registry.Access{})
	want := map[string]string{"site/a.yaml": "a: 1\n", "site/sub/b.yaml": "b: 1\n"}
	if diff := cmp.Diff(want, pull(t, from, artifact.Reference{Repository: image, Tag: "folder"})); diff != "" {
		t.Errorf("a folder of oras (-want +got):\n%s", diff)
	}
	if got := inspected(t, image, "folder"); got.Kind != "artifact" || got.ArtifactType != "application/vnd.example" {
		t.Errorf("it is %+v", got)
	}
	oras("push", "--plain-http", image+":file", "site/a.yaml:application/yaml")
	if diff := cmp.Diff(map[string]string{"a.yaml": "a: 1\n"}, pull(t, from, artifact.Reference{Repository: image, Tag: "file"})); diff != "" {
		t.Errorf("a file of oras (-want +got):\n%s", diff)
	}

	push(t, from, "ours", folder(filepath.Join(dir, "site")))
	oras("manifest", "fetch", "--plain-http", image+":ours")
	oras("attach", "--plain-http", image+":ours", "--artifact-type", "application/vnd.example.sbom", "site/a.yaml")
	got := inspected(t, image, "ours")
	if len(got.Referrers) != 1 || got.Referrers[0].ArtifactType != "application/vnd.example.sbom" {
		t.Errorf("its referrers are %v", got.Referrers)
	}
	listed, err := artifact.List(t.Context(), from, artifact.Filter{})
	if err != nil || len(listed) != 3 {
		t.Errorf("listed %v, %v; want three, and no index of referrers", listed, err)
	}
}

// TestHelm: a chart of helm is a chart, and its archive is unpacked.
func TestHelm(t *testing.T) {
	server := parts.NewDistribution(t, parts.DistributionOptions{})
	dir := t.TempDir()
	helm := tool(t, "helm", dir)
	helm("create", "app")
	helm("package", "app", "--version", "1.2.3")
	helm("push", "app-1.2.3.tgz", "oci://"+server.Image("charts"), "--plain-http")
	image := server.Image("charts/app")
	if got := inspected(t, image, "1.2.3"); got.Kind != "chart" {
		t.Errorf("it is %+v", got)
	}
	chart := pull(t, repository(t, image, registry.Access{}), artifact.Reference{Repository: image, Tag: "1.2.3"})
	if !strings.Contains(chart["app/Chart.yaml"], "version: 1.2.3") {
		t.Errorf("it holds %v", chart)
	}
}

// TestCrane: an image that crane makes is an image, and what it copies stays the same.
func TestCrane(t *testing.T) {
	server := parts.NewDistribution(t, parts.DistributionOptions{})
	dir := tree(t, map[string]string{"a.yaml": "a: 1\n"})
	if out, err := exec.Command("tar", "-C", dir, "-cf", filepath.Join(dir, "x.tar"), "a.yaml").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	crane := tool(t, "crane", dir)
	image := server.Image("org/app")
	crane("append", "--insecure", "--oci-empty-base", "-f", "x.tar", "-t", image+":image")
	if got := inspected(t, image, "image"); got.Kind != "image" {
		t.Errorf("it is %+v", got)
	}
	to := repository(t, image, registry.Access{})
	if diff := cmp.Diff(map[string]string{"a.yaml": "a: 1\n"}, pull(t, to, artifact.Reference{Repository: image, Tag: "image"})); diff != "" {
		t.Errorf("its layer (-want +got):\n%s", diff)
	}
	done := push(t, to, "ours", folder(dir))
	crane("copy", "--insecure", image+":ours", server.Image("org/copy")+":ours")
	if got := server.Digest("org/copy", "ours"); got != done.Digest {
		t.Errorf("the copy is %s; want %s", got, done.Digest)
	}
}
