package gitops

import (
	"crypto/sha256"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
)

// Whatever stands in the file that is kept, it is read or refused.
func FuzzKept(f *testing.F) {
	k := &keeper{screen: Screen{Version: "1"}, heads: []plumbing.Hash{plumbing.ComputeHash(plumbing.TreeObject, nil)}}
	store := newObjects(Bounds{}.withDefaults())
	store.byHash[k.heads[0]] = anObject{plumbing.TreeObject, nil}
	data, ok := k.format(store)
	if !ok {
		f.Fatal("nothing to keep")
	}
	f.Add(data)
	f.Add([]byte(keptMagic))
	f.Fuzz(func(_ *testing.T, data []byte) {
		sum := sha256.Sum256(data)
		for _, file := range [][]byte{data, append(data[:len(data):len(data)], sum[:]...)} {
			_, _ = (&keeper{}).parse(file, Bounds{}.withDefaults())
		}
	})
}
