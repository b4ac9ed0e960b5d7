package setters

import "sigs.k8s.io/kustomize/kyaml/yaml"

// step is a key, or an item, on the path to the node that is visited.
type step struct {
	in    *yaml.Node // the mapping; nil for an item
	known bool
	twice bool // set once known: the key, or one above it, is a duplicate
}

func (s *search) push(key string, in *yaml.Node) {
	s.path = append(s.path, key)
	s.steps = append(s.steps, step{in: in})
}

func (s *search) pop() {
	s.path = s.path[:len(s.path)-1]
	s.steps = s.steps[:len(s.steps)-1]
}

// around returns the mapping that holds the visited value, nil for an item.
func (s *search) around() *yaml.Node {
	if len(s.steps) == 0 {
		return nil
	}
	return s.steps[len(s.steps)-1].in
}

// isTwice reports whether a key on the path to the node is a duplicate in its
// mapping. It checks each step once, however many markers are below it.
func (s *search) isTwice() bool {
	i := len(s.steps)
	for i > 0 && !s.steps[i-1].known {
		i--
	}
	twice := i > 0 && s.steps[i-1].twice
	for ; i < len(s.steps); i++ {
		in := s.steps[i].in
		twice = twice || in != nil && s.standsTwice(in, s.path[i])
		s.steps[i].known, s.steps[i].twice = true, twice
	}
	return twice
}

// fewKeys is the largest number of keys for which a mapping is searched again
// for each key, which is cheaper than a set. Larger ones would take quadratic
// time.
const fewKeys = 32

// standsTwice reports whether a key is in a mapping more than once.
func (s *search) standsTwice(mapping *yaml.Node, key string) bool {
	if len(mapping.Content) <= 2*fewKeys {
		n := 0
		for i := 0; i < len(mapping.Content); i += 2 {
			if k := mapping.Content[i]; k.Kind == yaml.ScalarNode && k.Value == key {
				n++
			}
		}
		return n > 1
	}
	keys, counted := s.counts[mapping]
	if !counted {
		keys = map[string]int{}
		for i := 0; i < len(mapping.Content); i += 2 {
			if k := mapping.Content[i]; k.Kind == yaml.ScalarNode {
				keys[k.Value]++
			}
		}
		if s.counts == nil {
			s.counts = map[*yaml.Node]map[string]int{}
		}
		s.counts[mapping] = keys
	}
	return keys[key] > 1
}
