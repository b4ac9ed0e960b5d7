package git

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"testing"

	"github.com/pinsetter/pinsetter/parts/budget"
)

// What is read of a file that was kept can be looked up, whatever the file says,
// and an object is what its hash says.
func FuzzKept(f *testing.F) {
	store := NewStore(Bounds{})
	hash := sumOf(Blob, []byte("hello"))
	store.byHash[hash] = Object{Blob, []byte("hello")}
	for _, unwanted := range [][]Hash{nil, {hash}} {
		file := new(bytes.Buffer)
		notes := map[Hash][]byte{hash: []byte("a note"), {}: nil}
		k := (*kept)(nil).with(store, news{[]Hash{hash}, unwanted, notes})
		k.heads, k.version = unwanted, "1"
		if err := k.format(file); err != nil {
			f.Fatal(err)
		}
		f.Add(file.Bytes()[:file.Len()-crc32.Size])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		budget.Affords(t, len(data), func() {
			k, err := parseKept(withSum(data))
			if err != nil {
				return
			}
			for _, hash := range append(k.heads, hash) {
				k.refuses(hash)
				k.note(hash)
				if o, found := k.object(hash); found && sumOf(o.Kind, o.Data) != hash {
					t.Errorf("%s is %q", hash, o.Data)
				}
			}
		})
	})
}

func withSum(data []byte) []byte {
	return binary.BigEndian.AppendUint32(data[:len(data):len(data)], crc32.Checksum(data, castagnoli))
}
