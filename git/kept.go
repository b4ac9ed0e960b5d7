package git

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"maps"
	"slices"
)

// kept is what was kept of an earlier fetch, as it stands in its file:
//
//	keptMagic
//	how many bytes of what follows were there after the last sweep
//	the sizes of the parts that follow, in bytes
//	the hashes of heads
//	the version of the notes
//	the objects: for each its hash, where it begins in the last part, and its
//	  size with the kind in the lowest three bits, sorted by hash; a file that is
//	  too large to hold has kind 0
//	the hashes of unwanted files and directories, sorted
//	the notes: for each the hash of the object that it is about, where it begins in
//	  the last part, and its size, sorted by hash. That of a file is what its reader
//	  made of it; that of a directory is its wanted entries alone, as in a tree
//	the data of objects and notes
//	a CRC-32C of all of it
//
// Numbers have eight bytes, the checksum four, the highest first. Nothing has to be
// decoded before an object is looked up, and each is checked by its own hash when
// it is; a hash of an unwanted file that isn't one is nobody's.
type kept struct {
	swept    int64
	heads    []Hash
	version  string
	objects  table
	unwanted table
	notes    table
	data     []byte
}

const (
	keptMagic = "pinsetter kept 3\n"
	keptParts = 6
	keptStart = len(keptMagic) + 8 + 8*keptParts

	hashSize  = len(Hash{})
	placeSize = hashSize + 16 // of a row of kept.objects and kept.notes
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
		version:  string(parts[1]),
		objects:  table{parts[2], placeSize},
		unwanted: table{parts[3], hashSize},
		notes:    table{parts[4], placeSize},
		data:     parts[5],
	}
	if len(rest) > 0 || len(parts[0])%hashSize != 0 || !k.objects.whole() || !k.unwanted.whole() || !k.notes.whole() {
		return nil, errKept
	}
	for at := 0; at < len(parts[0]); at += hashSize {
		k.heads = append(k.heads, Hash(parts[0][at:]))
	}
	return k, nil
}

// size returns the size of the file.
func (k *kept) size() int64 {
	return int64(keptStart + len(k.heads)*hashSize + len(k.version) + len(k.objects.rows) + len(k.unwanted.rows) + len(k.notes.rows) + len(k.data) + crc32.Size)
}

// news is what a store has and the cache doesn't.
type news struct {
	objects  []Hash
	unwanted []Hash // files and directories
	notes    map[Hash][]byte
}

// with returns k and the news of store together; nil if that is too much to
// cache. A nil k is empty.
func (k *kept) with(store *Store, n news) *kept {
	if k == nil {
		k = &kept{objects: table{width: placeSize}, unwanted: table{width: hashSize}, notes: table{width: placeSize}}
	}
	n.objects, n.unwanted = sorted(n.objects), sorted(n.unwanted)
	size := k.size() + int64((len(n.objects)+len(n.notes))*placeSize+len(n.unwanted)*hashSize)
	for _, hash := range n.objects {
		size += store.size(hash)
	}
	for _, note := range n.notes {
		size += int64(len(note))
	}
	if size > keptBytes {
		return nil
	}
	next := &kept{swept: k.swept, data: append(make([]byte, 0, size), k.data...)}
	var rows, notes []byte
	for _, hash := range n.objects {
		o, _ := store.peek(hash)
		size, tooLarge := store.excess(hash)
		if !tooLarge {
			size = int64(len(o.Data))
		}
		rows = next.row(rows, hash, uint64(size)<<3|uint64(o.Kind))
		next.data = append(next.data, o.Data...)
	}
	refused := make([]byte, 0, len(n.unwanted)*hashSize)
	for _, hash := range n.unwanted {
		refused = append(refused, hash[:]...)
	}
	n.unwanted = nil // of a million files they are 20 MB
	for _, hash := range sorted(slices.Collect(maps.Keys(n.notes))) {
		notes = next.row(notes, hash, uint64(len(n.notes[hash])))
		next.data = append(next.data, n.notes[hash]...)
	}
	next.objects = k.objects.merge(table{rows, placeSize})
	next.unwanted = k.unwanted.merge(table{refused, hashSize})
	next.notes = k.notes.merge(table{notes, placeSize})
	return next
}

// row appends the row of data that will be put at the end of k.data.
func (k *kept) row(rows []byte, hash Hash, size uint64) []byte {
	rows = append(rows, hash[:]...)
	rows = binary.BigEndian.AppendUint64(rows, uint64(len(k.data)))
	return binary.BigEndian.AppendUint64(rows, size)
}

// format writes the file.
func (k *kept) format(to io.Writer) error {
	var heads []byte
	for _, hash := range k.heads {
		heads = append(heads, hash[:]...)
	}
	parts := [keptParts][]byte{heads, []byte(k.version), k.objects.rows, k.unwanted.rows, k.notes.rows, k.data}
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

// object returns an object, and false if it isn't there or doesn't match its
// hash. A nil k has none.
func (k *kept) object(hash Hash) (Object, bool) {
	o, ok := k.peek(hash)
	return o, ok && sumOf(o.Kind, o.Data) == hash
}

// len returns of how many objects something is known.
func (k *kept) len() int {
	if k == nil {
		return 0
	}
	return k.objects.len() + k.unwanted.len()
}

// has reports whether an object is there.
func (k *kept) has(hash Hash) bool {
	_, there := k.peek(hash)
	return there
}

// peek is object without the check of its hash.
func (k *kept) peek(hash Hash) (Object, bool) {
	at, size, kind := k.find(hash)
	data, there := k.slice(at, size)
	if kind == 0 || !there {
		return Object{}, false
	}
	return Object{kind, data}, true
}

// note returns the note on an object; nil: there is none.
func (k *kept) note(hash Hash) []byte {
	if k == nil {
		return nil
	}
	at, size := spot(k.notes, hash)
	if size == 0 {
		return nil
	}
	note, _ := k.slice(at, size)
	return note
}

// slice returns the data at a place, and false for a place outside of the data.
func (k *kept) slice(at, size uint64) ([]byte, bool) {
	if k == nil || at > uint64(len(k.data)) || size > uint64(len(k.data))-at {
		return nil, false
	}
	return k.data[at : at+size : at+size], true
}

// excess returns the size of a file that was too large to hold.
func (k *kept) excess(hash Hash) (int64, bool) {
	_, size, kind := k.find(hash)
	return int64(size), size > 0 && kind == 0
}

// find returns the place of an object; all is zero if it isn't there.
func (k *kept) find(hash Hash) (at, size uint64, kind Kind) {
	if k == nil {
		return 0, 0, 0
	}
	at, size = spot(k.objects, hash)
	return at, size >> 3, Kind(size & 7)
}

// spot returns the two numbers of a hash's row; both are zero if there is none.
func spot(in table, hash Hash) (at, size uint64) {
	row, found := in.find(hash)
	if !found {
		return 0, 0
	}
	return binary.BigEndian.Uint64(row[hashSize:]), binary.BigEndian.Uint64(row[hashSize+8:])
}

// refuses reports whether a file or a directory is known to be unwanted.
func (k *kept) refuses(hash Hash) bool {
	if k == nil {
		return false
	}
	_, found := k.unwanted.find(hash)
	return found
}
