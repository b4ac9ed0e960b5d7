// Package kustomize builds local kustomizations, fetches nothing and runs nothing.
//
// It is the only door to kustomize.
package kustomize

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// Build builds the kustomization in a local directory and returns what `kustomize
// build DIR` prints. Nothing is fetched and nothing is run: remote bases, resources
// and files are an error that names the file and the entry, as are Helm charts and
// plugins. A file with an annotation that keeps objects out of the result is an
// error where guarded says of its bytes that they may hold a guard.
//
// Files are written nowhere. Kustomize prints warnings on deprecated fields to
// standard error itself, and keeps its schema in a global: one build at a time.
func Build(dir string, guarded func([]byte) bool) ([]byte, error) {
	options := krusty.MakeDefaultOptions()
	// With an order of its own kustomize has no reason to print a warning.
	options.Reorder = krusty.ReorderOptionUnspecified
	local := localFiles{FileSystem: filesys.MakeFsOnDisk(), dir: dir, guarded: guarded, refused: new(error)}
	resources, err := krusty.MakeKustomizer(options).Run(local, dir)
	switch {
	case *local.refused != nil: // kustomize may have tried something else after it
		return nil, fmt.Errorf("kustomize %s: %w", dir, *local.refused)
	case err != nil:
		return nil, fmt.Errorf("kustomize %s: %w", dir, plain(err))
	}
	data, err := resources.AsYaml()
	if err != nil {
		return nil, fmt.Errorf("kustomize %s: %w", dir, plain(err))
	}
	return data, nil
}

// plain returns kustomize's error on one line.
func plain(err error) error {
	return errors.New(strings.Join(strings.Fields(err.Error()), " "))
}

// shown returns the path of a file that kustomize reads as the user knows it.
func (l localFiles) shown(path string) string {
	dir, err := filepath.Abs(l.dir)
	if err != nil {
		return path
	}
	if resolved, err := filepath.EvalSymlinks(dir); err == nil {
		dir = resolved // kustomize's paths are resolved
	}
	if relative, err := filepath.Rel(dir, path); err == nil {
		return filepath.Join(l.dir, relative)
	}
	return path
}

// localConfig is the annotation by which kustomize keeps an object out of a build's
// result (sigs.k8s.io/kustomize/api/konfig).
const localConfig = "config.kubernetes.io/local-config"

var errReadOnly = errors.New("a build writes no files")

// localFiles is a disk that refuses to hand out kustomizations with anything
// remote in them, and to be written to.
type localFiles struct {
	filesys.FileSystem
	dir     string            // as the user wrote it
	guarded func([]byte) bool // reports whether bytes may hold a guard
	refused *error            // the first refusal
}

// ReadFile returns a file's bytes, or an error if it is a kustomization, or the
// configuration of a plugin, that refers to anything remote, or may hold a guard
// that the result would lack.
func (l localFiles) ReadFile(path string) ([]byte, error) {
	data, err := l.FileSystem.ReadFile(path)
	if err != nil {
		return nil, err
	}
	err = checkLocal(l.shown(path), data)
	if err == nil && bytes.Contains(data, []byte(localConfig)) && l.guarded(data) {
		err = fmt.Errorf("%s: kustomize leaves out what has the annotation %s, and it may be on a Gate or a PullRequest: "+
			"remove the annotation there, or take the file out of the kustomization and name it with -f", l.shown(path), localConfig)
	}
	if err != nil {
		if *l.refused == nil {
			*l.refused = err
		}
		return nil, err
	}
	return data, nil
}

// Create returns an error.
func (localFiles) Create(string) (filesys.File, error) { return nil, errReadOnly }

// Mkdir returns an error.
func (localFiles) Mkdir(string) error { return errReadOnly }

// MkdirAll returns an error.
func (localFiles) MkdirAll(string) error { return errReadOnly }

// RemoveAll returns an error.
func (localFiles) RemoveAll(string) error { return errReadOnly }

// WriteFile returns an error.
func (localFiles) WriteFile(string, []byte) error { return errReadOnly }

func isKustomization(path string) bool {
	switch filepath.Base(path) {
	case "kustomization.yaml", "kustomization.yml", "Kustomization":
		return true
	}
	return false
}
