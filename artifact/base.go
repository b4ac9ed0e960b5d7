package artifact

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/registry"
)

// Base is an artifact that others are built on: its manifest, and the layer that is
// its content. The layer lies in a file for temporary content until Close.
type Base struct {
	Digest      string
	Annotations map[string]string // claims of its publisher

	from   *registry.Repository
	fields map[string]json.RawMessage   // of the manifest
	layers []map[string]json.RawMessage // of the manifest
	read   manifest
	index  int    // of the layer
	path   string // of its file, "" until Fetch
}

// imageConfig is the media type of the config of a container image.
var imageConfig = []string{"application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"}

// OpenBase reads the manifest with a digest. The layer is the first of a media type, ""
// for the first of all. The error says so if nothing can be built on the artifact: an
// index, a container image, a layer in a format that isn't rewritten.
func OpenBase(ctx context.Context, from *registry.Repository, digest, mediaType string) (*Base, error) {
	document, err := from.Manifest(ctx, digest)
	if err != nil {
		return nil, err
	}
	b, err := parseBase(document, mediaType)
	if err != nil {
		return nil, fmt.Errorf("build on %s@%s: %w", from.Name(), digest, err)
	}
	b.Digest, b.from = digest, from
	return b, nil
}

// parseBase reads the manifest of an artifact to build on.
func parseBase(document []byte, mediaType string) (*Base, error) {
	b := &Base{}
	var err error
	if b.read, err = parseManifest(document); err != nil {
		return nil, err
	}
	switch {
	case b.read.Manifests != nil:
		return nil, errors.New("it is an index, and one artifact is rewritten: refer to the digest of one of its manifests")
	case slices.Contains(imageConfig, b.read.Config.MediaType):
		return nil, errors.New("it is a container image, whose config names the content of its layers: push manifests as an artifact (pinsetter artifact push)")
	}
	if err := errors.Join(json.Unmarshal(document, &b.fields), json.Unmarshal(b.fields["layers"], &b.layers)); err != nil {
		return nil, fmt.Errorf("it is no manifest: %w", err)
	}
	b.index = slices.IndexFunc(b.read.Layers, func(d descriptor) bool { return mediaType == "" || d.MediaType == mediaType })
	if b.index < 0 || len(b.layers) != len(b.read.Layers) {
		return nil, fmt.Errorf("it has no layer %s", mediaType)
	}
	for _, part := range append(slices.Clone(b.read.Layers), *b.read.Config) {
		if !pinsetter.ValidDigest(part.Digest) || part.Size < 0 || part.Size > maxLayer {
			return nil, fmt.Errorf("a part of it has the digest %.100q and %d bytes, and sha256 and %d GiB are the most that is read", part.Digest, part.Size, maxLayer>>30)
		}
	}
	if layer := b.read.Layers[b.index]; strings.HasSuffix(layer.MediaType, "+zstd") {
		return nil, fmt.Errorf("its layer is compressed by zstd (%s), which is not rewritten: use gzip", pinsetter.Printable(layer.MediaType))
	}
	b.Annotations = b.read.Annotations
	return b, nil
}

// Fetch downloads the layer, once.
func (b *Base) Fetch(ctx context.Context) error {
	if b.path != "" {
		return nil
	}
	layer := b.read.Layers[b.index]
	var err error
	b.path, err = download(ctx, b.from, layer)
	return err
}

// download writes a part of an artifact to a file for temporary content.
func download(ctx context.Context, from *registry.Repository, part descriptor) (string, error) {
	file, err := os.CreateTemp("", "pinsetter-artifact-*")
	if err != nil {
		return "", err
	}
	out := bufio.NewWriterSize(file, 256<<10)
	err = from.Download(ctx, part.Digest, part.Size, out)
	if err == nil {
		err = out.Flush()
	}
	if err := errors.Join(err, file.Close()); err != nil {
		_ = os.Remove(file.Name())
		return "", err
	}
	return file.Name(), nil
}

// Close removes the layer's file.
func (b *Base) Close() {
	if b.path != "" {
		_ = os.Remove(b.path)
	}
}

