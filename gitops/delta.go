package gitops

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
)

// delta makes the object of a delta, as soon as its base is there.
func (u *unpacker) delta(i int32, p piece) error {
	if p.data == nil {
		u.into.lost++ // it is too large to hold
		return nil
	}
	if !u.base(i, p) {
		return nil
	}
	base, err := u.object(u.entries[i].base, i)
	if err != nil {
		return err
	}
	made, err := u.apply(base, p.data)
	if err != nil || made == nil {
		return err
	}
	return u.settle(i, anObject{base.kind, made})
}

// base notes what an entry is a change to, and reports whether that is there.
func (u *unpacker) base(i int32, p piece) bool {
	e := &u.entries[i]
	if p.kind == plumbing.OFSDeltaObject {
		at, found := slices.BinarySearchFunc(u.entries[:i], p.back, func(e packed, offset int64) int { return cmp.Compare(e.offset, offset) })
		if !found {
			u.into.lost++
			return false
		}
		e.base = int32(at)
		if u.entries[at].hash.IsZero() {
			u.waiting.byEntry[e.base] = append(u.waiting.byEntry[e.base], i)
			return false
		}
		return true
	}
	if _, err := u.into.object(p.base); err == nil {
		e.base, u.outside[i] = baseOutside, p.base
		return true
	}
	at, found := u.place(p.base)
	if e.base = at; !found {
		u.waiting.byHash[p.base] = append(u.waiting.byHash[p.base], i)
	}
	return found
}

// place returns the entry of an object that was stored.
func (u *unpacker) place(sum plumbing.Hash) (int32, bool) {
	if u.places == nil {
		u.places = make(map[plumbing.Hash]int32)
		for i, e := range u.entries {
			if !e.hash.IsZero() {
				u.places[e.hash] = int32(i)
			}
		}
	}
	at, found := u.places[sum]
	return at, found
}

// settle stores an object, and makes those that waited for it: a loop, since a
// chain may be as long as the pack.
func (u *unpacker) settle(i int32, o anObject) error {
	ready, err := u.store(i, o)
	for err == nil && len(ready) > 0 {
		at := ready[len(ready)-1]
		ready = ready[:len(ready)-1]
		var made anObject
		if made, err = u.make(at); err != nil || made.data == nil {
			continue
		}
		var more []int32
		more, err = u.store(at, made)
		ready = append(ready, more...)
	}
	return err
}

// make makes the object of a delta that waited.
func (u *unpacker) make(i int32) (anObject, error) {
	base, err := u.object(u.entries[i].base, i)
	if err != nil {
		return base, err
	}
	change, err := u.reread(i)
	if err != nil {
		return base, err
	}
	data, err := u.apply(base, change)
	return anObject{base.kind, data}, err
}

// object returns what an entry is: the base of another one, of, where it is
// baseOutside. One that was forgotten is made again.
func (u *unpacker) object(i, of int32) (anObject, error) {
	var changes []int32 // from the last to the first
	o, there, err := u.at(i, of)
	for !there && err == nil {
		changes = append(changes, i)
		i, of = u.entries[i].base, i
		o, there, err = u.at(i, of)
	}
	for _, i := range slices.Backward(changes) {
		if err != nil {
			break
		}
		var change []byte
		if change, err = u.reread(i); err == nil {
			o.data, err = packfile.PatchDelta(o.data, change)
			u.recent.put(i, o)
		}
		if err == nil {
			err = u.countAgain(int64(len(o.data)))
		}
	}
	return o, err
}

// at returns what an entry is, and false if it is to be made of its base.
func (u *unpacker) at(i, of int32) (anObject, bool, error) {
	if i == baseOutside {
		o, err := u.into.object(u.outside[of])
		return o, true, err
	}
	if o, found := u.recent.data[i]; found {
		return o, true, nil
	}
	e := u.entries[i]
	if o, found := u.into.byHash[e.hash]; found {
		return o, true, nil
	}
	if e.base != baseNone {
		return anObject{}, false, nil
	}
	data, err := u.reread(i)
	o := anObject{e.kind, data}
	u.recent.put(i, o)
	return o, true, err
}

// reread inflates an entry a second time.
func (u *unpacker) reread(i int32) ([]byte, error) {
	at := u.entries[i].offset
	u.second.reset(io.NewSectionReader(u.spool, at, math.MaxInt64-at), at)
	h, err := u.second.next()
	if err != nil {
		return nil, err
	}
	if u.rereads++; u.rereads > u.bounds.Objects {
		return nil, fmt.Errorf("deltas out of order: %w", overBound("objects, which are read again", u.bounds.Objects))
	}
	if err := u.countAgain(h.size); err != nil {
		return nil, err
	}
	return u.second.data(h.size)
}

// countAgain is count for what was unpacked before: a hostile order of deltas
// makes that more than all the rest.
func (u *unpacker) countAgain(size int64) error {
	if u.again += size; u.again > u.bounds.UnpackedBytes {
		return fmt.Errorf("deltas out of order: %w", overBound("bytes when unpacked", u.bounds.UnpackedBytes))
	}
	return nil
}

// apply returns what a delta makes of its base; nil if that is too large to hold.
func (u *unpacker) apply(base anObject, change []byte) ([]byte, error) {
	size, err := targetSize(change)
	if err != nil {
		return nil, err
	}
	if base.kind == plumbing.BlobObject && size > u.bounds.FileBytes {
		u.into.lost++ // its hash can't be known without building it
		return nil, nil
	}
	if err := u.count(size); err != nil {
		return nil, err
	}
	if len(base.data) == 0 {
		return nil, fmt.Errorf("%w: change to an empty object", packfile.ErrInvalidDelta)
	}
	data, err := packfile.PatchDelta(base.data, change)
	if err == nil && int64(len(data)) != size {
		err = packfile.ErrInvalidDelta
	}
	if data == nil {
		data = []byte{}
	}
	return data, err
}

// targetSize reads the size of what a delta makes: the second of the two
// numbers that it begins with (gitformat-pack(5), "Deltified representation").
func targetSize(change []byte) (int64, error) {
	_, n := binary.Uvarint(change)
	if n <= 0 {
		return 0, packfile.ErrInvalidDelta
	}
	size, m := binary.Uvarint(change[n:])
	if m <= 0 || size > math.MaxInt64 {
		return 0, packfile.ErrInvalidDelta
	}
	return int64(size), nil
}

// waiting are deltas whose base has not come yet.
type waiting struct {
	byHash  map[plumbing.Hash][]int32
	byEntry map[int32][]int32
}

func (w *waiting) len() int { return len(w.byHash) + len(w.byEntry) }

// release returns the deltas that waited for an object.
func (w *waiting) release(i int32, sum plumbing.Hash) []int32 {
	if w.len() == 0 {
		return nil
	}
	ready := slices.Concat(w.byHash[sum], w.byEntry[i])
	delete(w.byHash, sum)
	delete(w.byEntry, i)
	return ready
}

// recent are the objects that were made last, as many as are within the limit.
type recent struct {
	limit, size int64
	data        map[int32]anObject
	order       []int32
}

// recentOverhead is about what an object takes beside its bytes.
const recentOverhead = 100

func (r *recent) put(i int32, o anObject) {
	if _, there := r.data[i]; there {
		return
	}
	r.data[i] = o
	r.order = append(r.order, i)
	r.size += int64(len(o.data)) + recentOverhead
	for r.size > r.limit && len(r.order) > 1 {
		oldest := r.order[0]
		r.order = r.order[1:]
		r.size -= int64(len(r.data[oldest].data)) + recentOverhead
		delete(r.data, oldest)
	}
}
