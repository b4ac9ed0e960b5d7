package artifact

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
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
	file, err := os.CreateTemp("", "pinsetter-artifact-*")
	if err != nil {
		return nil, err
	}
	l := &Layer{path: file.Name()}
	if err := l.write(ctx, s, file); err != nil {
		_ = file.Close()
		l.Close()
		return nil, fmt.Errorf("pack %s: %w", s.name(), err)
	}
	if err := file.Close(); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

func (s Source) name() string {
	if s.Bytes != nil {
		return "standard input"
	}
	return s.Path
}

// write packs a source into a file.
func (l *Layer) write(ctx context.Context, s Source, file io.Writer) error {
	hash := sha256.New()
	out := bufio.NewWriterSize(&counter{to: io.MultiWriter(file, hash), n: &l.Size}, 256<<10)
	var err error
	switch {
	case s.LayerType == LayerStatic:
		l.MediaType = contentType
		err = l.static(s, out)
	case s.LayerType != LayerTarball:
		err = fmt.Errorf("layer type %q is neither %s nor %s", s.LayerType, LayerTarball, LayerStatic)
	default:
		l.MediaType = tarballType
		p := &packer{ctx: ctx}
		if s.Bytes != nil {
			err = p.packBytes(stdinName, s.Bytes, out)
		} else {
			err = p.pack(s.Path, s.Ignore, out)
		}
		l.Files, l.Left = p.files, p.left
	}
	if err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	l.Digest = "sha256:" + hex.EncodeToString(hash.Sum(nil))
	return nil
}

// static writes the bytes of a file.
func (l *Layer) static(s Source, out io.Writer) error {
	l.Files = 1
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
