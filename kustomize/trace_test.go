package kustomize

import (
	"bytes"
	"testing"

	"sigs.k8s.io/kustomize/api/resource"

	"github.com/pinsetter/pinsetter/parts/budget"
)

// FuzzTrace: whatever files and results are, each line of a result comes from
// somewhere, and a kustomization that notes origins is the same but for that.
func FuzzTrace(f *testing.F) {
	f.Add([]byte("kind: A\nmetadata: {name: a}\nspec: {list: [{name: x}, 2]}\n"), []byte("kind: A\nmetadata:\n  name: pre-a\nspec:\n  list:\n  - name: x\n  - 2\n"))
	f.Add([]byte("kind: List\nitems: [&a {kind: A, <<: *a}, 1]\n---\nkind: A"), []byte("kind: A\n"))
	f.Add([]byte("secretGenerator: [{name: a}, 2]\n...\n"), []byte("- 1\n"))
	f.Fuzz(func(t *testing.T, source, result []byte) {
		budget.Affords(t, len(source)+len(result), func() {
			for _, from := range []*resource.Origin{nil, {Path: "x"}, {ConfiguredIn: "x"}} {
				l := &localFiles{dir: "d", base: "/d", read: map[string][]byte{"/d/x": source, "/d/y": source}, parsed: map[string][]piece{}}
				o := l.trace(result, from)
				if o.Path == "" || len(o.Lines) != bytes.Count(result, []byte("\n"))+1 {
					t.Fatalf("%+v", o)
				}
				for _, line := range o.Lines {
					if line < 1 || line > bytes.Count(source, []byte("\n"))+bytes.Count(source, []byte("\r"))+1 && line != 1 {
						t.Fatalf("line %d of %q for %q", line, source, result)
					}
				}
			}
			if more := withOrigins(source); !bytes.HasPrefix(more, bytes.TrimSuffix(source, []byte("\n"))) {
				t.Fatalf("%q became %q", source, more)
			}
		})
	})
}
