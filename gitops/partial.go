package gitops

import (
	"context"
	"errors"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
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

// filler asks the server for the files that a fetch left out.
type filler struct {
	mu       sync.Mutex // one request after the other
	c        *conversation
	commits  []plumbing.Hash // that were fetched
	whole    bool            // the server hands out commits alone
	full     bool            // all came that there is
	screened bool            // the same, of what the screen wants
}

// fill reads the files with these hashes into a store, as far as they aren't
// there, in one request. Those that wants refuses are noted instead.
func (f *filler) fill(ctx context.Context, into *objects, files []plumbing.Hash, wants func([]byte) bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	files = into.lacking(files)
	if len(files) == 0 || f.full || f.screened && wants != nil {
		return nil
	}
	ctx, cancel := f.c.remote.deadline(ctx)
	defer cancel()
	defer f.c.close()
	got := newObjects(f.c.remote.bounds)
	err := error(nil)
	if !f.whole {
		err = explain(ctx, f.c.pack(ctx, request{wants: files}, got))
		f.whole = errors.Is(err, ErrStale) // the server's word for what it doesn't hand out
	}
	if f.whole {
		got = newObjects(f.c.remote.bounds)
		err = explain(ctx, f.c.pack(ctx, request{wants: f.commits, depth: 1}, got))
	}
	if err != nil {
		return err
	}
	f.full = f.whole && wants == nil
	f.screened = f.whole
	got.screen(wants)
	into.merge(got)
	into.keeper.save(into)
	return nil
}

// screen drops the files that wants refuses, and notes them.
func (o *objects) screen(wants func([]byte) bool) {
	if wants == nil {
		return
	}
	for hash, found := range o.byHash {
		if found.kind == plumbing.BlobObject && !wants(found.data) {
			o.unwanted[hash] = true
			delete(o.byHash, hash)
		}
	}
}

// lacking returns the hashes of which nothing is known.
func (o *objects) lacking(hashes []plumbing.Hash) []plumbing.Hash {
	o.mu.RLock()
	defer o.mu.RUnlock()
	var missing []plumbing.Hash
	for _, hash := range hashes {
		_, there := o.byHash[hash]
		_, known := o.tooLarge[hash]
		if !there && !known {
			missing = append(missing, hash)
		}
	}
	return missing
}

// merge adds what another store has.
func (o *objects) merge(from *objects) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for hash, found := range from.byHash {
		o.byHash[hash] = found
	}
	for hash := range from.unwanted {
		o.unwanted[hash] = true
	}
	for hash, size := range from.tooLarge {
		o.tooLarge[hash] = size
	}
	o.lost += from.lost
}

// bring sees to it that a file of the snapshot is there, if the server has it.
func (s *Snapshot) bring(ctx context.Context, file plumbing.Hash) error {
	if s.objects.more == nil || s.has(file) {
		return nil
	}
	return s.objects.more.fill(ctx, s.objects, []plumbing.Hash{file}, nil)
}

// bringAll is bring for what a call of Files will read. What is wrong with a
// directory is found again, and told, when its files are read.
func (s *Snapshot) bringAll(ctx context.Context, dir string, want func(string) bool) error {
	if s.objects.more == nil {
		return nil
	}
	seen := make(map[plumbing.Hash]bool)
	var files []plumbing.Hash
	w := walker{snapshot: s, ctx: ctx, found: func(name string, e entry) {
		if !seen[e.hash] && !s.unwanted(e.hash) && want(name) && !s.has(e.hash) {
			seen[e.hash] = true
			files = append(files, e.hash)
		}
	}}
	_ = w.start(dir)
	return s.objects.more.fill(ctx, s.objects, files, s.wants())
}

// wants returns the screen; nil: everything is wanted.
func (s *Snapshot) wants() func([]byte) bool {
	if s.objects.keeper == nil {
		return nil
	}
	return s.objects.keeper.screen.Wants
}

// unwanted reports whether the screen is known to refuse a file.
func (s *Snapshot) unwanted(hash plumbing.Hash) bool {
	s.objects.mu.RLock()
	defer s.objects.mu.RUnlock()
	return s.wants() != nil && s.objects.unwanted[hash]
}

// has reports whether the snapshot holds an object.
func (s *Snapshot) has(hash plumbing.Hash) bool {
	_, err := s.object(hash)
	return err == nil
}
