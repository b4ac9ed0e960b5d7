package gitops

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/pinsetter/pinsetter/config"
)

// Screen says which files are of use, by their bytes. The zero value wants all.
type Screen struct {
	Version string            // changes whenever Wants would answer otherwise
	Wants   func([]byte) bool // nil: all; it is safe for concurrent use
}

// keeper keeps what was fetched for one base and its push branches in a file: what
// leads to the files, which files are wanted, and which are not. Nothing depends
// on that file: what can't be read is fetched, what can't be written is not kept.
type keeper struct {
	path   string // "": nothing is kept
	screen Screen
	heads  []plumbing.Hash // whose commit and trees are kept
}

// The form of the file: keptMagic, the screen's version, heads, objects and the
// hashes of unwanted files, and a SHA-256 of all of it. It holds a few bytes for
// each file of a repository; 64 MiB is about a million of them.
const (
	keptMagic = "pinsetter kept 1\n"
	keptBytes = 64 << 20
)

// keeper returns the keeper for what is fetched together.
func (r *Remote) keeper(base config.GitRef, push []string) *keeper {
	k := &keeper{screen: r.screen}
	if r.keep != "" {
		of := fmt.Sprintf("%q %q %q %q %q %q %q", r, base.Branch, base.Tag, base.SemVer, base.Name, base.Commit, push)
		k.path = filepath.Join(r.keep, fmt.Sprintf("%x.git-kept", sha256.Sum256([]byte(of))))
	}
	return k
}

// load returns what is kept, an empty store if nothing is.
func (k *keeper) load(bounds Bounds) *objects {
	data, err := k.read()
	if err == nil {
		var store *objects
		if store, err = k.parse(data, bounds); err == nil {
			store.keeper = k
			return store
		}
	}
	k.heads = nil
	store := newObjects(bounds)
	store.keeper = k
	return store
}

