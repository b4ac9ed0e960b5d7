package artifact

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/pinsetter/pinsetter/registry"
)

// The ways of a layer (fluxcd/pkg, oci/push.go).
const (
	LayerTarball = "tarball" // a folder or a file, in a tar with gzip
	LayerStatic  = "static"  // the bytes of a file
)

// Source says what goes into a layer.
type Source struct {
	Path      string   // of a folder or a file; ignored with Bytes
	Bytes     []byte   // nil: read Path. Packed as the file stdinName
	Ignore    []string // patterns in the format of .gitignore, for a folder
	LayerType string   // LayerTarball or LayerStatic
}

// stdinName is the name of what comes from standard input.
const stdinName = "manifests.yaml"

// Layer is packed content. It lies in a file for temporary content until Close.
type Layer struct {
	MediaType string
	Digest    string
	Size      int64
	Files     int
	Left      []string // links and special files that aren't in it, sorted

	path string
}

// Pack makes the layer of a source. Nothing of it is held in memory. The error wraps
// ErrChart for a folder with a chart.
func Pack(ctx context.Context, s Source) (*Layer, error) {
	p := &packer{}
	l, err := makeLayer(s.mediaType(), func(out io.Writer) error { return s.write(ctx, p, out) })
	if err != nil {
		return nil, fmt.Errorf("pack %s: %w", s.name(), err)
	}
	l.Files, l.Left = p.files, p.left
	return l, nil
}

// makeLayer returns the layer that write makes.
func makeLayer(mediaType string, write func(io.Writer) error) (*Layer, error) {
	file, err := os.CreateTemp("", "pinsetter-artifact-*")
	if err != nil {
		return nil, err
	}
	l := &Layer{MediaType: mediaType, path: file.Name()}
	hash := sha256.New()
	out := bufio.NewWriterSize(&counter{to: io.MultiWriter(file, hash), n: &l.Size}, 256<<10)
	err = write(out)
	if err == nil {
		err = out.Flush()
	}
	if err := errors.Join(err, file.Close()); err != nil {
		l.Close()
		return nil, err
	}
	l.Digest = "sha256:" + hex.EncodeToString(hash.Sum(nil))
	return l, nil
}

func (s Source) name() string {
	if s.Bytes != nil {
		return "standard input"
	}
	return s.Path
}

// mediaType returns the media type of the source's layer.
func (s Source) mediaType() string {
	if s.LayerType == LayerStatic {
		return contentType
	}
	return tarballType
}

// write packs a source.
func (s Source) write(ctx context.Context, p *packer, out io.Writer) error {
	switch {
	case s.LayerType == LayerStatic:
		p.files = 1
		return s.static(out)
	case s.LayerType != LayerTarball:
		return fmt.Errorf("layer type %q is neither %s nor %s", s.LayerType, LayerTarball, LayerStatic)
	case s.Bytes != nil:
		return p.packBytes(stdinName, s.Bytes, out)
	}
	return p.pack(ctx, s.Path, s.Ignore, out)
}

// static writes the bytes of a file.
func (s Source) static(out io.Writer) error {
	if s.Bytes != nil {
		_, err := out.Write(s.Bytes)
		return err
	}
	file, err := os.Open(s.Path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("a layer of type %s is one file", LayerStatic)
	}
	_, err = io.Copy(out, file)
	return err
}

// blob returns the layer as the registry takes it. Sending is told of how many bytes
// went out; nil: nobody is told.
func (l *Layer) blob(sending func(sent int64)) registry.Blob {
	return registry.Blob{Digest: l.Digest, Size: l.Size, Open: func() (io.ReadCloser, error) {
		file, err := os.Open(l.path)
		if err != nil || sending == nil {
			return file, err
		}
		return &told{ReadCloser: file, tell: sending}, nil
	}}
}

// Close removes the layer's file.
func (l *Layer) Close() { _ = os.Remove(l.path) }

// counter counts what is written.
type counter struct {
	to io.Writer
	n  *int64
}

func (c *counter) Write(data []byte) (int, error) {
	n, err := c.to.Write(data)
	*c.n += int64(n)
	return n, err
}

// told tells of how much was read.
type told struct {
	io.ReadCloser
	tell func(int64)
	n    int64
}

func (t *told) Read(to []byte) (int, error) {
	n, err := t.ReadCloser.Read(to)
	t.n += int64(n)
	t.tell(t.n)
	return n, err
}
