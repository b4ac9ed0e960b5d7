package taglist

import (
	"fmt"
	"sync/atomic"
)

// smallList is what a list may take in any case, in bytes, so that a large one leaves
// room for the small ones of other images: a thousand tags take less.
const smallList = 64 << 10

// Room is the memory that listings which are held at once may take together. Its
// methods are safe for concurrent use. A nil Room has no bound.
type Room struct {
	most  int64 // bytes
	taken atomic.Int64
}

// NewRoom returns a Room of that many bytes.
func NewRoom(bytes int64) *Room { return &Room{most: bytes} }

// Take reports whether there is room for n bytes more, and takes it.
func (r *Room) Take(n int64) bool {
	if r == nil || n <= 0 {
		return true
	}
	if r.taken.Add(n) > r.most {
		r.taken.Add(-n)
		return false
	}
	return true
}

// share is the part of a Room that one list takes.
type share struct {
	room *Room
	held atomic.Int64 // bytes, those of a small list included
}

// take takes n bytes more. It is safe for concurrent use.
func (s *share) take(n int64) error {
	held := s.held.Add(n)
	if before := held - n; !s.room.Take(max(held-smallList, 0) - max(before-smallList, 0)) {
		s.held.Add(-n)
		return fmt.Errorf("the tag lists that are held at once are larger than %d MiB: raise GOMEMLIMIT, of which they may take 45 %%, "+
			"run fewer automations at once, or delete old tags in the registry", s.room.most>>20)
	}
	return nil
}

// give gives n bytes back.
func (s *share) give(n int64) {
	held := s.held.Add(-n)
	if s.room != nil {
		s.room.taken.Add(max(held-smallList, 0) - max(held+n-smallList, 0))
	}
}
