package gitops

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/git"
	"github.com/pinsetter/pinsetter/gitops/signing"
)

// Commit describes a commit to make.
type Commit struct {
	Files   map[string][]byte // new contents, by path from the root, of files that exist
	Message string            // with its trailers
	Author  Signature         // of author and committer
	When    time.Time         // with the time zone to write

	// SigningKey signs the commit; nil leaves it unsigned.
	SigningKey *fleet.SigningKey

	// Over is a branch that the commit goes on top of, although its files are
	// those of the snapshot. If the branch lacks the snapshot's commit, the new
	// commit merges it. nil: the commit goes on top of the snapshot.
	Over *PushState
}

// Commit returns the snapshot that a commit on top of s makes, in memory. Modes
// and all other entries stay as they are, byte by byte. A path that is no
// regular file of s is an error that wraps ErrNoPath; contents that are all the
// same already are ErrNoChange.
func (s *Snapshot) Commit(c Commit) (*Snapshot, error) {
	next, err := s.Snapshot.Commit(c.Files, func(tree git.Hash) ([]byte, error) { return s.seal(c, tree) })
	if err != nil {
		return nil, fmt.Errorf("commit to %s: %w", s, err)
	}
	return &Snapshot{next, s.more}, nil
}

// seal returns the data of a commit of a tree on top of s, signed.
func (s *Snapshot) seal(c Commit, tree git.Hash) ([]byte, error) {
	who := object.Signature{Name: ident(c.Author.Name), Email: ident(c.Author.Email), When: c.When}
	if who.Email == "" {
		return nil, errors.New("the author has no email address")
	}
	commit := &object.Commit{
		Author: who, Committer: who, Message: message(c.Message),
		TreeHash: plumbing.Hash(tree), ParentHashes: s.parentHashes(c.Over),
	}
	if c.SigningKey != nil {
		unsigned := new(plumbing.MemoryObject)
		if err := commit.EncodeWithoutSignature(unsigned); err != nil {
			return nil, err
		}
		signature, err := signing.Sign(content(unsigned), c.SigningKey, c.When)
		if err != nil {
			return nil, fmt.Errorf("sign with %s: %w", c.SigningKey.Key, err)
		}
		commit.PGPSignature = signature // of either kind: the header is the same
	}
	final := new(plumbing.MemoryObject)
	if err := commit.Encode(final); err != nil {
		return nil, err
	}
	return content(final), nil
}

// content returns the bytes of an object.
func content(o *plumbing.MemoryObject) []byte {
	r, _ := o.Reader() // reads from memory
	data, _ := io.ReadAll(r)
	return data
}

// Parents returns the hashes of the parents of a commit with the files of s: s, or
// the head of a branch (Commit.Over), and s behind it unless the branch starts from s.
func (s *Snapshot) Parents(over *PushState) []string {
	switch {
	case over == nil:
		return []string{s.Hash()}
	case slices.ContainsFunc(over.Commits, func(c CommitInfo) bool { return slices.Contains(c.Parents, s.Hash()) }):
		return []string{over.Head.Hash()}
	}
	return []string{over.Head.Hash(), s.Hash()}
}

// parentHashes is Parents for go-git.
func (s *Snapshot) parentHashes(over *PushState) []plumbing.Hash {
	var hashes []plumbing.Hash
	for _, parent := range s.Parents(over) {
		hashes = append(hashes, plumbing.NewHash(parent))
	}
	return hashes
}

// isOver reports whether a commit is a parent of that of s.
func (s *Snapshot) isOver(commit plumbing.Hash) bool {
	made, err := readCommit(s, s.commit())
	return err == nil && slices.Contains(made.ParentHashes, commit)
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
