package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/parts"
)

// TestSetManyFiles: files that are written in parallel are told of in order, each one
// whole, and one that can't be replaced stops no other.
func TestSetManyFiles(t *testing.T) {
	const files = 1_500 // more than are decided at once
	registry := parts.NewRegistry(t, parts.RegistryOptions{})
	registry.Push("org/app", "1.0.0", "1.1.0")
	dir, objects := t.TempDir(), filepath.Join(t.TempDir(), "objects.yaml")
	text := strings.NewReplacer("REG", registry.Addr, "REPO", "https://git.example.test/fleet", "BRANCH", "main").Replace(fleetObjects)
	if err := os.WriteFile(objects, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	content := func(i int, tag string) string {
		return fmt.Sprintf("kind: D%d\nimage: %s:%s # {\"$imagepolicy\": \"default:app\"}\n", i, registry.Image("org/app"), tag)
	}
	path := func(i int) string {
		return filepath.Join(dir, fmt.Sprintf("d-%02d", i/40), fmt.Sprintf("f-%04d.yaml", i))
	}
	for i := range files {
		if err := os.MkdirAll(filepath.Dir(path(i)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path(i), []byte(content(i, "1.0.0")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const linked = 700
	if err := os.Link(path(linked), filepath.Join(t.TempDir(), "link")); err != nil {
		t.Fatal(err)
	}

	cmd := exec.Command("pinsetter", "set", "--state", "none", "--dir", dir, "-f", objects, "-o", "json")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err == nil || !strings.Contains(stderr.String(), path(linked)+": the file has more than one hard link") {
		t.Errorf("%v, %s", err, &stderr)
	}
	var changes []pinsetter.Change
	if err := json.Unmarshal(out, &changes); err != nil || len(changes) != files-1 {
		t.Fatalf("%d changes, %v: %.300s", len(changes), err, out)
	}
	if !slices.IsSortedFunc(changes, func(a, b pinsetter.Change) int { return strings.Compare(a.Path, b.Path) }) {
		t.Error("changes are in no order")
	}
	for i := range files {
		tag := "1.1.0"
		if i == linked {
			tag = "1.0.0"
		}
		if data, err := os.ReadFile(path(i)); err != nil || string(data) != content(i, tag) {
			t.Fatalf("%s: %q, %v", path(i), data, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*", ".*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}
