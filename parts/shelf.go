package parts

import (
	"context"
	"net/http"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Shelf pushes to a registry. Images are named without host: "library/app".
type Shelf struct {
	t         T
	addr      string
	auth      authn.Authenticator // nil: anonymous
	transport http.RoundTripper
	pusher    *remote.Pusher
}

// Image returns a client's name for an image: "127.0.0.1:PORT/library/app".
func (s *Shelf) Image(image string) string { return s.addr + "/" + image }

// Push pushes a small distinct image under each tag. The same image and tag
// give the same digest in every registry.
func (s *Shelf) Push(image string, tags ...string) {
	s.t.Helper()
	for _, tag := range tags {
		s.PushContent(image, tag, image+":"+tag)
	}
}

// PushContent pushes an image under a tag, with content as its only layer, and
// returns its digest. Pushing other content moves the tag.
func (s *Shelf) PushContent(image, tag, content string) string {
	s.t.Helper()
	return s.put(image, tag, s.build(content))
}

// PushBuilt pushes an image under a tag, with annotations about its source:
// https://specs.opencontainers.org/image-spec/annotations/
func (s *Shelf) PushBuilt(image, tag, source, revision string) {
	s.t.Helper()
	built, err := mutate.Config(s.build(image+":"+tag), v1.Config{Labels: map[string]string{
		"org.opencontainers.image.source": source, "org.opencontainers.image.revision": revision,
	}})
	if err != nil {
		s.t.Fatalf("build an image: %v", err)
	}
	s.put(image, tag, built)
}

// PushSame pushes one image under all tags and returns its digest. It is quick
// for many tags.
func (s *Shelf) PushSame(image string, tags ...string) string {
	s.t.Helper()
	img := s.build(image)
	digest := s.put(image, tags[0], img)
	for _, tag := range tags[1:] {
		if err := s.client().Put(context.Background(), s.ref(image, tag), img); err != nil {
			s.t.Fatalf("push %s:%s: %v", image, tag, err)
		}
	}
	return digest
}

// PushIndex pushes an image for each platform ("linux/amd64"), and an index of
// them under a tag. It returns the index's digest.
func (s *Shelf) PushIndex(image, tag string, platforms ...string) string {
	s.t.Helper()
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, p := range platforms {
		platform, err := v1.ParsePlatform(p)
		if err != nil {
			s.t.Fatalf("push %s:%s: %v", image, tag, err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add:        s.build(image + ":" + tag + " " + p),
			Descriptor: v1.Descriptor{Platform: platform},
		})
	}
	return s.put(image, tag, index)
}

// Digest returns the digest of a tag, "" if there is no such tag.
func (s *Shelf) Digest(image, tag string) string {
	s.t.Helper()
	d, err := remote.Head(s.ref(image, tag), s.options()...)
	if err != nil {
		return ""
	}
	return d.Digest.String()
}

// Delete deletes a tag.
func (s *Shelf) Delete(image, tag string) {
	s.t.Helper()
	if err := remote.Delete(s.ref(image, tag), s.options()...); err != nil {
		s.t.Fatalf("delete %s:%s: %v", image, tag, err)
	}
}

// thing is anything that a registry can hold under a tag.
type thing interface {
	remote.Taggable
	Digest() (v1.Hash, error)
}

func (s *Shelf) put(image, tag string, what thing) string {
	s.t.Helper()
	if err := s.client().Push(context.Background(), s.ref(image, tag), what); err != nil {
		s.t.Fatalf("push %s:%s: %v", image, tag, err)
	}
	digest, err := what.Digest()
	if err != nil {
		s.t.Fatalf("push %s:%s: %v", image, tag, err)
	}
	return digest.String()
}

func (s *Shelf) build(content string) v1.Image {
	s.t.Helper()
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	img, err := mutate.AppendLayers(img, static.NewLayer([]byte(content), types.OCIUncompressedLayer))
	if err != nil {
		s.t.Fatalf("build an image: %v", err)
	}
	return img
}

func (s *Shelf) ref(image, tag string) name.Tag {
	s.t.Helper()
	ref, err := name.NewTag(s.addr+"/"+image+":"+tag, name.StrictValidation)
	if err != nil {
		s.t.Fatalf("name an image: %v", err)
	}
	return ref
}

func (s *Shelf) client() *remote.Pusher {
	s.t.Helper()
	if s.pusher != nil {
		return s.pusher
	}
	pusher, err := remote.NewPusher(s.options()...)
	if err != nil {
		s.t.Fatalf("make a client of %s: %v", s.addr, err)
	}
	s.pusher = pusher
	return pusher
}

func (s *Shelf) options() []remote.Option {
	auth := s.auth
	if auth == nil {
		auth = authn.Anonymous
	}
	return []remote.Option{remote.WithTransport(s.transport), remote.WithAuth(auth)}
}
