//go:build e2emore

package charts

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter/parts"
)

// TestHelmRepoIndex: what helm repo index writes is read, in YAML and in JSON, with the
// digests of the archives.
func TestHelmRepoIndex(t *testing.T) {
	dir := t.TempDir()
	helm := func(args ...string) {
		t.Helper()
		cmd := exec.Command(parts.Need(t, "helm"), args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "HOME="+dir)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("helm %v: %v\n%s", args, err, out)
		}
	}
	helm("create", "app")
	helm("create", "web")
	var want []Version
	for _, version := range []string{"1.10.0", "1.2.0+b.2", "1.0.0-rc.1"} { // as helm sorts them
		helm("package", "app", "--version", version)
		archive, err := os.ReadFile(filepath.Join(dir, "app-"+version+".tgz"))
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, Version{Version: version, Digest: fmt.Sprintf("sha256:%x", sha256.Sum256(archive))})
	}
	helm("package", "web", "--version", "0.1.0")
	for _, form := range [][]string{{}, {"--json"}} {
		helm(append([]string{"repo", "index", "."}, form...)...)
		file, err := os.Open(filepath.Join(dir, "index.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		x, err := read(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, x.charts["app"]); diff != "" || x.told > 0 || len(x.charts["web"]) != 1 {
			t.Errorf("%v: %s %v", form, diff, x.broken)
		}
	}
}