func (k *keeper) read() ([]byte, error) {
	if k.path == "" {
		return nil, os.ErrNotExist
	}
	f, err := os.Open(k.path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() || info.Size() > keptBytes {
		return nil, errKept
	}
	return io.ReadAll(io.LimitReader(f, keptBytes))
}

// errKept is for a file that isn't ours, or not whole.
var errKept = errors.New("not what was kept")

// parse reads a file that was kept.
func (k *keeper) parse(data []byte, bounds Bounds) (*objects, error) {
	at := len(data) - sha256.Size
	if at < 0 || sha256.Sum256(data[:at]) != [sha256.Size]byte(data[at:]) {
		return nil, errKept
	}
	body, ok := bytes.CutPrefix(data[:at], []byte(keptMagic))
	if !ok {
		return nil, errKept
	}
	in, store := &keptReader{rest: body}, newObjects(bounds)
	version := string(in.bytes())
	k.heads = in.hashes()
	for range in.number() {
		kind, hash := plumbing.ObjectType(in.number()), in.hash()
		store.byHash[hash] = anObject{kind, in.bytes()}
		if in.failed {
			break
		}
	}
	unwanted := in.hashes()
	if in.failed || len(in.rest) > 0 {
		return nil, errKept
	}
	if version != k.screen.Version {
		return store, nil
	}
	for _, hash := range unwanted {
		store.unwanted[hash] = true
	}
	return store, nil
}

// save keeps what the heads lead to. Files are kept where a screen wants them.
func (k *keeper) save(store *objects) {
	if k.path == "" {
		return
	}
	if data, ok := k.format(store); ok {
		_ = k.write(data) // it is fetched again
	}
}

// format returns the file to write, and false if it is not worth keeping.
func (k *keeper) format(store *objects) ([]byte, bool) {
	kept, unwanted, err := k.reachable(store)
	size := len(unwanted) * len(plumbing.ZeroHash)
	for _, hash := range kept {
		size += len(store.byHash[hash].data) + 32
	}
	if err != nil || size > keptBytes-1<<20 {
		return nil, false
	}
	out := make([]byte, 0, size+1<<10)
	out = append(out, keptMagic...)
	out = appendBytes(out, []byte(k.screen.Version))
	out = appendHashes(out, k.heads)
	out = binary.AppendUvarint(out, uint64(len(kept)))
	for _, hash := range kept {
		found := store.byHash[hash]
		out = binary.AppendUvarint(out, uint64(found.kind))
		out = append(out, hash[:]...)
		out = appendBytes(out, found.data)
	}
	out = appendHashes(out, unwanted)
	sum := sha256.Sum256(out)
	return append(out, sum[:]...), true
}

// reachable returns the objects to keep, and the unwanted files, that the heads
// lead to.
func (k *keeper) reachable(store *objects) (kept, unwanted []plumbing.Hash, err error) {
	store.mu.RLock()
	defer store.mu.RUnlock()
	seen := make(map[plumbing.Hash]bool)
	var open []link
	for _, head := range k.heads {
		open = append(open, link{hash: head})
	}
	for len(open) > 0 {
		at := open[len(open)-1]
		open = open[:len(open)-1]
		if seen[at.hash] {
			continue
		}
		seen[at.hash] = true
		found, ok := store.byHash[at.hash]
		switch {
		case at.file && store.unwanted[at.hash]:
			unwanted = append(unwanted, at.hash)
		case at.file && (!ok || k.screen.Wants == nil):
			// it is asked for when it is read
		case !ok:
			return nil, nil, errKept
		default:
			kept = append(kept, at.hash)
			if open, err = appendNext(open, found); err != nil {
				return nil, nil, err
			}
		}
	}
	return kept, unwanted, nil
}

// link is what an object leads to.
type link struct {
	hash plumbing.Hash
	file bool
}

// appendNext appends what an object leads to within a snapshot.
func appendNext(open []link, o anObject) ([]link, error) {
	switch o.kind {
	case plumbing.CommitObject, plumbing.TagObject:
		line, _, _ := strings.Cut(string(o.data[:min(len(o.data), 64)]), "\n")
		_, hash, _ := strings.Cut(line, " ") // "tree" or "object"
		return append(open, link{hash: plumbing.NewHash(hash)}), nil
	case plumbing.TreeObject:
		for at := 0; at < len(o.data); {
			e, next, err := nextEntry(o.data, at)
			if err != nil {
				return nil, err
			}
			if e.dir() || e.regular() {
				open = append(open, link{e.hash, e.regular()})
			}
			at = next
		}
	}
	return open, nil
}

// write replaces the file at once, so that a reader has the old one or the new.
func (k *keeper) write(data []byte) error {
	if err := os.MkdirAll(filepath.Dir(k.path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(k.path), "*.git-kept-new")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = cmp.Or(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), k.path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

func appendBytes(to, data []byte) []byte {
	return append(binary.AppendUvarint(to, uint64(len(data))), data...)
}

func appendHashes(to []byte, hashes []plumbing.Hash) []byte {
	to = binary.AppendUvarint(to, uint64(len(hashes)))
	for _, hash := range hashes {
		to = append(to, hash[:]...)
	}
	return to
}

// keptReader takes values off the front of what was kept, until one isn't there.
type keptReader struct {
	rest   []byte
	failed bool
}

func (r *keptReader) number() uint64 {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 || n > keptBytes {
		r.failed, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

func (r *keptReader) take(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		r.failed, r.rest = true, nil
		return nil
	}
	taken := r.rest[:n:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *keptReader) bytes() []byte { return r.take(r.number()) }

func (r *keptReader) hash() (h plumbing.Hash) {
	copy(h[:], r.take(uint64(len(h))))
	return h
}

func (r *keptReader) hashes() []plumbing.Hash {
	var hashes []plumbing.Hash
	for range r.number() {
		h := r.hash()
		if r.failed {
			return nil
		}
		hashes = append(hashes, h)
	}
	return hashes
}
