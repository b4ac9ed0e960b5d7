package registry

import (
	"slices"
	"sync"
	"time"
)

// keeper remembers the last listing of each image, within a bound in bytes. It
// is safe for concurrent use.
type keeper struct {
	most int64 // bytes

	mu    sync.Mutex
	bytes int64
	kept  map[string]*keptListing // by the Key of a Repository
}

// keptListing is a remembered listing of an image.
type keptListing struct {
	listing Listing
	at      time.Time // time of the answer
	sum     checksum  // of the answer; zero if several were combined
	read    int64     // bytes of the answers that the tags point into
}

// bytes returns the memory that the listing takes.
func (k *keptListing) bytes() int64 {
	const header = 16 // of a string
	return k.read + header*int64(len(k.listing.Tags)) + 1024
}

// last returns the remembered listing for a key, or nil.
func (k *keeper) last(key string) *keptListing {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.kept[key]
}

// keep remembers a listing and replaces the one before it. If there is no room,
// it forgets others at random: images are listed in turns, so forgetting the
// oldest would always hit the one that is listed next.
func (k *keeper) keep(key string, found *keptListing) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.drop(key)
	if found.bytes() > k.most {
		return
	}
	for other := range k.kept {
		if k.bytes+found.bytes() <= k.most {
			break
		}
		k.drop(other)
	}
	k.kept[key] = found
	k.bytes += found.bytes()
}

// forget drops the listing of a key.
func (k *keeper) forget(key string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.drop(key)
}

func (k *keeper) drop(key string) {
	if before, ok := k.kept[key]; ok {
		k.bytes -= before.bytes()
		delete(k.kept, key)
	}
}

// Kept returns the last listing that Tags returned for this image and access
// (Key), and the time of the answer. It returns false if the Registry remembers
// none: see Options.Keep.
func (p *Repository) Kept() (listing Listing, at time.Time, ok bool) {
	last := p.registry.keeper.last(p.Key())
	if last == nil {
		return Listing{}, time.Time{}, false
	}
	listing = last.listing
	listing.Unchanged = true
	return listing, last.at, true
}

// Forget drops the listing that Kept returns.
func (p *Repository) Forget() { p.registry.keeper.forget(p.Key()) }

// result returns the listing that was read, and whether it equals the last one.
func (l *lister) result(at time.Time) (found *keptListing, unchanged bool, err error) {
	if l.same {
		return &keptListing{l.last.listing, at, l.last.sum, l.last.read}, true, nil
	}
	listing, err := l.listing()
	if err != nil {
		return nil, false, err
	}
	if l.last != nil && l.last.listing.equal(listing) {
		return &keptListing{l.last.listing, at, l.sum, l.last.read}, true, nil
	}
	return &keptListing{listing, at, l.sum, l.read.Load()}, false, nil
}

func (l Listing) equal(m Listing) bool {
	return l.DroppedCount == m.DroppedCount && slices.Equal(l.Tags, m.Tags) && slices.Equal(l.Dropped, m.Dropped)
}
