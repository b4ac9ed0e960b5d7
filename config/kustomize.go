package config

import (
	"github.com/pinsetter/pinsetter/kustomize"
	"github.com/pinsetter/pinsetter/source"
)

// Kustomize builds the kustomization in a local directory, without fetching or
// running anything, and returns its result as one file. Its path is "kustomize:DIR",
// and its lines are those of `kustomize build DIR`. One build runs at a time.
func Kustomize(dir string) ([]source.File, error) {
	data, err := kustomize.Build(dir, func(data []byte) bool { return guardIn(data) != 0 })
	if err != nil {
		return nil, err
	}
	return []source.File{{Path: "kustomize:" + dir, Source: "kustomize:" + dir, Data: data}}, nil
}
