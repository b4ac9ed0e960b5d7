package gitops

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
)

// partial reports whether the server can leave files out of a pack, and hands
// them out by their hashes later. One of v0 that allows any object says so by
// these two; one that has both and allows commits alone is found out by asking.
func (c *conversation) partial() bool {
	for _, needed := range []capability.Capability{capability.Filter, capability.Shallow, capability.AllowTipSHA1InWant, capability.AllowReachableSHA1InWant} {
		if !c.adv.Capabilities.Supports(needed) {
			return false
		}
	}
	return true
}

// shallow reads commits without their history. Where something is kept of the
// commits that were there before, their files are left out, if those can be had
// later; who knows nothing is best served by one pack with all of them.
func (c *conversation) shallow(ctx context.Context, wants []plumbing.Hash, into *objects) error {
	k := into.keeper
	had := k.heads
	into.more = &filler{c: c, commits: wants, whole: !c.partial()}
	unknown := slices.DeleteFunc(slices.Clone(wants), func(hash plumbing.Hash) bool { return slices.Contains(had, hash) })
	k.heads, k.stale = wants, len(unknown) > 0 || len(wants) != len(had)
	if len(unknown) == 0 {
		return nil
	}
	if c.partial() && len(had) > 0 {
		err := c.pack(ctx, request{wants: unknown, depth: 1, filter: packp.FilterBlobNone(), kept: commitsOf(into, had)}, into)
		if err != nil || into.closed(wants) {
			return err
		}
		into.forget() // what was kept isn't what the server takes it for
		unknown = wants
	}
	into.more.complete = len(unknown) == len(wants)
	return c.pack(ctx, request{wants: unknown, depth: 1, choice: choice{wants: k.screen.Wants}}, into)
}

// commitsOf returns the commits that were kept with what leads to their files.
func commitsOf(store *objects, heads []plumbing.Hash) []plumbing.Hash {
	var commits []plumbing.Hash
	for _, head := range heads {
		if commit, err := peel(store, head); err == nil {
			commits = append(commits, commit)
		}
	}
	return commits
}

// closed reports whether commits and all directories are there that new objects
// lead to. What was kept is closed.
func (o *objects) closed(commits []plumbing.Hash) bool {
	for _, hash := range commits {
		commit, err := peel(o, hash)
		if err != nil {
			return false
		}
		if tree, err := o.target(commit); err != nil || !o.has(tree) {
			return false
		}
	}
	for _, found := range o.byHash {
		for at := 0; found.kind == plumbing.TreeObject && at < len(found.data); {
			e, next, err := nextEntry(found.data, at)
			if err != nil || e.dir() && !o.has(e.hash) {
				return false
			}
			at = next
		}
	}
	return true
}

// forget drops what was kept.
func (o *objects) forget() {
	o.kept = nil
	clear(o.byHash)
}

// filler asks the server for the files that a fetch left out.
type filler struct {
	mu       sync.Mutex // one request after the other
	c        *conversation
	commits  []plumbing.Hash // that were fetched
	whole    bool            // the server hands out commits alone
	depth    int             // how much of their history was; 0: one commit each
	complete bool            // all files came, but for those that the screen refused
}

// fill reads the files with these hashes into a store, as far as they aren't
// there, in one request. Those that wants refuses are noted instead.
func (f *filler) fill(ctx context.Context, into *objects, files []plumbing.Hash, wants func([]byte) bool) error {
	files = slices.DeleteFunc(unique(files), func(hash plumbing.Hash) bool {
		return into.has(hash) || f.complete && !into.refuses(hash)
	})
	if len(files) == 0 {
		return nil
	}
	ctx, cancel := f.c.remote.deadline(ctx)
	defer cancel()
	defer f.c.close()
	got, chosen := newObjects(f.c.remote.bounds), choice{wants: wants}
	whole := f.whole || len(files) > fewFiles && len(files) > into.kept.len()/4
	err := error(nil)
	if !whole {
		err = explain(ctx, f.c.pack(ctx, request{wants: files, choice: chosen}, got))
		f.whole = errors.Is(err, ErrStale) // the server's word for what it doesn't hand out
	}
	if whole || f.whole {
		if got = newObjects(f.c.remote.bounds); wants == nil {
			chosen = choice{wants: into.keeper.screen.Wants, need: setOf(files)}
		}
		err = explain(ctx, f.c.pack(ctx, request{wants: f.commits, depth: max(f.depth, 1), choice: chosen}, got))
		f.complete = err == nil
	}
	if err == nil {
		into.merge(got)
		into.keeper.stale = true
	}
	return err
}

// fewFiles are always asked for by their hashes. Where a quarter of all is
// asked for, a pack with everything comes sooner: a server packs anew what it is
// asked for by hash.
const fewFiles = 1000

func setOf(hashes []plumbing.Hash) map[plumbing.Hash]bool {
	set := make(map[plumbing.Hash]bool)
	for _, hash := range hashes {
		set[hash] = true
	}
	return set
}

// merge adds what another store has.
func (o *objects) merge(from *objects) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for hash, found := range from.byHash {
		o.byHash[hash] = found
	}
	for hash, at := range from.files {
		o.files[hash] = at
	}
	for hash := range from.unwanted {
		o.unwanted[hash] = true
	}
	for hash, size := range from.tooLarge {
		o.tooLarge[hash] = size
	}
	o.lost += from.lost
}

// bring sees to it that files of the snapshot are there, if the server has them.
// Those that wants refuses are noted instead.
func (s *Snapshot) bring(ctx context.Context, files []plumbing.Hash, wants func([]byte) bool) error {
	if s.objects.more == nil {
		return nil
	}
	s.objects.more.mu.Lock()
	defer s.objects.more.mu.Unlock()
	return s.objects.more.fill(ctx, s.objects, files, wants)
}

// Keep writes to Options.Keep what is known by now of this snapshot and of those
// that were fetched with it, if any of it is new. Call it when the files are read:
// without it nothing is kept. What can't be written is not kept, which is no error.
func (s *Snapshot) Keep() {
	if s.objects.more == nil {
		return
	}
	s.objects.more.mu.Lock()
	defer s.objects.more.mu.Unlock()
	s.objects.keeper.save(s.objects)
}

// Note remembers what a reader made of a file, so that it needn't be made again:
// it is the File.Note of files with the same bytes, in this snapshot and, with
// Options.Keep and Keep, in later ones. It is safe for concurrent use.
func (s *Snapshot) Note(f File, note []byte) {
	if s.objects.more == nil {
		return
	}
	s.objects.more.mu.Lock()
	defer s.objects.more.mu.Unlock()
	s.objects.mu.Lock()
	defer s.objects.mu.Unlock()
	s.objects.notes[f.hash] = note
	s.objects.keeper.stale = true
}

// wants returns the screen; nil: everything is wanted.
func (s *Snapshot) wants() func([]byte) bool {
	if s.objects.keeper == nil {
		return nil
	}
	return s.objects.keeper.screen.Wants
}
