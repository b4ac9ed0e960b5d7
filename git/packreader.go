package git

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"

	"github.com/pjbgf/sha1cd"
)

// packReader reads a pack, or a part of one, from front to back
// (https://git-scm.com/docs/gitformat-pack).
type packReader struct {
	in    *bufio.Reader
	from  *summed
	start int64 // of what from has, in the pack
	zlib  io.ReadCloser

	copied [16 << 10]byte
}

// packHeader is the start of an object in a pack.
type packHeader struct {
	offset int64 // of the object in the pack
	kind   Kind
	size   int64 // when inflated; of a delta the size of the change
	base   Hash  // of a refDelta
	back   int64 // of an ofsDelta: offset of its base
}

// packMagic is the start of a pack of version 2.
const packMagic = "PACK\x00\x00\x00\x02"

var errPack = errors.New("malformed pack")

// newPackReader returns a reader with a buffer of that size.
func newPackReader(buffer int) *packReader {
	p := &packReader{from: &summed{sum: sha1cd.New()}}
	p.in = bufio.NewReaderSize(p.from, buffer)
	return p
}

// reset begins with r, which stands at start in the pack.
func (p *packReader) reset(r io.Reader, start int64) {
	p.from.r, p.from.read, p.start = r, 0, start
	p.in.Reset(p.from)
}

// offset returns how much of the pack was read.
func (p *packReader) offset() int64 { return p.start + p.from.read - int64(p.in.Buffered()) }

// count reads the pack's header, and returns how many objects follow.
func (p *packReader) count() (int64, error) {
	var header [12]byte
	if _, err := io.ReadFull(p.in, header[:]); err != nil {
		return 0, Early(err)
	}
	if !bytes.Equal(header[:8], []byte(packMagic)) {
		return 0, fmt.Errorf("%w: it doesn't begin as one of version 2", errPack)
	}
	return int64(binary.BigEndian.Uint32(header[8:])), nil
}

// next reads the header of the next object. Its data has to be read before the
// one that follows.
func (p *packReader) next() (packHeader, error) {
	h := packHeader{offset: p.offset()}
	first, err := p.in.ReadByte()
	if err != nil {
		return h, Early(err)
	}
	h.kind, h.size = Kind(first>>4&7), int64(first&15)
	for shift := 4; first&0x80 != 0; shift += 7 {
		if first, err = p.in.ReadByte(); err != nil {
			return h, Early(err)
		}
		if shift > 53 { // 2^60 bytes are more than any bound
			return h, fmt.Errorf("%w: a size beyond measure", errPack)
		}
		h.size |= int64(first&0x7f) << shift
	}
	switch h.kind {
	case refDelta:
		_, err = io.ReadFull(p.in, h.base[:])
	case ofsDelta:
		var distance int64
		distance, err = p.distance()
		h.back = h.offset - distance
		if err == nil && (distance == 0 || h.back < 0) {
			err = fmt.Errorf("%w: a change to what is before it", errPack)
		}
	}
	return h, Early(err)
}

// distance reads how far back the base of a delta begins.
func (p *packReader) distance() (int64, error) {
	var n int64
	for {
		b, err := p.in.ReadByte()
		if err != nil {
			return 0, err
		}
		n |= int64(b & 0x7f)
		if b&0x80 == 0 {
			return n, nil
		}
		if n >= math.MaxInt64>>8 {
			return 0, fmt.Errorf("%w: a distance beyond measure", errPack)
		}
		n = (n + 1) << 7
	}
}

// firstAllocation bounds what a declared size alone can allocate, in bytes.
const firstAllocation = 1 << 20

// data returns the data of an object. It must have that size.
func (p *packReader) data(size int64) ([]byte, error) {
	into := &buffer{make([]byte, 0, min(size, firstAllocation))}
	err := p.inflate(into, size)
	return into.bytes, err
}

// inflate writes the data of an object. It must have that size.
func (p *packReader) inflate(to io.Writer, size int64) error {
	var err error
	if p.zlib == nil {
		p.zlib, err = zlib.NewReader(p.in)
	} else {
		err = p.zlib.(zlib.Resetter).Reset(p.in, nil)
	}
	if err != nil {
		return Early(err)
	}
	n, err := io.CopyBuffer(onlyWriter{to}, io.LimitReader(p.zlib, size), p.copied[:])
	if err != nil {
		return Early(err)
	}
	more, err := io.ReadFull(p.zlib, p.copied[:1]) // to the end, where zlib has a checksum
	if n += int64(more); n != size {
		return fmt.Errorf("%w: object of %d bytes instead of %d", errPack, n, size)
	}
	if !errors.Is(err, io.EOF) {
		return Early(err)
	}
	return nil
}

// onlyWriter hides a writer's other methods, so that a buffer that is given is
// used.
type onlyWriter struct{ io.Writer }

// end reads the checksum, after which nothing may follow.
func (p *packReader) end() error {
	rest, err := io.ReadAll(io.LimitReader(p.in, int64(len(p.from.last))+1))
	switch {
	case err != nil:
		return err
	case len(rest) != len(p.from.last):
		return Early(io.EOF)
	case !bytes.Equal(p.from.sum.Sum(nil), rest):
		return fmt.Errorf("%w: its checksum is wrong", errPack)
	}
	return nil
}

// buffer is a bytes.Buffer that doesn't allocate while the bytes that it was
// given are enough.
type buffer struct{ bytes []byte }

func (b *buffer) Write(p []byte) (int, error) {
	b.bytes = append(b.bytes, p...)
	return len(p), nil
}

// summed sums up everything that is read but the last bytes, which are a
// checksum.
type summed struct {
	r    io.Reader
	sum  hash.Hash
	read int64
	last [20]byte // the last min(read, 20) bytes
}

func (s *summed) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	held := int(min(s.read, int64(len(s.last))))
	s.read += int64(n)
	both := append(s.last[:held:held], p[:n]...)
	if extra := len(both) - len(s.last); extra > 0 {
		_, _ = s.sum.Write(both[:extra])
		both = both[extra:]
	}
	copy(s.last[:], both)
	return n, err
}
