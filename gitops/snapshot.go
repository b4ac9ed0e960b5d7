package gitops

import (
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/pinsetter/pinsetter/git"
)

// Snapshot is the files of one commit: one that was fetched, or one that was
// made here and is not on the server yet. It never changes, and is safe for
// concurrent use. A file that didn't come with the fetch is asked for when it is
// read.
type Snapshot struct {
	*git.Snapshot
	more *filler // where files are that didn't come; nil: all came
}

// File is a regular file of a snapshot.
type File = git.File

// Link is an entry that Files passes over: a symbolic link or a submodule.
type Link = git.Link

// Screen chooses files by their bytes. The zero value wants all.
type Screen = git.Screen

// Hash returns the commit's hash in hex.
func (s *Snapshot) Hash() string { return s.Snapshot.Hash().String() }

// Tree returns the hash of the commit's files in hex: snapshots with equal files
// have equal ones.
func (s *Snapshot) Tree() string { return s.Snapshot.Tree().String() }

// commit returns the commit's hash.
func (s *Snapshot) commit() plumbing.Hash { return plumbing.Hash(s.Snapshot.Hash()) }

// snapshotAt returns the snapshot of a place that was fetched.
func snapshotAt(store *git.Store, at place, more *filler) (*Snapshot, error) {
	hash, err := store.Peel(git.Hash(at.hash))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", at, err)
	}
	return snapshotOf(store, plumbing.Hash(hash), at.name, more)
}

// snapshotOf returns the snapshot of a commit. Ref is the ref that it was read
// from; "": none.
func snapshotOf(store *git.Store, hash plumbing.Hash, ref string, more *filler) (*Snapshot, error) {
	commit, err := readCommit(store, hash)
	if err != nil {
		return nil, err
	}
	return &Snapshot{store.Snapshot(git.Hash(hash), git.Hash(commit.TreeHash), ref), more}, nil
}
