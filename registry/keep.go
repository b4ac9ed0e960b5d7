package registry

import (
	"slices"
	"sync"
	"time"
)

// keeper remembers the last listing of images, within a bound. It is safe for
// concurrent use.
type keeper struct {
	most int64 // bytes

	mu    sync.Mutex
	bytes int64
	kept  map[string]*kept // by the Key of a Repository
}

// kept is the last listing of an image.
type kept struct {
	listing Listing
	at      time.Time // when it was answered
	sum     checksum  // of the answer; zero where several were put together
	read    int64     // bytes of answers that the tags are parts of
}

// bytes returns what the listing takes in memory.
func (k *kept) bytes() int64 {
	const header = 16 // of a string
	return k.read + header*int64(len(k.listing.Tags)) + 1024
}

// last returns the listing of a key, nil where none is remembered.
func (k *keeper) last(key string) *kept {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.kept[key]
}

// keep remembers a listing in place of the one before it. Where there is no
// room, others are forgotten, whichever: of images that are listed by turns,
// forgetting the oldest would always hit the one that comes next.
func (k *keeper) keep(key string, found *kept) {
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

// Kept returns the last listing of the image that Tags returned to whoever asks
// in the same way (Key), and when it was answered. It is not ok where the
// Registry keeps none: see Options.Keep.
func (p *Repository) Kept() (listing Listing, at time.Time, ok bool) {
	last := p.registry.keeper.last(p.Key())
	if last == nil {
		return Listing{}, time.Time{}, false
	}
	listing = last.listing
	listing.Unchanged = true
	return listing, last.at, true
}

// Forget drops what Kept would return.
func (p *Repository) Forget() { p.registry.keeper.forget(p.Key()) }

// result returns the listing that was read, and whether it is the last one.
func (l *lister) result(at time.Time) (found *kept, unchanged bool, err error) {
	if l.same {
		return &kept{l.last.listing, at, l.last.sum, l.last.read}, true, nil
	}
	listing, err := l.listing()
	if err != nil {
		return nil, false, err
	}
	if l.last != nil && l.last.listing.equal(listing) {
		return &kept{l.last.listing, at, l.sum, l.last.read}, true, nil
	}
	return &kept{listing, at, l.sum, l.read.Load()}, false, nil
}

func (l Listing) equal(m Listing) bool {
	return l.DroppedCount == m.DroppedCount && slices.Equal(l.Tags, m.Tags) && slices.Equal(l.Dropped, m.Dropped)
}
