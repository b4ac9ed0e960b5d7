package index

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"hash"
	"slices"
	"strconv"

	"github.com/pinsetter/pinsetter/strict"
)

// contentHash is equal for two objects that say the same: status and what a cluster
// adds to metadata are left out.
func contentHash(o *Object) [32]byte {
	c := new(content)
	for _, text := range slices.Concat([]string{o.Kind, o.Name.Namespace, o.Name.Name}, sorted(o.Labels), []string{"annotations"}, sorted(o.Annotations)) {
		c.text(text)
	}
	for _, f := range byKey(o.Node) {
		if name := f.Key.Value; name != "status" && name != "metadata" {
			c.add(f.Key)
			c.add(f.Value)
		}
	}
	return sha256.Sum256(c.said)
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

// content is what an object says, in bytes that are equal only for equal content.
type content struct{ said []byte }

func (c *content) text(text string) {
	c.said = strconv.AppendInt(c.said, int64(len(text)), 10)
	c.said = append(c.said, ':')
	c.said = append(c.said, text...)
}

// add adds what a node says, however it is laid out.
func (c *content) add(n *strict.Node) {
	switch n = strict.Target(n); n.Kind {
	case strict.Mapping:
		c.said = append(c.said, '{')
		for _, f := range byKey(n) {
			c.add(f.Key)
			c.add(f.Value)
		}
		c.said = append(c.said, '}')
	case strict.Sequence:
		c.said = append(c.said, '[')
		for _, item := range n.Content {
			c.add(item)
		}
		c.said = append(c.said, ']')
	default:
		c.text(n.Tag)
		c.text(n.Value)
	}
}
