package lexer

import "github.com/pinsetter/pinsetter/strict"

// mostShared bounds the bytes of a document that Read reads itself: each string of its
// nodes keeps the whole text in memory.
const mostShared = 64 << 10

// Read reads a document as its Parse does: it asks the parser where Parse of this
// package gives up. The nodes may be kept.
func Read(d strict.Document) (*strict.Node, *strict.Error) {
	if len(d.Data) > mostShared {
		return d.Parse()
	}
	document, release := Parse(string(d.Data))
	if document == nil {
		return d.Parse()
	}
	kept := keep(document.Content[0])
	release()
	return kept, nil
}

// keep returns a copy of a node and all below it, in memory of their own.
func keep(n *strict.Node) *strict.Node {
	count := countNodes(n)
	c := copier{nodes: make([]strict.Node, 0, count), lists: make([]*strict.Node, 0, count)}
	return c.copy(n)
}

func countNodes(n *strict.Node) int {
	count := 1
	for _, child := range n.Content {
		count += countNodes(child)
	}
	return count
}

// copier has room for all nodes of a tree and for their lists.
type copier struct {
	nodes []strict.Node
	lists []*strict.Node
}

func (c *copier) copy(n *strict.Node) *strict.Node {
	c.nodes = append(c.nodes, *n)
	copied := &c.nodes[len(c.nodes)-1]
	if len(n.Content) == 0 {
		return copied
	}
	from := len(c.lists)
	to := from + len(n.Content)
	c.lists = c.lists[:to]
	copied.Content = c.lists[from:to:to]
	for i, child := range n.Content {
		copied.Content[i] = c.copy(child)
	}
	return copied
}
