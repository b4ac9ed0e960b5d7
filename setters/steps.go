package setters

import "sigs.k8s.io/kustomize/kyaml/yaml"

// step is a key, or an item, on the path to the node that is visited.
type step struct {
	in    *yaml.Node // the mapping; nil for an item
	known bool
	twice bool // set once known: the key, or one above it, is a duplicate
}

// trail leads to the node that a search visits.
type trail struct {
	scope  scope
	path   []string                      // keys from the object's root to the node; "[]" is an item
	steps  []step                        // of path
	counts map[*yaml.Node]map[string]int // number of times a key stands in a large mapping
}

func (t *trail) push(key string, in *yaml.Node) {
	t.path = append(t.path, key)
	t.steps = append(t.steps, step{in: in})
}

func (t *trail) pop() {
	t.path = t.path[:len(t.path)-1]
	t.steps = t.steps[:len(t.steps)-1]
}

// around returns the mapping that holds the visited value, nil for an item.
func (t *trail) around() *yaml.Node {
	if len(t.steps) == 0 {
		return nil
	}
	return t.steps[len(t.steps)-1].in
}

// isTwice reports whether a key on the path to the node is a duplicate in its
// mapping. It checks each step once, however many markers are below it.
func (t *trail) isTwice() bool {
	i := len(t.steps)
	for i > 0 && !t.steps[i-1].known {
		i--
	}
	twice := i > 0 && t.steps[i-1].twice
	for ; i < len(t.steps); i++ {
		in := t.steps[i].in
		twice = twice || in != nil && t.standsTwice(in, t.path[i])
		t.steps[i].known, t.steps[i].twice = true, twice
	}
	return twice
}

// fewKeys is the largest number of keys for which a mapping is searched again
// for each key, which is cheaper than a set. Larger ones would take quadratic
// time.
const fewKeys = 32

// standsTwice reports whether a key is in a mapping more than once.
func (t *trail) standsTwice(mapping *yaml.Node, key string) bool {
	if len(mapping.Content) <= 2*fewKeys {
		n := 0
		for i := 0; i < len(mapping.Content); i += 2 {
			if k := mapping.Content[i]; k.Kind == yaml.ScalarNode && k.Value == key {
				n++
			}
		}
		return n > 1
	}
	keys, counted := t.counts[mapping]
	if !counted {
		keys = map[string]int{}
		for i := 0; i < len(mapping.Content); i += 2 {
			if k := mapping.Content[i]; k.Kind == yaml.ScalarNode {
				keys[k.Value]++
			}
		}
		if t.counts == nil {
			t.counts = map[*yaml.Node]map[string]int{}
		}
		t.counts[mapping] = keys
	}
	return keys[key] > 1
}
