package config

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"hash"
	"slices"

	"github.com/pinsetter/pinsetter/strict"
)

// contentHash is equal for two objects that say the same: status and what a cluster
// adds to metadata are left out.
func contentHash(o *object) [32]byte {
	d := digest{sha256.New()}
	d.addf("%q %q %q %q\n", o.kind, o.name, sorted(o.labels), sorted(o.annotations))
	for _, f := range byKey(o.node) {
		if name := f.Key.Value; name != "status" && name != "metadata" {
			d.add(f.Key)
			d.add(f.Value)
		}
	}
	return [32]byte(d.Sum(nil))
}

// sorted returns a map's keys and values in order of the keys.
func sorted(m map[string]string) []string {
	pairs := make([]string, 0, len(m))
	for key, value := range m {
		pairs = append(pairs, key+"="+value)
	}
	slices.Sort(pairs)
	return pairs
}

func byKey(mapping *strict.Node) []strict.Field {
	list := strict.Fields(mapping)
	slices.SortStableFunc(list, func(a, b strict.Field) int { return cmp.Compare(a.Key.Value, b.Key.Value) })
	return list
}

// digest is the hash of what is added to it.
type digest struct{ hash.Hash }

func (d digest) addf(format string, args ...any) {
	d.Write(fmt.Appendf(nil, format, args...)) // a hash never fails
}

// add adds what a node says, however it is laid out.
func (d digest) add(n *strict.Node) {
	switch n = strict.Target(n); n.Kind {
	case strict.Mapping:
		d.addf("{")
		for _, f := range byKey(n) {
			d.add(f.Key)
			d.add(f.Value)
		}
		d.addf("}")
	case strict.Sequence:
		d.addf("[")
		for _, item := range n.Content {
			d.add(item)
		}
		d.addf("]")
	default:
		d.addf("%s %d:%s", n.Tag, len(n.Value), n.Value)
	}
}
