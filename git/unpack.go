package git

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"sync/atomic"
)

// Choice chooses the objects of a pack to hold. The zero value chooses all.
type Choice struct {
	Only  Kind              // the others are of no use; zero: all kinds
	Wants func([]byte) bool // of files; nil: all
	Need  map[Hash]bool     // files that are held whatever Wants says
}

// unpacker reads one pack into a store. Files are screened as they come; of
// unwanted ones only the hash stays. Since any object may turn out to be the
// base of a delta, the pack is spooled, and read again if the base of one was
// forgotten.
//
// Git and go-git trust a pack with sizes, work and memory. Here they are
// bounded.
type unpacker struct {
	into   *Store
	bounds Bounds
	choice Choice
	hasher hasher

	spool   *spool      // the pack, as far as it came
	second  *packReader // of the spool
	entries []packed
	recent  recent
	waiting waiting
	outside map[int32]Hash // bases that are given by their hashes
	places  map[Hash]int32 // of entries; nil: nobody asked for one

	unpacked atomic.Int64 // bytes so far
	again    int64        // bytes that were unpacked a second time
	rereads  int64        // objects that were
}

// packed is an object in a pack.
type packed struct {
	offset int64
	hash   Hash // zero as long as it isn't known
	kind   Kind
	base   int32 // the entry that it is a change to, or one of the following
}

const (
	baseNone    = -1 // it is stored as it is
	baseOutside = -2 // it is a change to unpacker.outside
)

// Bounds on memory, in bytes: of the pack (a larger one is in a file), of
// objects that may be bases, and of pieces on the way from the one goroutine to
// the other.
const (
	packMemory   = 4 << 20
	recentMemory = 32 << 20
	batchMemory  = 256 << 10
)

// Unpack reads a pack to its end and adds the chosen objects of it. Deltas may
// be against objects of the store. Files over Bounds.FileBytes aren't held;
// passing another bound is an error that wraps ErrBound. A pack that isn't
// whole is an error.
func (s *Store) Unpack(ctx context.Context, pack io.Reader, c Choice) error {
	return newUnpacker(s, c).unpack(ctx, pack)
}

func newUnpacker(into *Store, c Choice) *unpacker {
	return &unpacker{
		into: into, bounds: into.bounds, choice: c,
		hasher:  newHasher(),
		spool:   &spool{limit: packMemory},
		second:  newPackReader(4 << 10),
		recent:  recent{limit: recentMemory, data: make(map[int32]Object)},
		waiting: waiting{byHash: make(map[Hash][]int32), byEntry: make(map[int32][]int32)},
		outside: make(map[int32]Hash),
	}
}

func (u *unpacker) unpack(ctx context.Context, pack io.Reader) error {
	defer u.spool.close()
	in := newPackReader(64 << 10)
	in.reset(io.TeeReader(pack, u.spool), 0)
	count, err := in.count()
	if err == nil && count > u.bounds.Objects {
		err = fmt.Errorf("%d objects: %w", count, OverBound("objects", u.bounds.Objects))
	}
	if err == nil {
		u.entries = make([]packed, 0, count) // to grow them takes twice as much
		err = u.run(ctx, in, count)
	}
	if err == nil {
		err = in.end()
	}
	if err != nil {
		return fmt.Errorf("read pack: %w", err)
	}
	u.into.lost += u.waiting.len()
	return nil
}

// piece is an object as it stands in the pack.
type piece struct {
	packHeader
	data []byte
	hash Hash // of a file that is too large to hold
}

// run inflates objects in one goroutine, and makes use of them in another.
func (u *unpacker) run(ctx context.Context, in *packReader, count int64) error {
	batches, failed := make(chan []piece, 2), make(chan error, 1)
	go func() {
		defer close(failed)
		for batch := range batches {
			if err := u.take(ctx, batch); err != nil {
				failed <- err
				return
			}
		}
	}()
	send := func(batch []piece) error {
		select {
		case batches <- batch:
			return nil
		case err := <-failed:
			return err
		}
	}
	err := u.read(in, count, send)
	close(batches)
	return cmp.Or(err, <-failed)
}

