package git

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
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
	return u.settle(i, Object{base.Kind, made})
}

// base notes the base of an entry, and reports whether that is there.
func (u *unpacker) base(i int32, p piece) bool {
	e := &u.entries[i]
	if p.kind == ofsDelta {
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
	if _, err := u.into.Object(p.base); err == nil {
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
func (u *unpacker) place(sum Hash) (int32, bool) {
	if u.places == nil {
		u.places = make(map[Hash]int32)
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
func (u *unpacker) settle(i int32, o Object) error {
	ready, err := u.store(i, o)
	for err == nil && len(ready) > 0 {
		at := ready[len(ready)-1]
		ready = ready[:len(ready)-1]
		var made Object
		if made, err = u.make(at); err != nil || made.Data == nil {
			continue
		}
		var more []int32
		more, err = u.store(at, made)
		ready = append(ready, more...)
	}
	return err
}

// make makes the object of a delta that waited.
func (u *unpacker) make(i int32) (Object, error) {
	base, err := u.object(u.entries[i].base, i)
	if err != nil {
		return base, err
	}
	change, err := u.reread(i)
	if err != nil {
		return base, err
	}
	data, err := u.apply(base, change)
	return Object{base.Kind, data}, err
}

// object returns the object of entry i, or of the base of entry of if i is
// baseOutside. An object that was forgotten is made again.
func (u *unpacker) object(i, of int32) (Object, error) {
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
			o.Data, err = patch(o.Data, change)
			u.recent.put(i, o)
		}
		if err == nil {
			err = u.countAgain(int64(len(o.Data)))
		}
	}
	return o, err
}

// at is object, but returns false if the object has to be made from its base.
func (u *unpacker) at(i, of int32) (Object, bool, error) {
	if i == baseOutside {
		o, err := u.into.Object(u.outside[of])
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
		return Object{}, false, nil
	}
	data, err := u.reread(i)
	o := Object{e.kind, data}
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
		return nil, fmt.Errorf("deltas out of order: %w", OverBound("objects, which are read again", u.bounds.Objects))
	}
	if err := u.countAgain(h.size); err != nil {
		return nil, err
	}
	return u.second.data(h.size)
}

// countAgain is count for objects that were unpacked before: a hostile order of
// deltas makes these more than all the rest.
func (u *unpacker) countAgain(size int64) error {
	if u.again += size; u.again > u.bounds.UnpackedBytes {
		return fmt.Errorf("deltas out of order: %w", OverBound("bytes when unpacked", u.bounds.UnpackedBytes))
	}
	return nil
}

// apply returns a delta applied to its base; nil if the result is too large to
// hold.
func (u *unpacker) apply(base Object, change []byte) ([]byte, error) {
	_, size, _, err := deltaSizes(change)
	if err != nil {
		return nil, err
	}
	if base.Kind.single() && size > u.bounds.CommitBytes {
		return nil, OverBound("bytes for a commit or a tag", u.bounds.CommitBytes)
	}
	if size > u.bounds.of(base.Kind) {
		u.into.lost++ // its hash can't be known without building it
		return nil, nil
	}
	if err := u.count(size); err != nil {
		return nil, err
	}
	if len(base.Data) == 0 {
		return nil, fmt.Errorf("%w: change to an empty object", errDelta)
	}
	return patch(base.Data, change)
}

var errDelta = errors.New("invalid delta")

// deltaSizes reads the two numbers at the start of a delta, the sizes of its
// base and of its result, and returns the commands that follow
// (gitformat-pack(5), "Deltified representation").
func deltaSizes(change []byte) (base, target int64, commands []byte, err error) {
	from, n := binary.Uvarint(change)
	if n <= 0 || from > math.MaxInt64 {
		return 0, 0, nil, errDelta
	}
	to, m := binary.Uvarint(change[n:])
	if m <= 0 || to > math.MaxInt64 {
		return 0, 0, nil, errDelta
	}
	return int64(from), int64(to), change[n+m:], nil
}

// patch returns a delta applied to its base.
func patch(base, change []byte) ([]byte, error) {
	from, size, commands, err := deltaSizes(change)
	if err != nil || from != int64(len(base)) {
		return nil, errDelta
	}
	made := make([]byte, 0, min(size, firstAllocation))
	for len(commands) > 0 {
		var piece []byte
		command := commands[0]
		if commands = commands[1:]; command&0x80 != 0 {
			piece, commands, err = copied(base, command, commands)
		} else if n := int(command); n > 0 && n <= len(commands) {
			piece, commands = commands[:n], commands[n:]
		} else {
			return nil, errDelta
		}
		if err != nil || int64(len(piece)) > size-int64(len(made)) {
			return nil, errDelta
		}
		made = append(made, piece...)
	}
	if int64(len(made)) != size {
		return nil, errDelta
	}
	return made, nil
}

// copied returns the part of the base that a command copies, and the commands
// after it. The bits of the command say which bytes of offset and size follow.
func copied(base []byte, command byte, commands []byte) (part, rest []byte, err error) {
	var numbers [7]byte // four of the offset, three of the size
	for i := range numbers {
		if command>>i&1 == 0 {
			continue
		}
		if len(commands) == 0 {
			return nil, nil, errDelta
		}
		numbers[i], commands = commands[0], commands[1:]
	}
	at := int64(binary.LittleEndian.Uint32(numbers[:4]))
	size := int64(numbers[4]) | int64(numbers[5])<<8 | int64(numbers[6])<<16
	if size == 0 {
		size = 0x10000
	}
	if at+size > int64(len(base)) {
		return nil, nil, errDelta
	}
	return base[at : at+size], commands, nil
}

// waiting are deltas whose base has not come yet.
type waiting struct {
	byHash  map[Hash][]int32
	byEntry map[int32][]int32
}

func (w *waiting) len() int { return len(w.byHash) + len(w.byEntry) }

// release returns the deltas that waited for an object.
func (w *waiting) release(i int32, sum Hash) []int32 {
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
	data        map[int32]Object
	order       []int32
}

// recentOverhead is about the bytes of an object beside its data.
const recentOverhead = 100

func (r *recent) put(i int32, o Object) {
	if _, there := r.data[i]; there {
		return
	}
	r.data[i] = o
	r.order = append(r.order, i)
	r.size += int64(len(o.Data)) + recentOverhead
	for r.size > r.limit && len(r.order) > 1 {
		oldest := r.order[0]
		r.order = r.order[1:]
		r.size -= int64(len(r.data[oldest].Data)) + recentOverhead
		delete(r.data, oldest)
	}
}
