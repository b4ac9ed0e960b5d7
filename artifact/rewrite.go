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
	"strconv"
)

// blockSize is that of a tar (POSIX.1-1988, "ustar").
const blockSize = 512

// rewriteTar copies a tar and gives files other content. Every other byte of the tar
// stays: headers, order, padding, and what follows the end. Of a file that changes the
// size and the checksum in its header change, and its content. A tar that gzip
// compressed is compressed anew, which depends on its content alone.
//
// It fails if a file isn't there, is there twice, or is no plain file whose size is in
// its header.
func rewriteTar(ctx context.Context, from io.Reader, to io.Writer, files map[string][]byte) error {
	buffered := bufio.NewReaderSize(from, 256<<10)
	if begin, err := buffered.Peek(2); err != nil || !bytes.Equal(begin, gzipMagic) {
		return copyTar(ctx, buffered, to, files)
	}
	unzipped, err := gzip.NewReader(buffered)
	if err != nil {
		return err
	}
	zipped := gzip.NewWriter(to)
	if err := copyTar(ctx, unzipped, zipped, files); err != nil {
		return err
	}
	return zipped.Close()
}

// copyTar is rewriteTar without compression.
func copyTar(ctx context.Context, from io.Reader, to io.Writer, files map[string][]byte) error {
	raw := &recorder{from: from}
	c := &copier{ctx: ctx, raw: raw, tar: tar.NewReader(raw), to: to, files: files, written: map[string]bool{}}
	for count := 0; ; count++ {
		if count > maxEntries {
			return fmt.Errorf("%w: it has more than %d entries", errHostile, maxEntries)
		}
		if more, err := c.next(); err != nil || !more {
			return err
		}
	}
}

// copier copies the entries of a tar.
type copier struct {
	ctx      context.Context
	raw      *recorder
	tar      *tar.Reader
	to       io.Writer
	files    map[string][]byte
	written  map[string]bool
	stale    int64 // bytes of padding that come next and belong to content that was replaced
	unpacked int64
}

// next copies an entry, and what follows the last one. It reports whether there may be
// another.
func (c *copier) next() (bool, error) {
	c.raw.hold()
	header, err := c.tar.Next()
	head := c.raw.held
	if int64(len(head)) < c.stale {
		return false, errors.New("read tar: it is cut")
	}
	head, c.stale = head[c.stale:], 0
	switch {
	case errors.Is(err, io.EOF):
		return false, c.finish(head)
	case err != nil:
		return false, fmt.Errorf("read tar: %w", err)
	case c.ctx.Err() != nil:
		return false, context.Cause(c.ctx)
	}
	if c.unpacked += header.Size; header.Size < 0 || c.unpacked > maxUnpacked {
		return false, fmt.Errorf("%w: its files have more than %d GiB", errHostile, maxUnpacked>>30)
	}
	entry, isEntry, err := entryOf(header)
	if err != nil {
		return false, err
	}
	data, changes := c.files[entry.Name]
	if !isEntry || !changes {
		if _, err := c.to.Write(head); err != nil {
			return false, err
		}
		c.raw.pass(c.to)
		_, err := io.Copy(io.Discard, onlyReader{c.tar})
		return true, err
	}
	return true, c.replace(header, entry, head, data)
}

// replace writes an entry with other content.
func (c *copier) replace(header *tar.Header, entry Entry, head, data []byte) error {
	if c.written[entry.Name] {
		return fmt.Errorf("%s is in the tar twice, so that it can't be told which is meant", entry.Name)
	}
	c.written[entry.Name] = true
	if err := resize(header, head, int64(len(data))); err != nil {
		return fmt.Errorf("%s: %w", entry.Name, err)
	}
	c.raw.drop()
	if _, err := io.Copy(io.Discard, onlyReader{c.tar}); err != nil {
		return err
	}
	c.stale = padding(header.Size)
	for _, part := range [][]byte{head, data, make([]byte, padding(int64(len(data))))} {
		if _, err := c.to.Write(part); err != nil {
			return err
		}
	}
	return nil
}

