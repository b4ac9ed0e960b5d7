package kustomize

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"sigs.k8s.io/kustomize/api/provider"
)

// kustomizationNames are the files that kustomize looks for in a folder.
var kustomizationNames = []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}

func isKustomization(path string) bool {
	return slices.Contains(kustomizationNames, filepath.Base(path))
}

// passedOver are files and folders that Flux's source-controller leaves out of its
// artifacts: Git's own, and those of builds (fluxcd/pkg/sourceignore).
var passedOver = []string{
	".git", ".github", ".circleci",
	".travis.yml", ".gitlab-ci.yml", "appveyor.yml", ".drone.yml", "cloudbuild.yaml",
	"codeship-services.yml", "codeship-steps.yml", ".goreleaser.yml", ".sops.yaml", ".flux.yaml",
}

// complete makes the kustomization of a folder that has none, as Flux does: of all
// *.yaml and *.yml below it, with a folder that has a kustomization as one entry.
// Files that hold no Kubernetes objects are left out and returned.
func (l *localFiles) complete() ([]Stray, error) {
	if l.hasKustomization(l.base) {
		return nil, nil
	}
	entries, files, err := l.entries()
	if err != nil {
		return nil, err
	}
	var strays []Stray
	objects := provider.NewDefaultDepProvider().GetResourceFactory()
	for _, path := range files {
		data, err := l.load(path)
		if err == nil {
			err = new(spent).add(l.shown(path), data)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", l.shown(path), plain(err))
		}
		if _, err := objects.SliceFromBytes(data); err != nil {
			delete(l.read, path)
			strays = append(strays, Stray{Path: l.shown(path), Data: data, Err: plain(err)})
			continue
		}
		entries = append(entries, path)
	}
	if len(entries) == 0 {
		return nil, errors.New("there is no kustomization.yaml in it, and no Kubernetes object of which one could be made")
	}
	slices.Sort(entries)
	for i, path := range entries {
		relative, err := filepath.Rel(l.base, path)
		if err != nil {
			return nil, err
		}
		entries[i] = "./" + filepath.ToSlash(relative) // so that none looks remote
	}
	l.made, err = json.Marshal(map[string][]string{"resources": entries, "buildMetadata": {"originAnnotations"}})
	return strays, err
}

// entries returns the folders with a kustomization below the one that is built, and
// the YAML files outside of those.
func (l *localFiles) entries() (folders, files []string, err error) {
	err = filepath.WalkDir(l.base, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path == l.base:
		case slices.Contains(passedOver, entry.Name()):
			if entry.IsDir() {
				return fs.SkipDir
			}
		case entry.IsDir() && l.hasKustomization(path):
			folders = append(folders, path)
			return fs.SkipDir
		case entry.IsDir():
		case filepath.Ext(path) == ".yaml" || filepath.Ext(path) == ".yml":
			files = append(files, path)
		}
		return nil
	})
	return folders, files, err
}

func (l *localFiles) hasKustomization(dir string) bool {
	return slices.ContainsFunc(kustomizationNames, func(name string) bool {
		path := filepath.Join(dir, name)
		return l.Exists(path) && !l.IsDir(path)
	})
}