// Files returns the wanted files of the layer, sorted by name; see Content.Files. Call
// Fetch before.
func (b *Base) Files(ctx context.Context, w Wanted) ([]File, error) {
	found, err := w.files(func(visit func(Entry) error) error {
		return b.open(func(file *os.File, isTar bool) error {
			if isTar {
				return walkTar(ctx, file, visit)
			}
			return visit(Entry{Name: b.single(), Size: b.read.Layers[b.index].Size, body: file})
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read %s@%s: %w", b.from.Name(), b.Digest, err)
	}
	return found, nil
}

// single is the name of the file that a layer is which is no tar.
func (b *Base) single() string {
	if title := b.read.Layers[b.index].Annotations[annotationTitle]; title != "" {
		return fileName(title)
	}
	return stdinName
}

// open calls read with the layer, and whether it is a tar.
func (b *Base) open(read func(file *os.File, isTar bool) error) error {
	file, err := os.Open(b.path)
	if err != nil {
		return err
	}
	defer file.Close()
	begin := make([]byte, blockSize)
	n, err := io.ReadFull(file, begin)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return read(file, isArchive(begin[:n]))
}

// Built is an artifact that was built on another one. Its new layer lies in a file for
// temporary content until Close.
type Built struct {
	Digest   string
	Document []byte // the manifest
	Files    int    // that have other content than the base's

	base  *Base
	layer *Layer // nil: the base's
}

// Build gives files of the layer other content, and the manifest further annotations,
// which win over the base's. Everything else stays: the other files and their order,
// modes and times, other layers, the config and other fields of the manifest. Same
// arguments, same artifact. Call Fetch before, unless there are no files.
func (b *Base) Build(ctx context.Context, files map[string][]byte, annotations map[string]string) (*Built, error) {
	built := &Built{base: b, Files: len(files)}
	layers := slices.Clone(b.layers)
	if len(files) > 0 {
		layer, err := b.rewrite(ctx, files)
		if err != nil {
			return nil, fmt.Errorf("rewrite %s@%s: %w", b.from.Name(), b.Digest, err)
		}
		built.layer = layer
		changed := maps.Clone(layers[b.index])
		delete(changed, "data") // what the layer holds, which it doesn't any more
		changed["digest"], changed["size"] = quoted(layer.Digest), json.RawMessage(fmt.Sprint(layer.Size))
		layers[b.index] = changed
	}
	fields := maps.Clone(b.fields)
	all := maps.Clone(b.Annotations)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, annotations)
	document, err := encode(fields, layers, all)
	if err != nil {
		built.Close()
		return nil, err
	}
	if len(document) > maxManifest {
		built.Close()
		return nil, fmt.Errorf("the manifest would have %d bytes, of which its annotations have most, and registries take %d MiB: write fewer marked values into one artifact", len(document), maxManifest>>20)
	}
	built.Document, built.Digest = document, registry.DigestOf(document)
	return built, nil
}

// maxManifest is what registries take as a rule, in bytes.
const maxManifest = 4 << 20

// encode returns the JSON of a manifest, its keys sorted.
func encode(fields map[string]json.RawMessage, layers []map[string]json.RawMessage, annotations map[string]string) ([]byte, error) {
	var errs [3]error
	fields["layers"], errs[0] = plainJSON(layers)
	if len(annotations) > 0 {
		fields["annotations"], errs[1] = plainJSON(annotations)
	}
	var document []byte
	document, errs[2] = plainJSON(fields)
	return document, errors.Join(errs[:]...)
}

// plainJSON is JSON without escapes for HTML.
func plainJSON(v any) (json.RawMessage, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), err
}

// quoted is a digest in JSON.
func quoted(digest string) json.RawMessage { return json.RawMessage(`"` + digest + `"`) }

// rewrite writes the layer with other files.
func (b *Base) rewrite(ctx context.Context, files map[string][]byte) (*Layer, error) {
	return makeLayer(b.read.Layers[b.index].MediaType, func(out io.Writer) error {
		return b.open(func(file *os.File, isTar bool) error {
			if isTar {
				return rewriteTar(ctx, file, out, files)
			}
			data, only := files[b.single()]
			if !only || len(files) > 1 {
				return fmt.Errorf("its layer is the one file %s", b.single())
			}
			_, err := out.Write(data)
			return err
		})
	})
}

// MediaType returns the media type of the manifest.
func (t *Built) MediaType() string { return t.base.read.mediaType() }

// PushParts makes sure that a repository has everything that the manifest names: the
// new layer, and what the base has. Blobs that exist aren't sent.
func (t *Built) PushParts(ctx context.Context, to *registry.Repository) error {
	if t.layer != nil {
		if _, err := to.PushBlob(ctx, t.layer.blob(nil)); err != nil {
			return err
		}
	}
	for i, part := range append(slices.Clone(t.base.read.Layers), *t.base.read.Config) {
		if i == t.base.index && t.layer != nil {
			continue
		}
		if err := t.base.copyPart(ctx, to, part); err != nil {
			return err
		}
	}
	return nil
}

// copyPart makes sure that a repository has a part of the base.
func (b *Base) copyPart(ctx context.Context, to *registry.Repository, part descriptor) error {
	path := ""
	defer func() {
		if path != "" {
			_ = os.Remove(path)
		}
	}()
	blob := registry.Blob{Digest: part.Digest, Size: part.Size, Open: func() (io.ReadCloser, error) {
		if path == "" {
			var err error
			if path, err = download(ctx, b.from, part); err != nil {
				return nil, err
			}
		}
		return os.Open(path)
	}}
	_, err := to.PushBlob(ctx, blob)
	return err
}

// Close removes the new layer's file.
func (t *Built) Close() {
	if t.layer != nil {
		t.layer.Close()
	}
}
