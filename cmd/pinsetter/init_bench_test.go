package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/parts"
)

// BenchmarkInit is `pinsetter init` over 10,000 manifests of 300
// images, beside the time that the registry takes with 16 requests in
// flight and that `pinsetter lint` takes for the tree.
func BenchmarkInit(b *testing.B) {
	const files, images, far, inFlight = 10_000, 300, 50 * time.Millisecond, 16
	program := binary(b)
	registry := parts.NewRegistry(b, parts.RegistryOptions{FrontOptions: parts.FrontOptions{Latency: far}})
	for i := range images {
		registry.SetTags(fmt.Sprintf("org/app-%d", i), "1.0.0", "1.1.0", "1.2.0", "2.0.0")
	}
	shelf := newShelf(b, files, 0, registry.Image("org/app"), "1.0.0")
	for i := range files {
		shelf.rename(b, i, i%images)
	}
	objects := filepath.Join(b.TempDir(), "none.yaml")
	if err := os.WriteFile(objects, []byte("apiVersion: v1\nkind: Namespace\nmetadata: {name: default}\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	t := tally{logs: []*parts.Log{registry.Log}}
	for b.Loop() {
		t.run(func() cost { return measure(b, program, "init", "--dir", shelf.dir, "-o", "json") }, func() cost {
			c := measure(b, program, "lint", "-f", objects, "--allow-empty", "--dir", shelf.dir)
			c.wall += images * far / inFlight
			return c
		})
	}
	t.report(b, "x-floor")
}

// rename gives the ith manifest an image of its own.
func (s shelf) rename(b *testing.B, i, image int) {
	b.Helper()
	name := filepath.Join(s.dir, fmt.Sprintf("cluster-%d", i/5000), fmt.Sprintf("team-%d", i/100), fmt.Sprintf("app-%d.yaml", i))
	data, err := os.ReadFile(name)
	if err != nil {
		b.Fatal(err)
	}
	text := strings.Replace(string(data), s.image+":", fmt.Sprintf("%s-%d:", s.image, image), 1)
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
}
