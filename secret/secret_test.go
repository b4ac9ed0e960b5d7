package secret_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/secret"
)

// TestContentPrintsAsItsName: no verb and no encoder shows a value.
func TestContentPrintsAsItsName(t *testing.T) {
	c := secret.Content{Name: pinsetter.Name{Namespace: "flux-system", Name: "git"}, Mounted: true, Data: map[string]string{"password": "hunter2"}}
	reader := secret.Reader{Content: &c}
	encoded, err := json.Marshal(map[string]any{"value": c, "pointer": &c})
	if err != nil {
		t.Fatal(err)
	}
	shown := fmt.Sprintf("%v %+v %#v %s %q %v %+v %s", c, c, c, &c, c, &c, reader, encoded)
	if strings.Contains(shown, "hunter2") || !strings.HasPrefix(shown, "Secret flux-system/git Secret") {
		t.Errorf("shown as %s", shown)
	}
}

// TestMountStaysInItsFolder: links are followed inside the folder of Secrets, as a
// cluster lays them out, and not out of it.
func TestMountStaysInItsFolder(t *testing.T) {
	dir := t.TempDir()
	for _, folder := range []string{"mounts/team/git/..2026", "mounts/team/bad"} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for path, text := range map[string]string{"mounts/team/git/..2026/token": "inside", "elsewhere": "outside"} {
		if err := os.WriteFile(filepath.Join(dir, path), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{"git/..data": "..2026", "git/token": "..data/token", "bad/token": "../../../elsewhere"} {
		if err := os.Symlink(target, filepath.Join(dir, "mounts/team", link)); err != nil {
			t.Fatal(err)
		}
	}
	mount, err := secret.OpenMount(filepath.Join(dir, "mounts"))
	if err != nil {
		t.Fatal(err)
	}
	defer mount.Close()
	read := func(name string) (*secret.Content, error) {
		return mount.Read(pinsetter.Name{Namespace: "team", Name: name}, "team/"+name)
	}
	if c, err := read("git"); err != nil || len(c.Data) != 1 || c.Data["token"] != "inside" {
		t.Errorf("inside: error %v", err)
	}
	if c, err := read("bad"); c != nil || err == nil || !strings.HasPrefix(err.Error(), "can't be read from "+dir+"/mounts/team/bad: ") {
		t.Errorf("outside: error %v", err)
	}
	if c, err := read("none"); c != nil || err != nil {
		t.Errorf("none: error %v", err)
	}
}
