package artifact

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/registry"
)

// maxLayer bounds the layer that is pulled, in bytes.
const maxLayer = 2 << 30

// Content is an artifact whose manifest was read. Its annotations are claims of its
// publisher.
type Content struct {
	URL      string // "oci://HOST/REPOSITORY@DIGEST"
	Digest   string
	Kind     string // "artifact", "chart" or "image"
	Source   string
	Revision string
	Created  string
	Layers   int // Walk reads the first

	// Coming is told of how many bytes of the layer came. Nil: nobody is told.
	Coming func(came, of int64)

	from  *registry.Repository
	layer descriptor
	name  string // of the file that a layer is which is no archive
}

// Open reads the manifest that a reference names. The error says so if it is an
// index, or an artifact without content.
func Open(ctx context.Context, from *registry.Repository, r Reference) (*Content, error) {
	document, digest, err := read(ctx, from, r)
	if err != nil {
		return nil, err
	}
	m, err := parseManifest(document)
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", r, err)
	case m.Manifests != nil:
		return nil, fmt.Errorf("read %s: it is an index of %s, and has no content of its own: name one of them by its digest (pinsetter artifact inspect shows them)",
			r, pinsetter.Count(len(m.Manifests), "manifest"))
	case len(m.Layers) == 0:
		return nil, fmt.Errorf("read %s: it has no layer", r)
	}
	layer := m.Layers[0]
	if !pinsetter.ValidDigest(layer.Digest) || layer.Size < 0 || layer.Size > maxLayer {
		return nil, fmt.Errorf("read %s: its layer has the digest %.100q and %d bytes, and sha256 and %d GiB are the most that is read", r, layer.Digest, layer.Size, maxLayer>>30)
	}
	return &Content{
		URL: Reference{Repository: from.Name()}.pinned(digest), Digest: digest, Kind: m.kind(),
		Source: m.Annotations[annotationSource], Revision: m.Annotations[annotationRevision], Created: m.Annotations[annotationCreated],
		Layers: len(m.Layers), from: from, layer: layer,
		name: fileName(cmp.Or(layer.Annotations[annotationTitle], path.Base(r.Repository))),
	}, nil
}

// fileName returns the last element of a title, as the name of a file.
func fileName(title string) string {
	name := path.Base(strings.ReplaceAll(title, "\\", "/"))
	if _, err := localName(name); err != nil || name == "." || name == "/" {
		return "content"
	}
	return name
}

// Walk calls visit for every file of the content, in the order of the archive, after
// all of it came and was checked against its digest. What is no file is visited too.
func (c *Content) Walk(ctx context.Context, visit func(Entry) error) error {
	file, err := os.CreateTemp("", "pinsetter-artifact-*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	out := bufio.NewWriterSize(file, 256<<10)
	if err := c.from.Download(ctx, c.layer.Digest, c.layer.Size, c.tells(out)); err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := c.entries(ctx, file, visit); err != nil {
		return fmt.Errorf("read %s: %w", c.URL, err)
	}
	return nil
}

// tells returns a writer that tells Coming of what is written to out.
func (c *Content) tells(out io.Writer) io.Writer {
	if c.Coming == nil {
		return out
	}
	var came int64
	return writerFunc(func(data []byte) (int, error) {
		n, err := out.Write(data)
		came += int64(n)
		c.Coming(came, c.layer.Size)
		return n, err
	})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(data []byte) (int, error) { return f(data) }

// entries visits what a layer holds: the entries of an archive, or one file.
func (c *Content) entries(ctx context.Context, file io.ReadSeeker, visit func(Entry) error) error {
	begin := make([]byte, 512)
	n, err := io.ReadFull(file, begin)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if isArchive(begin[:n]) {
		return walkTar(ctx, file, visit)
	}
	return visit(Entry{Name: c.name, Size: c.layer.Size, Whole: true, body: file})
}

// isArchive reports whether content begins as gzip does, or as a tar (POSIX.1-1988,
// "ustar").
func isArchive(begin []byte) bool {
	return bytes.HasPrefix(begin, gzipMagic) || len(begin) == 512 && bytes.HasPrefix(begin[257:], []byte("ustar"))
}
