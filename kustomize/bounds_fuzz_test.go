package kustomize

import (
	"bytes"
	"testing"

	"github.com/pinsetter/pinsetter/strict"
)

// FuzzBounds: whatever is read, a document that is kept stands on its line as it was,
// one that may be wanted is kept, and nothing is given to kustomize over the bounds.
func FuzzBounds(f *testing.F) {
	f.Add([]byte("kind: A\nmetadata: {name: a}\n---\nkind: Gate\nmetadata: {name: b}\n"))
	f.Add([]byte("\xef\xbb\xbf%YAML 1.2\n--- {a: &a [*a]}\n...\nkind: Gate"))
	f.Add([]byte("a: &a {<<: *a}\n--- \nitems: [{items: [1]}]\nkind: \"\\x47ate\"\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		wanted := func(b []byte) bool { return bytes.Contains(b, []byte("Gate")) }
		kept := concerning(data, wanted)
		if len(kept) > len(data) {
			t.Fatalf("%q became %q", data, kept)
		}
		lines := map[int][]byte{}
		for _, c := range strict.Split(kept) {
			lines[c.Line] = c.Data
		}
		for _, c := range strict.Split(data) {
			if wanted(c.Data) && !bytes.Contains(kept, c.Data) {
				t.Fatalf("%q is lost in %q", c.Data, kept)
			}
			if at := lines[c.Line]; len(at) > 0 && at[0] != '\n' && at[0] != '\r' && !bytes.Equal(at, c.Data) && bytes.HasPrefix(c.Data, []byte("---")) && bytes.HasPrefix(at, c.Data[:3]) && !bytes.HasPrefix(at, c.Data) {
				t.Fatalf("line %d: %q became %q", c.Line, c.Data, at)
			}
		}
		s := spent{added: 60}
		if err := s.add("x", data); err == nil && (s.nodes > maxNodes || s.objects > maxObjects) {
			t.Fatalf("%+v", s)
		}
	})
}
