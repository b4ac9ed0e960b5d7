package gitops

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
)

// delta is an object that is stored as a change to another one.
type delta struct {
	offset int64 // where it began in the pack
	change []byte
}

// based is a delta with the object that it changes.
type based struct {
	delta
	base anObject
}

// delta reads a delta, and applies it as soon as its base is there.
func (u *unpacker) delta(header *packfile.ObjectHeader) error {
	// The longest sensible delta replaces all of the largest file: a command
	// byte for each 127 bytes.
	if header.Length > u.bounds.FileBytes+u.bounds.FileBytes/127+64 {
		u.into.lost++
		_, _, err := u.scanner.NextObject(io.Discard)
		return err
	}
	change, err := u.inflate(header.Length)
	if err != nil {
		return err
	}
	d := delta{header.Offset, change}
	sum := header.Reference
	if header.Type == plumbing.OFSDeltaObject {
		known, ok := u.offsets[header.OffsetReference]
		if !ok {
			u.byOffset[header.OffsetReference] = append(u.byOffset[header.OffsetReference], d)
			return nil
		}
		sum = known
	}
	base, ok := u.into.byHash[sum]
	if !ok {
		u.byHash[sum] = append(u.byHash[sum], d)
		return nil
	}
	return u.settle([]based{{d, base}})
}

// store keeps an object, and returns the deltas that waited for it.
func (u *unpacker) store(offset int64, sum plumbing.Hash, o anObject) []based {
	u.into.byHash[sum] = o
	u.offsets[offset] = sum
	if len(u.byHash) == 0 && len(u.byOffset) == 0 {
		return nil
	}
	var ready []based
	for _, d := range u.byHash[sum] {
		ready = append(ready, based{d, o})
	}
	for _, d := range u.byOffset[offset] {
		ready = append(ready, based{d, o})
	}
	delete(u.byHash, sum)
	delete(u.byOffset, offset)
	return ready
}

// settle applies deltas, and those that waited for their results: a loop, since
// a chain may be as long as the pack.
func (u *unpacker) settle(ready []based) error {
	for len(ready) > 0 {
		d := ready[len(ready)-1]
		ready = ready[:len(ready)-1]
		size, err := targetSize(d.change)
		if err != nil {
			return err
		}
		if d.base.kind == plumbing.BlobObject && size > u.bounds.FileBytes {
			u.into.lost++ // its hash can't be known without building it
			continue
		}
		if err := u.count(size); err != nil {
			return err
		}
		made, err := u.apply(d, size)
		if err != nil {
			return err
		}
		u.begin(made.kind, size)
		_, _ = u.hasher.Write(made.data)
		ready = append(ready, u.store(d.offset, u.hasher.Sum(), made)...)
	}
	return nil
}

// apply returns the object that a delta makes of its base.
func (u *unpacker) apply(d based, size int64) (anObject, error) {
	if len(d.base.data) == 0 {
		return anObject{}, fmt.Errorf("%w: change to an empty object", packfile.ErrInvalidDelta)
	}
	data, err := packfile.PatchDelta(d.base.data, d.change)
	if err != nil {
		return anObject{}, err
	}
	if int64(len(data)) != size {
		return anObject{}, packfile.ErrInvalidDelta
	}
	return anObject{d.base.kind, data}, nil
}

// targetSize reads the size of what a delta makes: the second of the two
// numbers that it begins with (gitformat-pack(5), "Deltified representation").
func targetSize(change []byte) (int64, error) {
	_, n := binary.Uvarint(change)
	if n <= 0 {
		return 0, packfile.ErrInvalidDelta
	}
	size, m := binary.Uvarint(change[n:])
	if m <= 0 || size > math.MaxInt64 {
		return 0, packfile.ErrInvalidDelta
	}
	return int64(size), nil
}
