// Package kustomize builds local kustomizations as Flux does, fetches nothing and
// runs nothing.
//
// It is the only door to kustomize.
package kustomize

import (
	"errors"
	"fmt"
	"strings"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
)

// Object is one object of a build's result.
type Object struct {
	Path  string // of the file that says it, as the user knows it
	Data  []byte // YAML
	Lines []int  // of Path: where each line of Data comes from
}

// Stray is a file of a folder without a kustomization that holds no Kubernetes
// object, or something besides. Flux doesn't build such a folder.
type Stray struct {
	Path string // as the user knows it
	Data []byte
	Err  error
}

// Result is what a build yields.
type Result struct {
	Objects []Object
	Strays  []Stray
}

// Options says what to look for in a build.
type Options struct {
	// Guarded reports whether bytes may hold a guard. A file with an annotation that
	// keeps objects out of the result is an error if they do.
	Guarded func([]byte) bool

	// Wanted reports whether an object's bytes concern the caller. Others are left
	// out of the result.
	Wanted func([]byte) bool
}

// Build builds the kustomization in a local directory. A directory without one gets
// one made in memory, of all objects below it, as Flux's kustomize-controller
// makes it. Files of the whole source may be named: of the Git work tree, else of
// the current directory if it holds dir, else of dir. Whatever lies outside is an
// error, and so are remote bases, resources and files, which are named with file
// and entry, Helm charts and plugins: nothing is fetched and nothing is run.
//
// Files are written nowhere. Kustomize prints warnings on deprecated fields to
// standard error itself, and keeps its schema in a global: one build at a time.
func Build(dir string, o Options) (Result, error) {
	result, err := build(dir, o)
	if err != nil {
		return Result{}, fmt.Errorf("kustomize %s: %w", dir, err)
	}
	return result, nil
}

func build(dir string, o Options) (Result, error) {
	local, err := open(dir, o)
	if err != nil {
		return Result{}, err
	}
	strays, err := local.complete()
	if err != nil {
		return Result{}, err
	}
	options := krusty.MakeDefaultOptions()
	// With an order of its own kustomize has no reason to print a warning.
	options.Reorder = krusty.ReorderOptionUnspecified
	options.LoadRestrictions = types.LoadRestrictionsNone // localFiles has its own
	resources, err := krusty.MakeKustomizer(options).Run(local, dir)
	switch {
	case local.refused != nil: // kustomize may have tried something else after it
		return Result{}, local.refused
	case err != nil:
		return Result{}, plain(err)
	}
	result := Result{Strays: strays}
	for _, r := range resources.Resources() {
		from, err := r.GetOrigin()
		if err != nil || r.SetOrigin(nil) != nil {
			from = nil
		}
		data, err := r.AsYAML()
		if err != nil {
			return Result{}, plain(err)
		}
		if o.Wanted(data) {
			result.Objects = append(result.Objects, local.trace(data, from))
		}
	}
	return result, nil
}

// plain returns kustomize's error on one line.
func plain(err error) error {
	return errors.New(strings.Join(strings.Fields(err.Error()), " "))
}
