package gitops

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/pinsetter/pinsetter/git"
)

// CommitInfo is a commit without its files. All of it is the word of its
// author: nothing is verified.
type CommitInfo struct {
	Hash      string
	Parents   []string
	Author    Signature
	Committer Signature
	When      time.Time // of the committer
	Message   string
}

// Signature is a name and an address in a commit.
type Signature struct{ Name, Email string }

// pushStates reads the push branches, whose files came with the base already. All of
// them must be on the server, and the base.
func (c *conversation) pushStates(ctx context.Context, branches []place, base *Snapshot) (map[string]*PushState, error) {
	states := make(map[string]*PushState)
	var open []*PushState // whose commits are to be asked for
	var tips []plumbing.Hash
	for _, branch := range branches {
		head, err := snapshotAt(base.Store(), branch, base.more)
		if err != nil {
			return nil, err
		}
		commit, err := readCommit(base.Store(), head.commit())
		if err != nil {
			return nil, err
		}
		state := &PushState{Head: head}
		states[strings.TrimPrefix(branch.name, heads)] = state
		if slices.Equal(commit.ParentHashes, []plumbing.Hash{base.commit()}) {
			state.Commits = []CommitInfo{info(commit)}
			continue
		}
		open, tips = append(open, state), append(tips, head.commit())
	}
	commits, err := c.since(ctx, base.commit(), tips)
	if err != nil {
		return nil, err
	}
	for _, state := range open {
		if state.Commits, err = walk(commits, state.Head.commit(), c.remote.bounds.Commits+1); err != nil {
			return nil, err
		}
		if len(state.Commits) > c.remote.bounds.Commits {
			state.Commits, state.Truncated = state.Commits[:c.remote.bounds.Commits], true
		}
	}
	return states, nil
}

// since returns the commits that lead to the tips and not to base: all of them,
// or so many that Bounds.Commits+1 of each tip are there. All must be on the
// server.
func (c *conversation) since(ctx context.Context, base plumbing.Hash, tips []plumbing.Hash) (*git.Store, error) {
	store := git.NewStore(c.remote.bounds.Bounds)
	wants := slices.DeleteFunc(unique(tips), func(tip plumbing.Hash) bool { return tip == base })
	if len(wants) == 0 {
		return store, nil
	}
	// The k-th of a list in which children come first is at most k deep.
	return store, c.commits(ctx, request{wants: wants, haves: []plumbing.Hash{base}, depth: c.remote.bounds.Commits + 1}, store)
}

// commits is pack for commits alone. A server that knows filters sends no other
// objects; of any other server they are dropped. It is no error if there are
// none.
func (c *conversation) commits(ctx context.Context, q request, into *git.Store) error {
	q.filter = packp.FilterTreeDepth(0)
	q.choice.Only = git.Commit
	if err := c.pack(ctx, q, into); !errors.Is(err, transport.ErrEmptyUploadPackRequest) {
		return err
	}
	return nil
}

// source has objects: a store, or a snapshot with those that it adds.
type source interface {
	Object(git.Hash) (git.Object, error)
}

// readCommit decodes a commit.
func readCommit(s source, hash plumbing.Hash) (*object.Commit, error) {
	found, err := s.Object(git.Hash(hash))
	if err != nil {
		return nil, err
	}
	if found.Kind != git.Commit {
		return nil, fmt.Errorf("object %s is a %s, not a commit", hash, found.Kind)
	}
	encoded := new(plumbing.MemoryObject)
	encoded.SetType(plumbing.CommitObject)
	_, _ = encoded.Write(found.Data) // appends to a slice
	commit := new(object.Commit)
	if err := commit.Decode(encoded); err != nil {
		return nil, fmt.Errorf("read commit %s: %w", hash, err)
	}
	return commit, nil
}

// walk returns the commits of store that head leads to, at most limit, a commit
// before its parents and otherwise newest first.
func walk(store source, head plumbing.Hash, limit int) ([]CommitInfo, error) {
	commits, children, err := reachable(store, head, limit)
	if err != nil {
		return nil, err
	}
	var infos []CommitInfo
	var open []*object.Commit // without children that are left to list
	if c := commits[head]; c != nil {
		open = append(open, c)
	}
	for len(open) > 0 && len(infos) < limit {
		newest := slices.MaxFunc(open, older)
		open = slices.DeleteFunc(open, func(c *object.Commit) bool { return c == newest })
		infos = append(infos, info(newest))
		for _, parent := range newest.ParentHashes {
			children[parent]--
			if c := commits[parent]; c != nil && children[parent] == 0 {
				open = append(open, c)
			}
		}
	}
	return infos, nil
}

// reachable returns the commits of store that head leads to in less than depth
// steps, and of each of their parents how many children it has among them.
func reachable(store source, head plumbing.Hash, depth int) (map[plumbing.Hash]*object.Commit, map[plumbing.Hash]int, error) {
	commits := make(map[plumbing.Hash]*object.Commit)
	children := make(map[plumbing.Hash]int)
	open := []plumbing.Hash{head}
	for range depth {
		var next []plumbing.Hash
		for _, hash := range open {
			if _, err := store.Object(git.Hash(hash)); err != nil || commits[hash] != nil {
				continue // on the base or beyond what is there, or seen
			}
			commit, err := readCommit(store, hash)
			if err != nil {
				return nil, nil, err
			}
			commits[hash] = commit
			for _, parent := range commit.ParentHashes {
				children[parent]++
				next = append(next, parent)
			}
		}
		open = next
	}
	return commits, children, nil
}

// older compares commits by time, then by hash.
func older(a, b *object.Commit) int {
	if c := a.Committer.When.Compare(b.Committer.When); c != 0 {
		return c
	}
	return slices.Compare(a.Hash[:], b.Hash[:])
}

// Info describes the snapshot's commit. It returns an error if the commit can't
// be decoded.
func (s *Snapshot) Info() (CommitInfo, error) {
	commit, err := readCommit(s.Store(), s.commit())
	if err != nil {
		return CommitInfo{}, err
	}
	return info(commit), nil
}

func info(c *object.Commit) CommitInfo {
	i := CommitInfo{
		Hash:      c.Hash.String(),
		Author:    Signature{c.Author.Name, c.Author.Email},
		Committer: Signature{c.Committer.Name, c.Committer.Email},
		When:      c.Committer.When,
		Message:   c.Message,
	}
	for _, parent := range c.ParentHashes {
		i.Parents = append(i.Parents, parent.String())
	}
	return i
}
