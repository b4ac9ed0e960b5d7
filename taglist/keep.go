package taglist

import (
	"slices"
	"sync"
	"time"
)

// Memory remembers the last listing of each image, within a bound in bytes. It is
// safe for concurrent use.
type Memory struct {
	most int64 // bytes

	mu    sync.Mutex
	bytes int64
	kept  map[string]*kept // by the key of an image
}

// NewMemory returns an empty Memory of that many bytes. With 0 it remembers nothing.
func NewMemory(bytes int64) *Memory { return &Memory{most: bytes, kept: map[string]*kept{}} }

// kept is a remembered listing of an image.
type kept struct {
	listing Listing
	at      time.Time // time of the answer
	sum     checksum  // of the answer; zero if several were combined
	read    int64     // bytes of the answers that the tags point into
}

// stringSize is the size of a string without its text, in bytes.
const stringSize = 16

// bytes returns the memory that the listing takes.
func (k *kept) bytes() int64 {
	return k.read + stringSize*int64(len(k.listing.Tags)) + 1024
}

// Last returns the last listing that List returned for a key, as unchanged, and the
// time of the answer. It returns false if none is remembered.
func (m *Memory) Last(key string) (listing Listing, at time.Time, ok bool) {
	last := m.last(key)
	if last == nil {
		return Listing{}, time.Time{}, false
	}
	listing = last.listing
	listing.Unchanged = true
	return listing, last.at, true
}

func (m *Memory) last(key string) *kept {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.kept[key]
}

// keep remembers a listing and replaces the one before it. If there is no room,
// it forgets others at random: images are listed in turns, so forgetting the
// oldest would always hit the one that is listed next.
func (m *Memory) keep(key string, found *kept) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.drop(key)
	if found.bytes() > m.most {
		return
	}
	for other := range m.kept {
		if m.bytes+found.bytes() <= m.most {
			break
		}
		m.drop(other)
	}
	m.kept[key] = found
	m.bytes += found.bytes()
}

// Forget drops the listing of a key.
func (m *Memory) Forget(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.drop(key)
}

func (m *Memory) drop(key string) {
	if before, ok := m.kept[key]; ok {
		m.bytes -= before.bytes()
		delete(m.kept, key)
	}
}

// result returns the listing that was read, and whether it equals the last one.
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
