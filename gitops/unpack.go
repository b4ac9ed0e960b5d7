package gitops

import (
	"crypto"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/hash"
)

// unpacker reads one pack into objects. go-git scans and inflates it and applies
// deltas; what is ours is the order and the bounds: go-git's parser takes sizes
// on trust and unpacks each object twice.
type unpacker struct {
	into    *objects
	bounds  Bounds
	keep    func(plumbing.ObjectType) bool // of whole objects; nil: all
	scanner *packfile.Scanner
	hasher  plumbing.Hasher

	offsets  map[int64]plumbing.Hash   // of an object that was read, by where it began
	byHash   map[plumbing.Hash][]delta // deltas whose base has not come yet
	byOffset map[int64][]delta         // the same, where the base is known by its place
	unpacked int64
}

// unpack reads the pack. Deltas may be against what into holds already.
func unpack(pack io.Reader, into *objects, bounds Bounds, keep func(plumbing.ObjectType) bool) error {
	u := &unpacker{
		into: into, bounds: bounds, keep: keep,
		scanner:  packfile.NewScanner(pack),
		hasher:   plumbing.Hasher{Hash: hash.New(crypto.SHA1)},
		offsets:  make(map[int64]plumbing.Hash),
		byHash:   make(map[plumbing.Hash][]delta),
		byOffset: make(map[int64][]delta),
	}
	_, count, err := u.scanner.Header()
	if err != nil {
		return fmt.Errorf("read pack: %w", err)
	}
	if int64(count) > bounds.Objects {
		return fmt.Errorf("read pack of %d objects: %w", count, overBound("objects", bounds.Objects))
	}
	for range count {
		if err := u.next(); err != nil {
			return fmt.Errorf("read pack: %w", err)
		}
	}
	if _, err := u.scanner.Checksum(); err != nil {
		return fmt.Errorf("read pack: %w", err)
	}
	u.into.lost += len(u.byHash) + len(u.byOffset)
	return nil
}

// next reads one object or delta.
func (u *unpacker) next() error {
	header, err := u.scanner.NextObjectHeader()
	if err != nil {
		return err
	}
	if err := u.count(header.Length); err != nil {
		return err
	}
	switch header.Type {
	case plumbing.CommitObject, plumbing.TreeObject, plumbing.BlobObject, plumbing.TagObject:
		return u.whole(header)
	case plumbing.OFSDeltaObject, plumbing.REFDeltaObject:
		return u.delta(header)
	}
	return fmt.Errorf("object of unknown type %d", header.Type)
}

// count adds to what is unpacked so far.
func (u *unpacker) count(size int64) error {
	if size < 0 || size > math.MaxInt64-u.unpacked {
		return fmt.Errorf("object of %d bytes", size)
	}
	u.unpacked += size
	if u.unpacked > u.bounds.UnpackedBytes {
		return overBound("bytes when unpacked", u.bounds.UnpackedBytes)
	}
	return nil
}

// whole reads an object that is stored as it is.
func (u *unpacker) whole(header *packfile.ObjectHeader) error {
	if u.keep != nil && !u.keep(header.Type) {
		_, _, err := u.scanner.NextObject(io.Discard)
		return err
	}
	u.begin(header.Type, header.Length)
	if header.Type == plumbing.BlobObject && header.Length > u.bounds.FileBytes {
		return u.skip(header)
	}
	data, err := u.inflate(header.Length)
	if err != nil {
		return err
	}
	_, _ = u.hasher.Write(data)
	o := anObject{header.Type, data}
	return u.settle(u.store(header.Offset, u.hasher.Sum(), o))
}

// firstAllocation bounds what a declared size alone can allocate, in bytes.
const firstAllocation = 1 << 20

// inflate reads the bytes of the object that the scanner stands at.
func (u *unpacker) inflate(size int64) ([]byte, error) {
	into := &buffer{make([]byte, 0, min(size, firstAllocation))}
	if _, _, err := u.scanner.NextObject(into); err != nil {
		return nil, err
	}
	if int64(len(into.bytes)) != size {
		return nil, fmt.Errorf("object of %d bytes instead of %d", len(into.bytes), size)
	}
	return into.bytes, nil
}

// buffer is a bytes.Buffer that doesn't allocate beyond what it is given, as
// long as that is enough.
type buffer struct{ bytes []byte }

func (b *buffer) Write(p []byte) (int, error) {
	b.bytes = append(b.bytes, p...)
	return len(p), nil
}

// skip reads a file that is too large to keep.
func (u *unpacker) skip(header *packfile.ObjectHeader) error {
	if _, _, err := u.scanner.NextObject(u.hasher); err != nil {
		return err
	}
	u.into.tooLarge[u.hasher.Sum()] = header.Length
	return nil
}

// begin starts the hash of an object.
func (u *unpacker) begin(kind plumbing.ObjectType, size int64) {
	u.hasher.Reset()
	_, _ = u.hasher.Write(strconv.AppendInt(append(kind.Bytes(), ' '), size, 10))
	_, _ = u.hasher.Write([]byte{0})
}