// finish writes the end of the tar, and what follows it.
func (c *copier) finish(end []byte) error {
	for name := range c.files {
		if !c.written[name] {
			return fmt.Errorf("%s is not in it any more", name)
		}
	}
	if _, err := c.to.Write(end); err != nil {
		return err
	}
	c.raw.pass(c.to)
	_, err := io.Copy(io.Discard, c.raw)
	return err
}

// padding returns how many bytes follow content of a size up to the next block.
func padding(size int64) int64 { return (blockSize - size%blockSize) % blockSize }

// The fields of a header in its block: where they begin, and where they end.
const (
	sizeBegin, sizeEnd         = 124, 136
	checksumBegin, checksumEnd = 148, 156
)

// maxOctal is the largest size that a header can have in octal digits.
const maxOctal = 1<<33 - 1

// resize writes another size into the header of a file: the last block of what comes
// before its content. Everything else that it says stays.
func resize(header *tar.Header, head []byte, size int64) error {
	if len(head) < blockSize {
		return errors.New("its header has no block of its own")
	}
	block := head[len(head)-blockSize:]
	_, isSaidTwice := header.PAXRecords["size"]
	switch {
	case header.Typeflag != tar.TypeReg || isSaidTwice || block[sizeBegin]&0x80 != 0 || isSparse(header):
		return errors.New("it is stored in a way that isn't rewritten: pack it as a plain file")
	case size > maxOctal:
		return errors.New("it would be too large for its header")
	case checksum(block) != octal(block[checksumBegin:checksumEnd]) || octal(block[sizeBegin:sizeEnd]) != header.Size:
		return errors.New("its header can't be rewritten: its checksum or size isn't as tar writes them")
	}
	copy(block[sizeBegin:], fmt.Sprintf("%011o", size))
	copy(block[checksumBegin:], fmt.Sprintf("%06o\x00 ", checksum(block)))
	return nil
}

// isSparse reports whether a header is that of a file with holes.
func isSparse(header *tar.Header) bool {
	for key := range header.PAXRecords {
		if len(key) > 10 && key[:10] == "GNU.sparse" {
			return true
		}
	}
	return header.Typeflag == tar.TypeGNUSparse
}

// checksum returns the sum of a header's bytes, with blanks for the checksum itself.
func checksum(block []byte) int64 {
	sum := int64(0)
	for i, b := range block {
		if i >= checksumBegin && i < checksumEnd {
			b = ' '
		}
		sum += int64(b)
	}
	return sum
}

// octal returns the number in a field of a header, -1 if there is none.
func octal(field []byte) int64 {
	n, err := strconv.ParseInt(string(bytes.Trim(field, " \x00")), 8, 64)
	if err != nil {
		return -1
	}
	return n
}

// recorder reads, and holds what was read, or passes it on.
type recorder struct {
	from io.Reader
	held []byte
	to   io.Writer // nil: hold
	mute bool
}

// hold has the recorder hold what is read from now on.
func (r *recorder) hold() { r.held, r.to, r.mute = r.held[:0], nil, false }

// pass has the recorder write what is read from now on.
func (r *recorder) pass(to io.Writer) { r.to, r.mute = to, false }

// drop has the recorder forget what is read from now on.
func (r *recorder) drop() { r.mute = true }

// maxHead bounds the header of one entry, its extensions included, in bytes.
const maxHead = 4 << 20

func (r *recorder) Read(data []byte) (int, error) {
	n, err := r.from.Read(data)
	switch {
	case r.mute:
	case r.to != nil:
		if _, failed := r.to.Write(data[:n]); failed != nil {
			return n, failed
		}
	case len(r.held)+n > maxHead:
		return 0, fmt.Errorf("%w: a header has more than %d MiB", errHostile, maxHead>>20)
	default:
		r.held = append(r.held, data[:n]...)
	}
	return n, err
}

// onlyReader hides WriteTo, which would skip reading.
type onlyReader struct{ io.Reader }
