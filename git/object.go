// Package git has the objects of Git, the packs that carry them, and a cache of them
// on disk. It knows no branch policy, no author and no configuration.
//
//	store := git.Cache{Dir: dir}.Open(key, git.Bounds{}) // with the cached objects
//	err := store.Unpack(ctx, pack, git.Choice{})         // from a server
//	files := store.Snapshot(commit, tree, "refs/heads/main")
//	for file, err := range files.Files(ctx, "apps", want) { … }
//	next, err := files.Commit(changed, seal)
//	pack, err := next.Pack() // for the server
//
// A repository is hostile: all that is read of it is bounded, and neither symlinks
// nor submodules are followed.
package git

import (
	"encoding/hex"
	"fmt"
	"hash"
	"strconv"

	"github.com/pjbgf/sha1cd"
)

// Hash is the SHA-1 hash by which an object is known. The zero value is no
// object's.
type Hash [20]byte

// ParseHash returns the hash with these 40 hex digits, and false for other text.
func ParseHash(text string) (Hash, bool) {
	var h Hash
	if len(text) != hex.EncodedLen(len(h)) {
		return h, false
	}
	_, err := hex.Decode(h[:], []byte(text))
	return h, err == nil
}

// IsZero reports whether h is the zero value.
func (h Hash) IsZero() bool { return h == Hash{} }

// String returns the hash in hex.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// Kind is the type of an object, by its number in a pack.
type Kind int8

// The kinds of objects. A Blob is a file's data.
const (
	Commit Kind = 1
	Tree   Kind = 2
	Blob   Kind = 3
	Tag    Kind = 4
)

// Deltas in a pack: against the object at a distance, and against one with a
// hash.
const (
	ofsDelta Kind = 6
	refDelta Kind = 7
)

// isDelta reports whether it is a change to an object.
func (k Kind) isDelta() bool { return k == ofsDelta || k == refDelta }

// single reports whether it is a commit or a tag.
func (k Kind) single() bool { return k == Commit || k == Tag }

// String returns the kind as Git writes it.
func (k Kind) String() string {
	switch k {
	case Commit:
		return "commit"
	case Tree:
		return "tree"
	case Blob:
		return "blob"
	case Tag:
		return "tag"
	}
	return fmt.Sprintf("object of type %d", int8(k))
}

// Object is an object, unpacked. Its data is read-only.
type Object struct {
	Kind Kind
	Data []byte
}

// Hash computes the object's hash.
func (o Object) Hash() Hash {
	h := newHasher()
	h.begin(o.Kind, int64(len(o.Data)))
	_, _ = h.Write(o.Data)
	return h.sum()
}

// sumOf is Object.Hash.
func sumOf(kind Kind, data []byte) Hash { return Object{kind, data}.Hash() }

// hasher computes hashes of objects, one after the other. It finds the collisions
// that are known of SHA-1, as Git does.
type hasher struct{ hash.Hash }

func newHasher() hasher { return hasher{sha1cd.New()} }

// begin starts with another object, whose data is to be written.
func (h hasher) begin(kind Kind, size int64) {
	h.Reset()
	_, _ = h.Write(strconv.AppendInt(append([]byte(kind.String()), ' '), size, 10))
	_, _ = h.Write([]byte{0})
}

func (h hasher) sum() (sum Hash) {
	h.Hash.Sum(sum[:0])
	return sum
}
