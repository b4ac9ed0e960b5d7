package main

import (
	"embed"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/pinsetter/pinsetter/parts"
)

// fleet is a small repository like those of Flux users. It names its registry
// registry.example and its Git server git.example, which unpack replaces.
//
//go:embed fleet
var fleet embed.FS

// unpack writes the fleet below dir, with the addresses of a running registry
// and Git server.
func unpack(t parts.T, dir, registry, git string) {
	t.Helper()
	places := strings.NewReplacer("registry.example", registry, "http://git.example", git)
	files, err := fs.Sub(fleet, "fleet")
	if err != nil {
		t.Fatalf("%v", err)
	}
	err = fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(files, path)
		if err != nil {
			return err
		}
		return write(filepath.Join(dir, filepath.FromSlash(path)), places.Replace(string(data)))
	})
	if err != nil {
		t.Fatalf("unpack the fleet: %v", err)
	}
}

// writeSecret writes the Git server's credentials like a mounted Secret; they
// are not in the repository.
func writeSecret(t parts.T, dir string) {
	t.Helper()
	for key, value := range map[string]string{"username": gitUser, "password": gitPassword} {
		if err := write(filepath.Join(dir, "flux-system", "fleet", key), value); err != nil {
			t.Fatalf("write a secret: %v", err)
		}
	}
}

func write(path, content string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(content), 0o600)
}
