package setters_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/setters"
)

// markEverything asks for a marker behind every scalar value of a file.
func markEverything(data []byte) (*setters.Sheet, []setters.Mark) {
	sheet, err := setters.Read("in.yaml", data)
	if err != nil {
		return nil, nil
	}
	var marks []setters.Mark
	for _, d := range sheet.Documents {
		var visit func(*yaml.Node)
		visit = func(n *yaml.Node) {
			for i, child := range n.Content {
				if n.Kind == yaml.MappingNode && i%2 == 0 {
					continue
				}
				if child.Kind == yaml.ScalarNode {
					marks = append(marks, setters.Mark{Document: d, Node: child, Policy: pinsetter.Name{Namespace: "ns", Name: "app"}, Part: pinsetter.PartTag})
				}
				visit(child)
			}
		}
		if d.Root != nil {
			visit(d.Root)
		}
	}
	return sheet, marks
}

const inserted = ` # {"$imagepolicy": "ns:app:tag"}`

func TestInsert(t *testing.T) {
	for _, row := range []struct{ name, in, want string }{
		{"plain", "a: 1\n", "a: 1" + inserted + "\n"},
		{"no line end", "a: 1", "a: 1" + inserted},
		{"blanks behind", "a: 1  \n", "a: 1" + inserted + "  \n"},
		{"CRLF", "a: 1\r\nb: 2\r\n", "a: 1" + inserted + "\r\nb: 2" + inserted + "\r\n"},
		{"comment", "a: 1   # keep \n", "a: 1   # keep" + inserted + " \n"},
		{"empty comment", "a: 1 #\n", "a: 1 #" + inserted + "\n"},
		{"quotes", "a: '1' # x\nb: \"2\"\n", "a: '1' # x" + inserted + "\nb: \"2\"" + inserted + "\n"},
		{"anchor", "a: &x 1\nb: *x\n", "a: &x 1" + inserted + "\nb: *x\n"},
		{"items", "- 1\n  # above\n- 2\n", "- 1" + inserted + "\n  # above\n- 2" + inserted + "\n"},
		{"flow stays", "a: {b: 1, c: 2}\nd: [3]\n", "a: {b: 1, c: 2}\nd: [3]\n"},
		{"flow over lines stays", "a: [\n  1,\n  2,\n]\n", "a: [\n  1,\n  2,\n]\n"},
		{"block scalar stays", "a: |\n  1\nb: >-\n  2\n", "a: |\n  1\nb: >-\n  2\n"},
		{"several lines stay", "a: 1\n  2\nb: \"1\n  2\"\n", "a: 1\n  2\nb: \"1\n  2\"\n"},
		{"escapes stay", `a: "1\x32"` + "\n", `a: "1\x32"` + "\n"},
		{"empty stays", "a:\nb: ~\n", "a:\nb: ~" + inserted + "\n"},
		{"marked stays", "a: 1" + inserted + "\n", "a: 1" + inserted + "\n"},
		{"attempt stays", "a: 1 # $imagepolicy: x\n", "a: 1 # $imagepolicy: x\n"},
		{"documents", "a: 1\n---\n: [\n---\nb: 2\n", "a: 1" + inserted + "\n---\n: [\n---\nb: 2" + inserted + "\n"},
		{"value on its own line", "a:\n  1\n", "a:\n  1" + inserted + "\n"},
		{"no blank before", "a: x#y\n", "a: x#y" + inserted + "\n"},
		{"byte order mark", "\uFEFFa: 1\n", "\uFEFFa: 1" + inserted + "\n"},
		{"emoji", "a: {😀: 1}\nb: 😀1 # 😀\n", "a: {😀: 1}\nb: 😀1 # 😀" + inserted + "\n"},
	} {
		sheet, marks := markEverything([]byte(row.in))
		got, refused := sheet.Insert(marks)
		if string(got.Data) != row.want {
			t.Errorf("%s:\n%s\nwant\n%s\n%v", row.name, got.Data, row.want, refused)
		}
	}
}

