package artifact

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"unicode/utf8"
)

// The bounds of one artifact's content. Those of the largest fleets are a few
// thousand files and some MB.
const (
	maxUnpacked = 4 << 30 // bytes of all files
	maxEntries  = 200_000
	maxDepth    = 64
)

// errHostile is in the chain of the error for a tar that would write elsewhere, or
// exceeds a bound.
var errHostile = errors.New("it is not unpacked")

// Entry is a file of an artifact's content, or what is no file of its own.
type Entry struct {
	Name       string // with slashes, within the root, without "." and ".."
	Size       int64
	Executable bool

	// Unusual says what the entry is instead of a file, such as "a symbolic link"; "":
	// it is a file.
	Unusual string

	Whole bool // the file is all of the layer, which is no archive

	body io.Reader
}

// gzipMagic begins what gzip compressed (RFC 1952, section 2.3.1).
var gzipMagic = []byte{0x1f, 0x8b}

// walkTar calls visit for every entry of a tar but its folders, in its order. The tar
// may be compressed by gzip.
func walkTar(ctx context.Context, from io.Reader, visit func(Entry) error) error {
	buffered := bufio.NewReaderSize(from, 256<<10)
	content := io.Reader(buffered)
	if begin, err := buffered.Peek(2); err == nil && bytes.Equal(begin, gzipMagic) {
		unzipped, err := gzip.NewReader(buffered)
		if err != nil {
			return err
		}
		content = unzipped
	}
	unpacked := int64(0)
	reader := tar.NewReader(content)
	for count := 0; ; count++ {
		header, err := reader.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read tar: %w", err)
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case count == maxEntries:
			return fmt.Errorf("%w: it has more than %d entries", errHostile, maxEntries)
		}
		if unpacked += header.Size; header.Size < 0 || unpacked > maxUnpacked {
			return fmt.Errorf("%w: its files have more than %d GiB", errHostile, maxUnpacked>>30)
		}
		entry, ok, err := entryOf(header)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		entry.body = reader
		if err := visit(entry); err != nil {
			return err
		}
	}
}

// entryOf returns the entry of a header, and false for folders and for what only
// describes others.
func entryOf(header *tar.Header) (Entry, bool, error) {
	switch header.Typeflag {
	case tar.TypeXGlobalHeader:
		return Entry{}, false, nil
	case tar.TypeDir:
		_, err := localName(header.Name)
		return Entry{}, false, err
	}
	name, err := localName(header.Name)
	if err != nil {
		return Entry{}, false, err
	}
	if name == "." {
		return Entry{}, false, fmt.Errorf("%w: it has a file without a name", errHostile)
	}
	return Entry{Name: name, Size: header.Size, Executable: header.Mode&0o111 != 0, Unusual: unusual(header.Typeflag)}, true, nil
}

// localName returns the name of an entry, cleaned. The error is for one that leads
// out of the folder, or is no name.
func localName(name string) (string, error) {
	switch {
	case path.IsAbs(name), strings.ContainsAny(name, "\\\x00"), !utf8.ValidString(name):
		return "", fmt.Errorf("%w: it has the name %.100q", errHostile, name)
	}
	depth := 0
	for part := range strings.SplitSeq(name, "/") {
		if depth++; part == ".." {
			return "", fmt.Errorf("%w: the name %.100q leads upwards", errHostile, name)
		}
	}
	if depth > maxDepth {
		return "", fmt.Errorf("%w: it has a path of more than %d folders", errHostile, maxDepth)
	}
	return path.Clean(name), nil
}

// unusual says in words what an entry of a type is; "" for a file.
func unusual(kind byte) string {
	switch kind {
	case tar.TypeReg, tar.TypeGNUSparse:
		return ""
	case tar.TypeSymlink:
		return "a symbolic link"
	case tar.TypeLink:
		return "a hard link"
	case tar.TypeChar, tar.TypeBlock:
		return "a device"
	case tar.TypeFifo:
		return "a pipe"
	}
	return fmt.Sprintf("of the type %q", kind)
}
