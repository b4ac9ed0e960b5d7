package gitops

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// anObject is an object of Git, unpacked. Its data is read-only.
type anObject struct {
	kind plumbing.ObjectType
	data []byte
}

// source is where objects are read from.
type source interface {
	// object returns the object with that hash. It is an error if there is none.
	object(plumbing.Hash) (anObject, error)
}

// objects are the objects of one or several packs, and what was kept of earlier
// ones. After unpacking it is safe for concurrent use, and only files are added.
type objects struct {
	mu       sync.RWMutex
	byHash   map[plumbing.Hash]anObject
	held     int64                    // bytes of files in byHash
	files    map[plumbing.Hash]extent // those beyond fileMemory
	tooLarge map[plumbing.Hash]int64  // files over the bound, which are not held: their size
	limit    int64                    // that bound, for messages
	lost     int                      // deltas against what is not held
	unwanted map[plumbing.Hash]bool   // files that the screen doesn't want, and that may not be there
	spool    *spool                   // of files
	notes    map[plumbing.Hash][]byte // of files, made since this was fetched
	kept     *kept                    // nil: nothing
	below    *objects                 // where to look for what isn't here; nil: nowhere
	keeper   *keeper                  // nil: of another kind of fetch
	more     *filler                  // where files are that didn't come; nil: all came
}

// extent is a file in a spool.
type extent struct {
	in       *spool
	at, size int64
}

// fileMemory bounds the files that are held in memory, in bytes.
const fileMemory = 16 << 20

func newObjects(bounds Bounds) *objects {
	return &objects{
		byHash:   make(map[plumbing.Hash]anObject),
		tooLarge: make(map[plumbing.Hash]int64),
		unwanted: make(map[plumbing.Hash]bool),
		files:    make(map[plumbing.Hash]extent),
		notes:    make(map[plumbing.Hash][]byte),
		limit:    bounds.FileBytes,
	}
}

// hold keeps a file.
func (o *objects) hold(hash plumbing.Hash, data []byte) error {
	if o.held+int64(len(data)) <= fileMemory {
		o.held += int64(len(data))
		o.byHash[hash] = anObject{plumbing.BlobObject, data}
		return nil
	}
	if o.spool == nil {
		o.spool = new(spool)
	}
	o.files[hash] = extent{o.spool, o.spool.size, int64(len(data))}
	_, err := o.spool.Write(data)
	return err
}

func (o *objects) object(hash plumbing.Hash) (anObject, error) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	if found, ok := o.byHash[hash]; ok {
		return found, nil
	}
	if at, ok := o.files[hash]; ok {
		data := make([]byte, at.size)
		_, err := at.in.ReadAt(data, at.at)
		if at.size == 0 {
			err = nil
		}
		return anObject{plumbing.BlobObject, data}, err
	}
	if found, ok := o.kept.object(hash); ok {
		return found, nil
	}
	if o.below != nil && o.below.has(hash) {
		return o.below.object(hash)
	}
	if size, ok := o.excess(hash); ok {
		return anObject{}, fmt.Errorf("it has %d bytes: %w", size, overBound("bytes for a file", o.limit))
	}
	if o.lost > 0 {
		return anObject{}, fmt.Errorf("object %s is missing; it may be stored as a change to a file that is %w", hash, overBound("bytes for a file", o.limit))
	}
	return anObject{}, fmt.Errorf("object %s is missing from what the server sent", hash)
}

// peek is object for who doesn't need to know whether its hash is right, nor why
// it isn't there.
func (o *objects) peek(hash plumbing.Hash) (anObject, bool) {
	if found, there := o.kept.peek(hash); there {
		return found, true
	}
	found, err := o.object(hash)
	return found, err == nil
}

// has reports whether an object is there, or is known to be too large.
func (o *objects) has(hash plumbing.Hash) bool {
	o.mu.RLock()
	defer o.mu.RUnlock()
	_, inMemory := o.byHash[hash]
	_, spooled := o.files[hash]
	_, tooLarge := o.excess(hash)
	return inMemory || spooled || tooLarge || o.kept.has(hash) || o.below != nil && o.below.has(hash)
}

// size returns how many bytes an object has that is held.
func (o *objects) size(hash plumbing.Hash) int64 {
	o.mu.RLock()
	defer o.mu.RUnlock()
	if at, spooled := o.files[hash]; spooled {
		return at.size
	}
	found, ok := o.byHash[hash]
	if !ok {
		found, _ = o.kept.peek(hash)
	}
	return int64(len(found.data))
}

// excess returns the size of a file that is too large to hold. A bound that was
// raised since makes it one that isn't there.
func (o *objects) excess(hash plumbing.Hash) (int64, bool) {
	if size, found := o.tooLarge[hash]; found {
		return size, true
	}
	size, found := o.kept.excess(hash)
	return size, found && size > o.limit
}

