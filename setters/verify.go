package setters

import (
	"fmt"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// position is a node's line and column, as kyaml counts them.
type position struct{ line, column int }

// verification compares a chunk with its rewritten form.
type verification struct {
	edits   map[position]edit // by the position of the original's node
	inserts bool              // one of them fills an empty value
	seen    int
}

// verify parses a chunk before and after, and returns an error unless the two
// differ only in the edited values. Read reads the one before, kyaml the one after: if
// they agree on all that isn't edited, both are right about it.
func verify(read reader, before, after []byte, edits []edit) error {
	was, release, err := read(before)
	defer release()
	if err != nil {
		return fmt.Errorf("parse the original: %w", err)
	}
	is, err := parse(after)
	if err != nil {
		return fmt.Errorf("parse the result: %w", err)
	}
	if len(was) != len(is) {
		return fmt.Errorf("the result has %d documents instead of %d", len(is), len(was))
	}
	v := verification{edits: make(map[position]edit, len(edits))}
	for _, e := range edits {
		v.edits[position{e.line, e.column}] = e
		v.inserts = v.inserts || e.insert
	}
	for i := range was {
		if err := v.node(was[i], is[i]); err != nil {
			return err
		}
	}
	if v.seen != len(edits) {
		return fmt.Errorf("the result shows %d of %d new values", v.seen, len(edits))
	}
	return nil
}

// node compares two nodes and their descendants.
func (v *verification) node(was, is *yaml.Node) error {
	if e, ok := v.edits[position{was.Line, was.Column}]; ok && was.Kind == yaml.ScalarNode {
		return v.edited(was, is, e)
	}
	if !v.same(was, is) || was.Value != is.Value || was.Tag != is.Tag || was.Style != is.Style || was.LineComment != is.LineComment {
		return differ(was)
	}
	for i := range was.Content {
		if was.Kind == yaml.MappingNode && i%2 == 0 && v.inserted(was.Content[i+1]) {
			if err := v.filled(was, is, i); err != nil {
				return err
			}
			continue
		}
		if err := v.node(was.Content[i], is.Content[i]); err != nil {
			return err
		}
	}
	return nil
}

// inserted reports whether a value was empty and is now filled.
func (v *verification) inserted(node *yaml.Node) bool {
	e, ok := v.edits[position{node.Line, node.Column}]
	return ok && e.insert && node.Kind == yaml.ScalarNode
}

// filled compares the i-th key of two mappings if its value was empty: the
// comment has moved from the key to the value.
func (v *verification) filled(was, is *yaml.Node, i int) error {
	key, value := was.Content[i], was.Content[i+1]
	if !v.same(key, is.Content[i]) || key.Value != is.Content[i].Value || is.Content[i+1].LineComment != key.LineComment {
		return differ(value)
	}
	return nil
}

// edited compares a marked value.
func (v *verification) edited(was, is *yaml.Node, e edit) error {
	v.seen++
	if !v.same(was, is) || is.Value != e.value || is.Tag != yaml.NodeTagString {
		return differ(was)
	}
	if !e.insert && was.LineComment != is.LineComment {
		return differ(was)
	}
	return nil
}

// same compares everything that no edit changes.
func (v *verification) same(was, is *yaml.Node) bool {
	return was.Kind == is.Kind &&
		was.Line == is.Line &&
		was.Anchor == is.Anchor &&
		v.sameComment(was.HeadComment, is.HeadComment) &&
		v.sameComment(was.FootComment, is.FootComment) &&
		len(was.Content) == len(is.Content)
}

// sameComment compares the comments above or below a node. Once an empty value
// is filled, kyaml distributes the comments around it differently; then only
// those with markers must be the same.
func (v *verification) sameComment(was, is string) bool {
	if v.inserts && !strings.Contains(was, token) && !strings.Contains(is, token) {
		return true
	}
	return was == is
}

// differ returns the error for a node that changed unexpectedly.
func differ(node *yaml.Node) error {
	return fmt.Errorf("the result would differ at line %d of the document in more than the marked value", node.Line)
}
