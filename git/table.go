package git

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
	"sort"
)

// table is rows of one width that begin with a hash each, sorted by it.
type table struct {
	rows  []byte
	width int
}

func (t table) len() int { return len(t.rows) / t.width }

// whole reports whether no row is cut.
func (t table) whole() bool { return len(t.rows)%t.width == 0 }

func (t table) row(i int) []byte { return t.rows[i*t.width : (i+1)*t.width] }

func (t table) hash(i int) Hash { return Hash(t.rows[i*t.width:]) }

// find returns the row of a hash.
func (t table) find(hash Hash) ([]byte, bool) {
	i := t.search(hash)
	if i == t.len() || t.hash(i) != hash {
		return nil, false
	}
	return t.row(i), true
}

// search returns the first row that isn't before a hash. Hashes are spread
// evenly, so it begins near the place that a hash has then.
func (t table) search(hash Hash) int {
	const near = 1024 // rows: four times the deviation for some hundred thousand
	from, to := 0, t.len()
	guess := int(uint64(binary.BigEndian.Uint32(hash[:])) * uint64(to) >> 32)
	if i := guess - near; i > from && compare(t.hash(i), hash) < 0 {
		from = i
	}
	if i := guess + near; i < to && compare(t.hash(i), hash) >= 0 {
		to = i
	}
	return from + sort.Search(to-from, func(i int) bool { return compare(t.hash(from+i), hash) >= 0 })
}

// merge returns the rows of t and of more; if both have a hash, the row of
// more.
func (t table) merge(more table) table {
	if t.len() == 0 {
		return more
	}
	merged := table{make([]byte, 0, len(t.rows)+len(more.rows)), t.width}
	at := 0
	for i := range more.len() {
		hash := more.hash(i)
		to := t.search(hash)
		merged.rows = append(merged.rows, t.rows[at*t.width:to*t.width]...)
		merged.rows = append(merged.rows, more.row(i)...)
		if at = to; at < t.len() && t.hash(at) == hash {
			at++
		}
	}
	merged.rows = append(merged.rows, t.rows[at*t.width:]...)
	return merged
}

// compare orders hashes.
func compare(a, b Hash) int {
	x, y := binary.BigEndian.Uint64(a[:]), binary.BigEndian.Uint64(b[:])
	if x != y {
		return cmp.Compare(x, y)
	}
	return bytes.Compare(a[8:], b[8:])
}

// sorted orders hashes, once each.
func sorted(hashes []Hash) []Hash {
	slices.SortFunc(hashes, compare)
	return slices.Compact(hashes)
}