// refuses reports whether the screen is known to refuse a file, or all files
// below a directory.
func (o *objects) refuses(hash plumbing.Hash) bool {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.unwanted[hash] || o.kept.refuses(hash) || o.below != nil && o.below.refuses(hash)
}

// note returns what is known of a file or a directory beside its data; nil:
// nothing.
func (o *objects) note(hash plumbing.Hash) []byte {
	o.mu.RLock()
	defer o.mu.RUnlock()
	if note, found := o.notes[hash]; found {
		return note
	}
	return o.kept.note(hash)
}

// typed reads an object that must be of a kind.
func typed(s source, hash plumbing.Hash, kind plumbing.ObjectType) ([]byte, error) {
	found, err := s.object(hash)
	if err != nil {
		return nil, err
	}
	if found.kind != kind {
		return nil, fmt.Errorf("object %s is a %s, not a %s", hash, found.kind, kind)
	}
	return found.data, nil
}

// readCommit decodes a commit.
func readCommit(s source, hash plumbing.Hash) (*object.Commit, error) {
	data, err := typed(s, hash, plumbing.CommitObject)
	if err != nil {
		return nil, err
	}
	commit := new(object.Commit)
	if err := commit.Decode(encoded(plumbing.CommitObject, data)); err != nil {
		return nil, fmt.Errorf("read commit %s: %w", hash, err)
	}
	return commit, nil
}

// peel follows annotated tags to a commit.
func peel(s source, hash plumbing.Hash) (plumbing.Hash, error) {
	const nested = 8 // tags of tags are rare; git itself sets no bound
	for range nested {
		found, err := s.object(hash)
		if err != nil {
			return hash, err
		}
		switch found.kind {
		case plumbing.CommitObject:
			return hash, nil
		case plumbing.TagObject:
			tag := new(object.Tag)
			if err := tag.Decode(encoded(plumbing.TagObject, found.data)); err != nil {
				return hash, fmt.Errorf("read tag %s: %w", hash, err)
			}
			hash = tag.Target
		default:
			return hash, fmt.Errorf("%s is a %s, not a commit", hash, found.kind)
		}
	}
	return hash, errors.New("tags of tags nest too deep")
}

// encoded returns data in go-git's form.
func encoded(kind plumbing.ObjectType, data []byte) *plumbing.MemoryObject {
	o := new(plumbing.MemoryObject)
	o.SetType(kind)
	o.SetSize(int64(len(data)))
	_, _ = o.Write(data) // appends to a slice
	return o
}

// entry is one line of a tree. hashAt is where its hash stands in the tree.
type entry struct {
	mode   string
	name   []byte // in the tree
	hash   plumbing.Hash
	hashAt int
}

// The modes of a tree's entries, as Git writes them.
const (
	modeFile      = "100644"
	modeGroup     = "100664" // written by old versions of Git
	modeExec      = "100755"
	modeDir       = "40000"
	modeDirPadded = "040000" // written by some tools; git fsck warns
	modeSymlink   = "120000"
	modeSubmodule = "160000"
)

func (e entry) regular() bool {
	return e.mode == modeFile || e.mode == modeExec || e.mode == modeGroup
}

func (e entry) dir() bool { return e.mode == modeDir || e.mode == modeDirPadded }

// errTree is for bytes that are no tree, and for names that no checkout of Git
// would create.
var errTree = errors.New("malformed tree")

// nextEntry reads the entry at offset at of a tree and returns where the next
// one begins.
func nextEntry(tree []byte, at int) (entry, int, error) {
	line := tree[at:]
	space := bytes.IndexByte(line, ' ')
	null := bytes.IndexByte(line, 0)
	if space <= 0 || null < space || len(line) < null+1+len(plumbing.ZeroHash) {
		return entry{}, 0, errTree
	}
	e := entry{mode: mode(line[:space]), name: line[space+1 : null], hashAt: at + null + 1}
	if len(e.name) == 0 || string(e.name) == "." || string(e.name) == ".." || bytes.IndexByte(e.name, '/') >= 0 {
		return entry{}, 0, fmt.Errorf("%w: name %q", errTree, e.name)
	}
	copy(e.hash[:], tree[e.hashAt:])
	return e, e.hashAt + len(e.hash), nil
}

// mode returns a mode without a copy of its own.
func mode(of []byte) string {
	switch string(of) {
	case modeFile:
		return modeFile
	case modeDir:
		return modeDir
	}
	return string(of)
}

// lookup finds the entry of a name in a tree.
func lookup(tree []byte, name string) (entry, bool, error) {
	for at := 0; at < len(tree); {
		e, next, err := nextEntry(tree, at)
		if err != nil || string(e.name) == name {
			return e, err == nil, err
		}
		at = next
	}
	return entry{}, false, nil
}
