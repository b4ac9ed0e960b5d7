package git

import "maps"

// pool has the objects that came in packs. Files are in memory up to a bound, and in
// a spool beyond it. Of the others only the hashes are known: files over their bound,
// and files that nobody wants. It is not safe for concurrent use.
type pool struct {
	bounds Bounds

	byHash   map[Hash]Object
	held     int64           // bytes of files in byHash, with objectOverhead for each
	others   int64           // bytes of the rest of byHash, with objectOverhead for each
	files    map[Hash]extent // those beyond fileMemory
	spool    *spool          // of files; nil: there are none
	tooLarge map[Hash]int64  // files and directories over their bound, which are not held: their size
	unwanted map[Hash]bool   // files that the screen doesn't want, and that may not be there
	lost     int             // deltas against objects that are not held
}

// extent is a file in a spool.
type extent struct {
	in       *spool
	at, size int64
}

// fileMemory bounds the files that are held in memory, in bytes.
const fileMemory = 16 << 20

// objectOverhead is about the bytes of an object in memory beside its data.
const objectOverhead = 120

func newPool(b Bounds) pool {
	return pool{
		bounds:   b.WithDefaults(),
		byHash:   make(map[Hash]Object),
		files:    make(map[Hash]extent),
		tooLarge: make(map[Hash]int64),
		unwanted: make(map[Hash]bool),
	}
}

// hold adds a file.
func (p *pool) hold(hash Hash, data []byte) error {
	if size := int64(len(data)) + objectOverhead; p.held+size <= fileMemory {
		p.held += size
		p.byHash[hash] = Object{Blob, data}
		return nil
	}
	if p.spool == nil {
		p.spool = new(spool)
	}
	p.files[hash] = extent{p.spool, p.spool.size, int64(len(data))}
	_, err := p.spool.Write(data)
	return err
}

// holdOther adds a commit, a tag or a directory.
func (p *pool) holdOther(hash Hash, o Object) error {
	if _, there := p.byHash[hash]; there {
		return nil
	}
	if p.others += int64(len(o.Data)) + objectOverhead; p.others > p.bounds.HeldBytes {
		return OverBound("bytes of commits, tags and directories", p.bounds.HeldBytes)
	}
	p.byHash[hash] = o
	return nil
}

// merge adds all of another pool, which is not used any more.
func (p *pool) merge(from *pool) {
	maps.Copy(p.byHash, from.byHash)
	maps.Copy(p.files, from.files)
	maps.Copy(p.unwanted, from.unwanted)
	maps.Copy(p.tooLarge, from.tooLarge)
	p.lost += from.lost
	p.others += from.others
}

// object returns an object, and false if it isn't there. The error says that it can't
// be read from the spool.
func (p *pool) object(hash Hash) (Object, bool, error) {
	if found, ok := p.byHash[hash]; ok {
		return found, true, nil
	}
	at, ok := p.files[hash]
	if !ok {
		return Object{}, false, nil
	}
	data := make([]byte, at.size)
	_, err := at.in.ReadAt(data, at.at)
	if at.size == 0 {
		err = nil
	}
	return Object{Blob, data}, true, err
}

// has reports whether an object is there.
func (p *pool) has(hash Hash) bool {
	_, found := p.sizeOf(hash)
	return found
}

// sizeOf returns how many bytes an object has, and false if it isn't there.
func (p *pool) sizeOf(hash Hash) (int64, bool) {
	if at, spooled := p.files[hash]; spooled {
		return at.size, true
	}
	found, ok := p.byHash[hash]
	return int64(len(found.Data)), ok
}

// inMemory returns how many bytes of objects are in memory.
func (p *pool) inMemory() int64 {
	var bytes int64
	for _, one := range p.byHash {
		bytes += int64(len(one.Data))
	}
	return bytes
}
