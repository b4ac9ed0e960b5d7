package config

import (
	"github.com/pinsetter/pinsetter/claim"
	"github.com/pinsetter/pinsetter/config/index"
	"github.com/pinsetter/pinsetter/kustomize"
	"github.com/pinsetter/pinsetter/source"
)

// Kustomize builds the kustomization in a local directory as kustomize.Build does,
// without fetching or running anything. It returns each object that may concern
// Load, with the lines of the file that it comes from, and the files that hold no
// object of a folder without a kustomization. Their source is "kustomize:DIR". One
// build runs at a time.
func Kustomize(dir string) ([]source.File, error) {
	result, err := kustomize.Build(dir, kustomize.Options{
		Guarded: func(data []byte) bool { return claim.GuardIn(data) != 0 },
		Wanted:  claim.MayConcern,
	})
	if err != nil {
		return nil, err
	}
	var files []source.File
	for _, o := range result.Objects {
		files = append(files, source.File{Path: o.Path, Source: "kustomize:" + dir, Data: o.Data, Lines: o.Lines})
	}
	for _, s := range result.Strays {
		files = append(files, source.File{Path: s.Path, Source: "kustomize:" + dir, Data: s.Data, Stray: s.Err})
	}
	return files, nil
}

// Renames reports whether bytes may be a kustomization that sets namespaces or names
// of what it refers to. Load says so if the objects themselves are read.
func Renames(data []byte) bool { return index.Renames(data) }
