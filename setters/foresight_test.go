package setters_test

import (
	"bytes"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/parts/budget"
	"github.com/pinsetter/pinsetter/setters"
)

// guessed returns a guess for each line with an image, of one policy each.
func guessed(data []byte) []setters.Guess {
	var all []setters.Guess
	end := 0
	for line := range bytes.Lines(data) {
		start := end
		end += len(line)
		if text := bytes.TrimRight(line, "\n"); bytes.Contains(text, []byte("image: ")) {
			name := pinsetter.Name{Namespace: "ns", Name: "p" + string(rune('a'+len(all)%26))}
			all = append(all, setters.Guess{End: start + len(text), Policy: name, Part: pinsetter.PartReference})
		}
	}
	return all
}

// behind returns the marks of guesses in a sheet: of the last value that starts in
// or above a guess' line.
func behind(sheet *setters.Sheet, data []byte, all []setters.Guess) []setters.Mark {
	marks := make([]setters.Mark, len(all))
	var visit func(d setters.Document, node *yaml.Node)
	visit = func(d setters.Document, node *yaml.Node) {
		for i, g := range all {
			if node.Kind == yaml.ScalarNode && d.LineOf(node) <= 1+bytes.Count(data[:g.End], []byte("\n")) {
				marks[i] = setters.Mark{Document: d, Node: node, Policy: g.Policy, Part: g.Part}
			}
		}
		for _, child := range node.Content {
			visit(d, child)
		}
	}
	for _, d := range sheet.Documents {
		visit(d, d.Root)
	}
	return marks
}

// FuzzReadRehearsed holds that the one parse tells what two do: the documents of
// Read, and the result of Insert.
func FuzzReadRehearsed(f *testing.F) {
	for _, text := range []string{
		"image: a/b:1\n", "- image: a/b:1\n- image: a/c:1\n", "image: a/b:1", "a: |\n  image: a/b:1\n", "image: a/b:1\n  more\n",
		"image: a/b:1 # note\n", "# above\nimage: a/b:1\n# below\ntag: 1\n", "a: 'x\n  image: a/b:1\n  '\n", "{a: b,\n image: a/b:1\n}\n",
		"image: a/b:1\n---\nimage: a/b:1\n---\n# nothing\n", "%YAML 1.1\n---\nimage: a/b:1\n", "x: &a\n  image: a/b:1\ny: *a\n",
		"kind: List\nitems:\n- image: a/b:1\n- image: a/b:2\n", "image: a/b:1\r\nb: c\r\n", "a: [\nimage: a/b:1\n]\n", "image: a/b:1\n\n\n# far\n",
	} {
		f.Add([]byte(text))
	}
	paths, err := filepath.Glob("testdata/*/in")
	if err != nil || len(paths) == 0 {
		f.Fatal(err)
	}
	for _, path := range paths {
		f.Add([]byte(strings.ReplaceAll(string(read(f, path)), "$imagepolicy", "policy")))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		budget.Affords(t, len(data), func() {
			if len(data) > 8<<10 || bytes.ContainsAny(data, "\r\u0085\u2028\u2029") {
				return // guesses and their lines are counted by \n here
			}
			all := guessed(data)
			sheet, rehearsal := setters.ReadRehearsed("in", data, all)
			if sheet == nil {
				return
			}
			plain, err := setters.Read("in", data)
			if err != nil {
				t.Fatal(err)
			}
			marks := behind(plain, data, all)
			forget(sheet)
			forget(plain)
			if !reflect.DeepEqual(sheet.Documents, plain.Documents) {
				t.Fatalf("read otherwise:\n%q", data)
			}
			want, refused := plain.Insert(marks)
			got, ok := rehearsal.Insert(marks)
			for _, err := range refused {
				if err != nil {
					t.Fatalf("a marker that was rehearsed is refused: %v", err)
				}
			}
			if diff := cmp.Diff(want, got); ok && diff != "" {
				t.Fatalf("inserted otherwise (-want +got):\n%s", diff)
			}
			if !ok && !rehearsal.Covers(marks) {
				t.Fatalf("a rehearsal doesn't know its own marks:\n%q", data)
			}
		})
	})
}

// forget drops the comments, which a marker may take from or give to a neighbour.
func forget(sheet *setters.Sheet) {
	var visit func(node *yaml.Node)
	visit = func(node *yaml.Node) {
		node.HeadComment, node.LineComment, node.FootComment = "", "", ""
		for _, child := range node.Content {
			visit(child)
		}
	}
	for _, d := range sheet.Documents {
		visit(d.Root)
	}
}