// FuzzInsert holds that only comments are inserted, that what was written is
// found with the value that was there, and that twice equals once.
func FuzzInsert(f *testing.F) {
	for _, seed := range []string{
		"a: 1 # x\nb: [1, 2]\n", "a: &x 'v'\r\nb: *x\r\n", "- a: |\n    x\n  b: \"y\" #\n", "a: {b: 1\n}\n", "%YAML 1.1\n---\na: 1\n",
		"\uFEFFa: 1\n---\nb: 2 # {\n", "? a\n: b # c\n", "a: !!str 1\n", "a: x\u0085b: y\n", "a: 1\rb: 2\r", "items:\n- # x\n  1\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		sheet, marks := markEverything(data)
		if len(marks) == 0 || len(marks) > 100 {
			return
		}
		marked, refused := sheet.Insert(marks)
		got := marked.Data
		written := map[string]int{}
		n := 0
		for i, err := range refused {
			if err == nil {
				value := marks[i].Node.Value
				if marks[i].Node.Tag == yaml.NodeTagNull && marks[i].Node.Style == 0 {
					value = ""
				}
				written[value]++
				n++
			}
		}
		if len(got) != len(data)+n*len(inserted) || n > 0 && !strings.Contains(string(data), inserted) && strings.ReplaceAll(string(got), inserted, "") != string(data) {
			t.Fatalf("other bytes changed:\n%q\n%q", data, got)
		}
		for _, site := range setters.Find("in.yaml", got).Sites {
			for _, m := range site.Markers {
				written[m.Value]--
			}
		}
		for value, more := range written {
			if more > 0 {
				t.Fatalf("%d markers of value %q aren't found in\n%q", more, value, got)
			}
		}
		rehearse(t, sheet, marks, marked, refused)
		again, _ := markEverything(got)
		_, marks = markEverything(got)
		if twice, _ := again.Insert(marks); n > 0 && string(twice.Data) != string(got) {
			t.Fatalf("twice differs:\n%q\n%q", got, twice.Data)
		}
	})
}

// rehearse holds that a rehearsal with another policy tells the same.
func rehearse(t *testing.T, sheet *setters.Sheet, marks []setters.Mark, want setters.Marked, refused []error) {
	t.Helper()
	stand := slices.Clone(marks)
	for i := range stand {
		stand[i].Policy = pinsetter.Name{Namespace: "a-namespace", Name: "other"}
	}
	r := sheet.Rehearse(stand)
	if r == nil {
		return
	}
	got, ok := r.Insert(marks)
	if !ok || slices.ContainsFunc(refused, func(err error) bool { return err != nil }) {
		t.Fatalf("the rehearsal tells %v, and refused were %v", ok, refused)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
}

func TestRehearsalKnowsItsLimits(t *testing.T) {
	name := func(name string) pinsetter.Name { return pinsetter.Name{Namespace: "ns", Name: name} }
	sheet, marks := markEverything([]byte("a: 1\nb: 2\n"))
	marks[0].Policy, marks[1].Policy = name("x"), name("y")
	r := sheet.Rehearse(marks)
	for _, row := range []struct {
		name string
		make func([]setters.Mark) []setters.Mark
		ok   bool
	}{
		{"other names", func(m []setters.Mark) []setters.Mark { m[0].Policy, m[1].Policy = name("y"), name("x"); return m }, true},
		{"one name for two", func(m []setters.Mark) []setters.Mark { m[0].Policy = name("y"); return m }, false},
		{"no name", func(m []setters.Mark) []setters.Mark { m[0].Policy = name("no name"); return m }, false},
		{"another part", func(m []setters.Mark) []setters.Mark { m[0].Part = pinsetter.PartDigest; return m }, false},
		{"another value", func(m []setters.Mark) []setters.Mark { m[0].Node = m[1].Node; return m }, false},
		{"fewer", func(m []setters.Mark) []setters.Mark { return m[:1] }, false},
	} {
		if _, ok := r.Insert(row.make(slices.Clone(marks))); ok != row.ok {
			t.Errorf("%s: told %v", row.name, ok)
		}
	}
	marks[1].Policy = name("x")
	if _, ok := sheet.Rehearse(marks).Insert([]setters.Mark{{Node: marks[0].Node, Policy: name("x"), Part: pinsetter.PartTag}, {Node: marks[1].Node, Policy: name("y"), Part: pinsetter.PartTag}}); ok {
		t.Error("two names for one: told")
	}
	if sheet, marks := markEverything([]byte("a: 1\nb: 2 # {\"$imagepolicy\": \"ns:x\"}\n")); sheet.Rehearse(marks[:1]) != nil {
		t.Error("a file with markers was rehearsed")
	}
}