// read inflates the objects.
func (u *unpacker) read(in *packReader, count int64, send func([]piece) error) error {
	hasher := newHasher()
	var batch []piece
	size := 0
	for range count {
		p, err := u.inflate(in, hasher)
		if err != nil {
			return err
		}
		batch = append(batch, p)
		if size += len(p.data) + 64; size > batchMemory {
			if err := send(batch); err != nil {
				return err
			}
			batch, size = nil, 0
		}
	}
	return send(batch)
}

// inflate reads one object, and its data if that is of use.
func (u *unpacker) inflate(in *packReader, hasher hasher) (piece, error) {
	h, err := in.next()
	if err == nil {
		err = u.count(h.size)
	}
	p := piece{packHeader: h}
	if err != nil {
		return p, err
	}
	switch h.kind {
	case ofsDelta, refDelta:
		// The longest sensible delta replaces all of the largest file: a command
		// byte for each 127 bytes.
		if h.size > u.bounds.FileBytes+u.bounds.FileBytes/127+64 {
			return p, in.inflate(io.Discard, h.size)
		}
	case Commit, Tree, Blob, Tag:
		if !u.useful(h.kind) {
			return p, in.inflate(io.Discard, h.size)
		}
		if h.kind.single() && h.size > u.bounds.CommitBytes {
			return p, OverBound("bytes for a commit or a tag", u.bounds.CommitBytes)
		}
		if h.size > u.bounds.of(h.kind) {
			hasher.begin(h.kind, h.size)
			err = in.inflate(hasher, h.size)
			p.hash = hasher.sum()
			return p, err
		}
	default:
		return p, fmt.Errorf("%w: object of unknown type %d", errPack, h.kind)
	}
	p.data, err = in.data(h.size)
	return p, err
}

// useful reports whether objects of a kind are of use.
func (u *unpacker) useful(kind Kind) bool {
	return u.choice.Only == 0 || u.choice.Only == kind
}

// count adds to the bytes that are unpacked so far.
func (u *unpacker) count(size int64) error {
	if size > math.MaxInt64/2 || u.unpacked.Add(size) > u.bounds.UnpackedBytes {
		return OverBound("bytes when unpacked", u.bounds.UnpackedBytes)
	}
	return nil
}

// take makes use of objects, in the order of the pack.
func (u *unpacker) take(ctx context.Context, batch []piece) error {
	for _, p := range batch {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		i := int32(len(u.entries))
		u.entries = append(u.entries, packed{offset: p.offset, kind: p.kind, base: baseNone})
		var err error
		switch {
		case !p.hash.IsZero():
			u.into.tooLarge[p.hash] = p.size
		case p.kind.isDelta():
			err = u.delta(i, p)
		case p.data != nil:
			err = u.settle(i, Object{p.kind, p.data})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// store keeps an object, and returns the deltas that waited for it.
func (u *unpacker) store(i int32, o Object) ([]int32, error) {
	u.hasher.begin(o.Kind, int64(len(o.Data)))
	_, _ = u.hasher.Write(o.Data)
	sum := u.hasher.sum()
	u.entries[i].hash, u.entries[i].kind = sum, o.Kind
	var err error
	switch {
	case !u.useful(o.Kind):
	case o.Kind != Blob:
		err = u.into.holdOther(sum, o)
	case u.choice.Wants == nil, u.choice.Need[sum], u.choice.Wants(o.Data):
		err = u.into.hold(sum, o.Data)
	default:
		u.into.unwanted[sum] = true
	}
	if o.Kind == Blob { // the others are held
		u.recent.put(i, o)
	}
	if u.places != nil {
		u.places[sum] = i
	}
	ready := u.waiting.release(i, sum)
	for _, at := range ready {
		u.entries[at].base = i
	}
	return ready, err
}
