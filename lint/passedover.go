package lint

import (
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/folder"
	"github.com/pinsetter/pinsetter/setters"
)

// kustomizationNames are the files that kustomize looks for in a folder.
var kustomizationNames = []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}

// passedOver reports the marked images of a kustomization that kustomize leaves
// alone in a resource. File is the kustomization, below dir; of any other file
// there is nothing to report.
func passedOver(f *folder.Folder, dir, file string) []pinsetter.Finding {
	if !isKustomization(file) {
		return nil
	}
	data, err := f.Read(file)
	if err != nil {
		return nil // it was read just before: somebody is moving it
	}
	k := setters.Kustomize(data)
	if len(k.Images) == 0 {
		return nil
	}
	b := build{folder: f, dir: dir, images: k.Images, found: map[setters.ImageAt]string{}, seen: map[string]bool{}}
	b.look(path.Dir(file), k.Resources)
	var findings []pinsetter.Finding
	for image, at := range b.found {
		findings = append(findings, pinsetter.Finding{
			Severity: pinsetter.Warning, Code: "image-passed-over", Path: file, Line: image.Line,
			Message: fmt.Sprintf("kustomize leaves %s alone, since what stands behind the name is no tag to it: write a plain tag there", at),
		})
	}
	return findings // sorted with all others
}

func isKustomization(file string) bool {
	for _, name := range kustomizationNames {
		if path.Base(file) == name {
			return true
		}
	}
	return false
}

// build looks for images in what a kustomization builds.
type build struct {
	folder *folder.Folder
	dir    string // of the folder, as it was given
	images []setters.ImageAt
	found  map[setters.ImageAt]string // where the first one of an image stands that is left alone
	seen   map[string]bool            // paths
}

// maxResources bounds how many files are read for one kustomization.
const maxResources = 1000

// look reads resources, which are relative to at: files, and the folders of other
// kustomizations. What isn't below the folder isn't read.
func (b *build) look(at string, resources []string) {
	for _, resource := range resources {
		file := path.Join(at, resource)
		if b.seen[file] || len(b.seen) == maxResources || strings.Contains(resource, "://") || !filepath.IsLocal(file) {
			continue
		}
		b.seen[file] = true
		if data, err := b.folder.Read(file); err == nil {
			b.compare(file, data)
			continue
		}
		for _, name := range kustomizationNames {
			if data, err := b.folder.Read(path.Join(file, name)); err == nil {
				b.look(file, setters.Kustomize(data).Resources)
				break
			}
		}
	}
}

// compare looks for the images in one resource.
func (b *build) compare(file string, data []byte) {
	for _, image := range b.images {
		if b.found[image] != "" {
			continue
		}
		if left, ok := setters.PassedOver(data, image.Image); ok {
			b.found[image] = fmt.Sprintf("%q (%s:%d)", left.Image, filepath.Join(b.dir, filepath.FromSlash(file)), left.Line)
		}
	}
}
