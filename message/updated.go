package message

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
)

// updated is the data for templates written for Flux before 2.7.
type updated struct {
	Files map[string]updatedFile

	all     []placedChange
	objects map[objectIdentifier][]imageRef
	images  []imageRef
}

type updatedFile struct {
	Objects map[objectIdentifier][]imageRef
}

func newUpdated(all []placedChange) *updated {
	u := &updated{Files: map[string]updatedFile{}, all: all}
	for _, l := range all {
		if _, ok := u.Files[l.file]; !ok {
			u.Files[l.file] = updatedFile{map[objectIdentifier][]imageRef{}}
		}
		addImage(u.Files[l.file].Objects, l)
	}
	return u
}

// String returns the images by file. Without it, printing would show pointers.
func (u *updated) String() string { return fmt.Sprint(u.Files) }

// Objects returns the images of each object over all files, without duplicates.
func (u *updated) Objects() map[objectIdentifier][]imageRef {
	if u.objects == nil {
		u.objects = map[objectIdentifier][]imageRef{}
		for _, l := range u.all {
			addImage(u.objects, l)
		}
	}
	return u.objects
}

// Images returns the images without duplicates, in the order of file and line.
func (u *updated) Images() []imageRef {
	if u.images == nil {
		u.images = distinct(u.all, func(l placedChange) imageRef { return l.image })
	}
	return u.images
}

func addImage(objects map[objectIdentifier][]imageRef, l placedChange) {
	if !slices.Contains(objects[l.object], l.image) {
		objects[l.object] = append(objects[l.object], l.image)
	}
}

// imageRef is an image and the policy that selected it.
type imageRef struct {
	image  pinsetter.Image
	policy pinsetter.Name
}

// newImageRef returns the image that a change wrote: of the images written for
// its policy, the one that the new value shows, else the first; without any,
// the image parsed from the value itself.
func newImageRef(c pinsetter.Change, images []Written) imageRef {
	namespace, rest, _ := strings.Cut(c.Setter, ":")
	name, part, _ := strings.Cut(rest, ":")
	ref := imageRef{policy: pinsetter.Name{Namespace: namespace, Name: name}}
	found := false
	for _, w := range images {
		if w.Policy != ref.policy {
			continue
		}
		if shows(c.New, part, w.Image) {
			ref.image = w.Image
			return ref
		}
		if !found {
			ref.image, found = w.Image, true
		}
	}
	if !found {
		ref.image = readImage(c.New, part)
	}
	return ref
}

// shows reports whether value is what a marker with this suffix writes for
// image.
func shows(value, part string, image pinsetter.Image) bool {
	switch part {
	case "name":
		return value == image.Name
	case "tag":
		return strings.ReplaceAll(value, "+", "_") == image.Tag // charts are written with "+"
	case "digest":
		return value == image.Digest
	}
	return value == image.String()
}

// readImage parses a written value as the part that the marker's suffix names.
func readImage(value, part string) pinsetter.Image {
	switch part {
	case "name":
		return pinsetter.Image{Name: value}
	case "tag":
		return pinsetter.Image{Tag: value}
	case "digest":
		return pinsetter.Image{Digest: value}
	}
	name, digest, _ := strings.Cut(value, "@")
	tag := ""
	if colon := strings.LastIndexByte(name, ':'); colon > strings.LastIndexByte(name, '/') {
		name, tag = name[:colon], name[colon+1:]
	}
	return pinsetter.Image{Name: name, Tag: tag, Digest: digest}
}

// String returns the image as written, such as "app:1.0".
func (r imageRef) String() string { return r.image.String() }

// Identifier returns the digest, or the tag if there is no digest.
func (r imageRef) Identifier() string {
	if r.image.Digest != "" {
		return r.image.Digest
	}
	return r.image.Tag
}

// Registry returns the host, such as "index.docker.io".
func (r imageRef) Registry() string {
	host, _ := splitName(r.image.Name)
	return host
}

// Repository returns the name below the host, such as "library/app".
func (r imageRef) Repository() string {
	_, repository := splitName(r.image.Name)
	return repository
}

// Name returns the whole reference with its host, such as
// "index.docker.io/library/app:1.0".
func (r imageRef) Name() string {
	host, repository := splitName(r.image.Name)
	if r.image.Digest != "" {
		return host + "/" + repository + "@" + r.image.Digest
	}
	return host + "/" + repository + ":" + r.image.Tag
}

// Policy returns the name of the policy.
func (r imageRef) Policy() pinsetter.Name { return r.policy }

// splitName splits an image's name into host and repository, and adds the parts
// that Docker Hub's short names omit. The first part is a host if it contains a
// dot or a colon or is "localhost" (https://github.com/distribution/reference,
// normalize.go).
func splitName(name string) (host, repository string) {
	const hub = "index.docker.io"
	host, repository, found := strings.Cut(name, "/")
	if !found || !strings.ContainsAny(host, ".:") && host != "localhost" {
		host, repository = hub, name
	}
	if host == "docker.io" {
		host = hub
	}
	if host == hub && !strings.Contains(repository, "/") {
		repository = "library/" + repository
	}
	return host, repository
}
