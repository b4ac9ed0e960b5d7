package config

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"slices"

	"github.com/pinsetter/pinsetter/strict"
)

// contentHash is equal for two objects that say the same: status and what a cluster
// adds to metadata are left out.
func contentHash(o *object) [32]byte {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q %q\n", o.kind, o.name, sorted(o.labels), sorted(o.annotations))
	for _, f := range byKey(o.node) {
		if name := f.Key.Value; name != "status" && name != "metadata" {
			writeNode(h, f.Key)
			writeNode(h, f.Value)
		}
	}
	return [32]byte(h.Sum(nil))
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

// writeNode writes what a node says, however it is laid out.
func writeNode(h hash.Hash, n *strict.Node) {
	switch n = strict.Target(n); n.Kind {
	case strict.Mapping:
		io.WriteString(h, "{")
		for _, f := range byKey(n) {
			writeNode(h, f.Key)
			writeNode(h, f.Value)
		}
		io.WriteString(h, "}")
	case strict.Sequence:
		io.WriteString(h, "[")
		for _, item := range n.Content {
			writeNode(h, item)
		}
		io.WriteString(h, "]")
	default:
		fmt.Fprintf(h, "%s %d:%s", n.Tag, len(n.Value), n.Value)
	}
}
