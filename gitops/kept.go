package gitops

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"

	"github.com/go-git/go-git/v5/plumbing"
)

// kept is what was kept of an earlier fetch, as it stands in its file:
//
//	keptMagic
//	how many bytes of what follows were there after the last sweep
//	the sizes of the parts that follow, in bytes
//	the hashes of heads
//	the objects: for each its hash, where it begins in the last part, and its
//	  size with the kind in the lowest three bits, sorted by hash; a file that is
//	  too large to hold has kind 0
//	the hashes of unwanted files and directories, sorted
//	the data of objects
//	a CRC-32C of all of it
//
// Numbers have eight bytes, the checksum four, the highest first. Nothing has to be
// decoded before an object is looked up, and each is checked by its own hash when
// it is; a hash of an unwanted file that isn't one is nobody's.
type kept struct {
	swept    int64
	heads    []plumbing.Hash
	objects  table
	unwanted table
	data     []byte
}

const (
	keptMagic = "pinsetter kept 2\n"
	keptParts = 4
	keptStart = len(keptMagic) + 8 + 8*keptParts

	hashSize  = len(plumbing.ZeroHash)
	placeSize = hashSize + 16 // of a row of kept.objects
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errKept is for a file that isn't ours, or not whole.
var errKept = errors.New("not what was kept")

// parseKept reads a file.
func parseKept(file []byte) (*kept, error) {
	end := len(file) - crc32.Size
	if end < keptStart || string(file[:len(keptMagic)]) != keptMagic {
		return nil, errKept
	}
	if crc32.Checksum(file[:end], castagnoli) != binary.BigEndian.Uint32(file[end:]) {
		return nil, errKept
	}
	numbers, rest := file[len(keptMagic):keptStart], file[keptStart:end]
	var parts [keptParts][]byte
	for i := range parts {
		size := binary.BigEndian.Uint64(numbers[8+8*i:])
		if size > uint64(len(rest)) {
			return nil, errKept
		}
		parts[i], rest = rest[:size:size], rest[size:]
	}
	k := &kept{
		swept:    int64(binary.BigEndian.Uint64(numbers)),
		objects:  table{parts[1], placeSize},
		unwanted: table{parts[2], hashSize},
		data:     parts[3],
	}
	if len(rest) > 0 || len(parts[0])%hashSize != 0 || !k.objects.whole() || !k.unwanted.whole() {
		return nil, errKept
	}
	for at := 0; at < len(parts[0]); at += hashSize {
		k.heads = append(k.heads, plumbing.Hash(parts[0][at:]))
	}
	return k, nil
}

// size returns the size of the file.
func (k *kept) size() int64 {
	return int64(keptStart + len(k.heads)*hashSize + len(k.objects.rows) + len(k.unwanted.rows) + len(k.data) + crc32.Size)
}

// with returns what k has, and these of what store has; false if that is more
// than may be kept. A nil k has nothing.
func (k *kept) with(store *objects, objects, unwanted []plumbing.Hash) (*kept, bool) {
	if k == nil {
		k = &kept{objects: table{width: placeSize}, unwanted: table{width: hashSize}}
	}
	size := k.size() + int64(len(objects)*placeSize+len(unwanted)*hashSize)
	for _, hash := range objects {
		size += store.size(hash)
	}
	if size > keptBytes {
		return nil, false
	}
	next := &kept{swept: k.swept, data: append(make([]byte, 0, size), k.data...)}
	var rows, refused []byte
	for _, hash := range sorted(objects) {
		o, _ := store.peek(hash)
		size, tooLarge := store.excess(hash)
		if !tooLarge {
			size = int64(len(o.data))
		}
		rows = append(rows, hash[:]...)
		rows = binary.BigEndian.AppendUint64(rows, uint64(len(next.data)))
		rows = binary.BigEndian.AppendUint64(rows, uint64(size)<<3|uint64(o.kind))
		next.data = append(next.data, o.data...)
	}
	for _, hash := range sorted(unwanted) {
		refused = append(refused, hash[:]...)
	}
	next.objects = k.objects.merge(table{rows, placeSize})
	next.unwanted = k.unwanted.merge(table{refused, hashSize})
	return next, true
}

// format writes the file.
func (k *kept) format(to io.Writer) error {
	var heads []byte
	for _, hash := range k.heads {
		heads = append(heads, hash[:]...)
	}
	parts := [keptParts][]byte{heads, k.objects.rows, k.unwanted.rows, k.data}
	start := binary.BigEndian.AppendUint64([]byte(keptMagic), uint64(k.swept))
	for _, part := range parts {
		start = binary.BigEndian.AppendUint64(start, uint64(len(part)))
	}
	sum := crc32.New(castagnoli)
	both := io.MultiWriter(to, sum)
	_, err := both.Write(start)
	for _, part := range parts {
		if err == nil {
			_, err = both.Write(part)
		}
	}
	if err == nil {
		_, err = to.Write(sum.Sum(nil))
	}
	return err
}

// object returns an object, and false if it isn't there, or isn't what its hash
// says. A nil k has none.
func (k *kept) object(hash plumbing.Hash) (anObject, bool) {
	o, ok := k.peek(hash)
	return o, ok && plumbing.ComputeHash(o.kind, o.data) == hash
}

// len returns of how many objects something is known.
func (k *kept) len() int {
	if k == nil {
		return 0
	}
	return k.objects.len() + k.unwanted.len()
}

// has reports whether an object is there.
func (k *kept) has(hash plumbing.Hash) bool {
	_, there := k.peek(hash)
	return there
}

// peek is object for who doesn't need to know whether its hash is right.
func (k *kept) peek(hash plumbing.Hash) (anObject, bool) {
	at, size, kind := k.find(hash)
	if kind == plumbing.InvalidObject || at > uint64(len(k.data)) || size > uint64(len(k.data))-at {
		return anObject{}, false
	}
	return anObject{kind, k.data[at : at+size : at+size]}, true
}

// excess returns the size of a file that was too large to hold.
func (k *kept) excess(hash plumbing.Hash) (int64, bool) {
	_, size, kind := k.find(hash)
	return int64(size), size > 0 && kind == plumbing.InvalidObject
}

// find returns where an object is; all is zero if it isn't there.
func (k *kept) find(hash plumbing.Hash) (at, size uint64, kind plumbing.ObjectType) {
	if k == nil {
		return 0, 0, 0
	}
	row, found := k.objects.find(hash)
	if !found {
		return 0, 0, 0
	}
	size = binary.BigEndian.Uint64(row[hashSize+8:])
	return binary.BigEndian.Uint64(row[hashSize:]), size >> 3, plumbing.ObjectType(size & 7)
}

// refuses reports whether a file or a directory is known to be unwanted.
func (k *kept) refuses(hash plumbing.Hash) bool {
	if k == nil {
		return false
	}
	_, found := k.unwanted.find(hash)
	return found
}
