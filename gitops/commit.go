package gitops

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/pinsetter/pinsetter/fleet"
)

// Commit says what a commit holds.
type Commit struct {
	Files   map[string][]byte // new contents, by path from the root, of files that exist
	Message string            // with its trailers
	Author  Signature         // of author and committer
	When    time.Time         // with the time zone to write

	// SigningKey signs the commit; nil leaves it unsigned.
	SigningKey *fleet.SigningKey
}

// Commit returns the snapshot that a commit on top of s makes, in memory. Modes
// and all other entries stay as they are, byte by byte. A path that is no
// regular file of s is an error that wraps ErrNoPath; contents that are all the
// same already are ErrNoChange.
func (s *Snapshot) Commit(c Commit) (*Snapshot, error) {
	next, err := s.commit(c)
	if err != nil {
		return nil, fmt.Errorf("commit to %s: %w", s, err)
	}
	return next, nil
}

func (s *Snapshot) commit(c Commit) (*Snapshot, error) {
	next := &Snapshot{ref: s.ref, objects: s.objects, bounds: s.bounds, parent: s, made: make(map[plumbing.Hash]anObject)}
	root := make(change)
	for _, name := range slices.Sorted(maps.Keys(c.Files)) {
		found, err := s.find(name)
		if err == nil && (!found.regular() || inside(name) != name) {
			err = ErrNoPath
		}
		if err != nil {
			return nil, fmt.Errorf("file %q: %w", name, err)
		}
		root.add(strings.Split(name, "/"), next.add(plumbing.BlobObject, c.Files[name]))
	}
	var err error
	if next.tree, err = next.replace(s.tree, root); err != nil {
		return nil, err
	}
	if next.tree == s.tree {
		return nil, ErrNoChange
	}
	next.hash, err = next.seal(c)
	if err != nil {
		return nil, err
	}
	return next, nil
}

// add keeps a new object.
func (s *Snapshot) add(kind plumbing.ObjectType, data []byte) plumbing.Hash {
	hash := plumbing.ComputeHash(kind, data)
	s.made[hash] = anObject{kind, data}
	return hash
}

// change is what changes below a directory, by name.
type change map[string]*changed

// changed is a file's new hash, or what changes in a directory.
type changed struct {
	blob plumbing.Hash
	dir  change
}

func (c change) add(parts []string, blob plumbing.Hash) {
	if len(parts) == 1 {
		c[parts[0]] = &changed{blob: blob}
		return
	}
	if c[parts[0]] == nil {
		c[parts[0]] = &changed{dir: make(change)}
	}
	c[parts[0]].dir.add(parts[1:], blob)
}

// replace returns the hash of a tree with new hashes written over the old ones:
// modes, names, and their order stay.
func (s *Snapshot) replace(hash plumbing.Hash, c change) (plumbing.Hash, error) {
	old, err := typed(s, hash, plumbing.TreeObject)
	if err != nil {
		return hash, err
	}
	tree := slices.Clone(old)
	for at := 0; at < len(tree); {
		e, next, err := nextEntry(tree, at)
		if err != nil {
			return hash, err
		}
		at = next
		changed := c[string(e.name)]
		if changed == nil {
			continue
		}
		if changed.dir != nil {
			changed.blob, err = s.replace(e.hash, changed.dir)
			if err != nil {
				return hash, err
			}
		}
		copy(tree[e.hashAt:], changed.blob[:])
	}
	return s.add(plumbing.TreeObject, tree), nil
}

// seal makes the commit of the snapshot's tree, and signs it.
func (s *Snapshot) seal(c Commit) (plumbing.Hash, error) {
	who := object.Signature{Name: ident(c.Author.Name), Email: ident(c.Author.Email), When: c.When}
	if who.Email == "" {
		return plumbing.ZeroHash, errors.New("the author has no email address")
	}
	commit := &object.Commit{
		Author: who, Committer: who, Message: message(c.Message),
		TreeHash: s.tree, ParentHashes: []plumbing.Hash{s.parent.hash},
	}
	if c.SigningKey != nil {
		unsigned := new(plumbing.MemoryObject)
		if err := commit.EncodeWithoutSignature(unsigned); err != nil {
			return plumbing.ZeroHash, err
		}
		signature, err := sign(unsigned, c.SigningKey, c.When)
		if err != nil {
			return plumbing.ZeroHash, fmt.Errorf("sign with %s: %w", c.SigningKey.Key, err)
		}
		commit.PGPSignature = signature // of either kind: the header is the same
	}
	final := new(plumbing.MemoryObject)
	if err := commit.Encode(final); err != nil {
		return plumbing.ZeroHash, err
	}
	s.made[final.Hash()] = anObject{plumbing.CommitObject, content(final)}
	return final.Hash(), nil
}

// ident makes a name or an address fit for a commit's header, as git itself
// does: no angle brackets, no control characters, nothing around it that
// doesn't belong to it.
func ident(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == '<' || r == '>' || unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	return strings.Trim(s, " .,:;\"\\'")
}

// message makes a message fit for a commit: UTF-8 without NUL.
func message(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "")
}

func isMissing(err error) bool { return errors.Is(err, ErrNoPath) }
