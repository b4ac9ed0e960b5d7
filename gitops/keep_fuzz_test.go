package gitops

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
)

// What is read of a file that was kept can be looked up, whatever the file says,
// and an object is what its hash says.
func FuzzKept(f *testing.F) {
	store := newObjects(Bounds{}.withDefaults())
	hash := plumbing.ComputeHash(plumbing.BlobObject, []byte("hello"))
	store.byHash[hash] = anObject{plumbing.BlobObject, []byte("hello")}
	for _, unwanted := range [][]plumbing.Hash{nil, {hash}} {
		file := new(bytes.Buffer)
		notes := map[plumbing.Hash][]byte{hash: []byte("a note"), {}: nil}
		k := (*kept)(nil).with(store, news{[]plumbing.Hash{hash}, unwanted, notes})
		k.heads, k.version = unwanted, "1"
		if err := k.format(file); err != nil {
			f.Fatal(err)
		}
		f.Add(file.Bytes()[:file.Len()-crc32.Size])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		k, err := parseKept(withSum(data))
		if err != nil {
			return
		}
		for _, hash := range append(k.heads, hash) {
			k.refuses(hash)
			k.note(hash)
			if o, found := k.object(hash); found && plumbing.ComputeHash(o.kind, o.data) != hash {
				t.Errorf("%s is %q", hash, o.data)
			}
		}
	})
}

func withSum(data []byte) []byte {
	return binary.BigEndian.AppendUint32(data[:len(data):len(data)], crc32.Checksum(data, castagnoli))
}
