package lexer_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/pinsetter/pinsetter/lexer"
	"github.com/pinsetter/pinsetter/parts/budget"
	"github.com/pinsetter/pinsetter/strict"
)

// judge returns the parser's documents of a text.
func judge(text string) (documents []*yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("parser gave up: %v", r)
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader([]byte(text)))
	for {
		var document yaml.Node
		if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
			return documents, nil
		} else if err != nil {
			return nil, err
		}
		documents = append(documents, &document)
	}
}

// agrees holds the lexer to the parser, and reports whether it took the text.
func agrees(t *testing.T, text string) bool {
	t.Helper()
	got, release := lexer.Parse(text)
	if got == nil {
		return false
	}
	defer release() // so that what is left of one text would show in the next
	want, err := judge(text)
	if err != nil || len(want) != 1 {
		t.Fatalf("the lexer took a text that the parser reads as %d documents, %v:\n%s\n%q", len(want), err, text, text)
	}
	if !same(want[0], got) {
		t.Fatalf("the lexer (+) doesn't read as the parser (-):\n%s\n%q\n%s", text, text, cmp.Diff(want[0], got))
	}
	return true
}

// same compares two nodes and all below them. It is cmp.Equal, but fast.
func same(a, b *yaml.Node) bool {
	if a.Kind != b.Kind || a.Style != b.Style || a.Tag != b.Tag || a.Value != b.Value || a.Anchor != b.Anchor || a.Alias != b.Alias ||
		a.HeadComment != b.HeadComment || a.LineComment != b.LineComment || a.FootComment != b.FootComment ||
		a.Line != b.Line || a.Column != b.Column || len(a.Content) != len(b.Content) {
		return false
	}
	for i := range a.Content {
		if !same(a.Content[i], b.Content[i]) {
			return false
		}
	}
	return true
}

// documents returns what people wrote: the documents of this repository's manifests,
// test data, examples in docs and stories, each from its "---" on.
func documents(tb testing.TB) []string {
	tb.Helper()
	var all []string
	seen := map[string]bool{}
	add := func(text string) {
		for _, document := range regexp.MustCompile(`(?m)^---`).Split(text, -1) {
			for _, text := range []string{document, "---" + document} {
				if !seen[text] && len(text) < 32<<10 {
					seen[text] = true
					all = append(all, text)
				}
			}
		}
	}
	fenced := regexp.MustCompile("(?ms)^ *```yaml\n(.*?)^ *```")
	archived := regexp.MustCompile(`(?ms)^-- \S+ --\n(.*?)(?:^-- |\z)`)
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		switch ext := filepath.Ext(path); {
		case ext == ".yaml", ext == ".yml", d.Name() == "in", d.Name() == "want":
			add(string(data))
		case ext == ".md":
			for _, m := range fenced.FindAllSubmatch(data, -1) {
				add(string(m[1]))
			}
		case ext == ".txtar":
			for _, m := range archived.FindAllSubmatch(data, -1) {
				add(string(m[1]))
			}
		}
		return nil
	})
	if err != nil || len(all) < 500 {
		tb.Fatalf("%d documents, %v", len(all), err)
	}
	return all
}

// Of the documents that people wrote, the lexer takes most.
func TestDocuments(t *testing.T) {
	all := documents(t)
	taken := 0
	for _, text := range all {
		if agrees(t, text) {
			taken++
		}
	}
	t.Logf("%d of %d documents taken", taken, len(all))
	if taken < len(all)*6/10 {
		t.Errorf("%d of %d documents taken", taken, len(all))
	}
}

// What the lexer must not guess at, it leaves to the parser.
func TestLeft(t *testing.T) {
	for name, text := range map[string]string{
		"anchor":                 "a: &b c\n",
		"alias":                  "a: *b\n",
		"tag":                    "a: !!str c\n",
		"merge key":              "a:\n  <<: b\n",
		"complex key":            "? a\n: b\n",
		"key in flow style":      "{a: b}: c\n",
		"literal":                "a: |\n  b\n",
		"folded":                 "a: >-\n  b\n",
		"escape":                 `a: "b\tc"` + "\n",
		"two lines, plain":       "a: b\n  c\n",
		"two lines, quoted":      "a: 'b\n  c'\n",
		"two lines, flow":        "a: [b,\n  c]\n",
		"comment in flow":        "a: [b, # c\n  d]\n",
		"tab":                    "a:\tb\n",
		"carriage return":        "a: b\r\n",
		"control character":      "a: \x01\n",
		"byte order mark":        "\ufeffa: b\n",
		"line separator":         "a: b\u2028c\n",
		"next line":              "a: b\u0085c\n",
		"hard blank":             "a: b\u00a0c\n",
		"not UTF-8":              "a: \xff\n",
		"directive":              "%YAML 1.2\n---\na: b\n",
		"end of document":        "a: b\n...\n",
		"two documents":          "a: b\n---\nc: d\n",
		"no document":            "# c\n",
		"nothing":                "",
		"scalar":                 "a\n",
		"value behind ---":       "--- a\n",
		"comment behind a dash":  "- # c\n  a: b\n",
		"no blank before #":      "a: 'b'#c\n",
		"no key":                 "a: b\nc\n",
		"two values":             "a: b: c\n",
		"two scalars":            "a: 'b' 'c'\n",
		"wrong indentation":      "a:\n    b: c\n  d: e\n",
		"item beside a key":      "a: b\n- c\n",
		"open bracket":           "a: [b\n",
		"open quote":             "a: 'b\n",
		"pair in a sequence":     "a: [b: c]\n",
		"key alone in a mapping": "a: {b}\n",
		"reserved":               "a: @b\n",
		"far comment":            "a: 'b'" + strings.Repeat(" ", 600) + "# c\n",
		"many empty lines":       "a: b\n# c\n" + strings.Repeat("\n", 600) + "d: e\n",
		"long key":               strings.Repeat("a", 1000) + ": b\n",
		"deep":                   strings.Repeat("- ", 200) + "a\n",
	} {
		if agrees(t, text) {
			t.Errorf("%s: taken: %.100q", name, text)
		}
	}
}

// TestMutants holds the lexer to the parser over documents that were changed at
// random, and over such that are made at random. The seed is fixed.
func TestMutants(t *testing.T) {
	all := documents(t)
	random := rand.New(rand.NewPCG(20, 26))
	const mutants, most = 30_000, 4 << 10
	taken := 0
	for range mutants {
		text := invent(random)
		if random.IntN(3) > 0 {
			text = all[random.IntN(len(all))]
		}
		if len(text) > most {
			continue
		}
		if agrees(t, mutate(random, text)) {
			taken++
		}
	}
	t.Logf("%d of %d mutants taken", taken, mutants)
	if taken < mutants/5 {
		t.Errorf("%d of %d mutants taken", taken, mutants)
	}
}

// scraps are what mutants are made with.
var scraps = []string{
	"# c", "#", " # c", "  # c", " #", "#c", ": ", ":", "- ", "-", "-\n", "- - ", "a: b", "a:", "b: {c: d}", "[x, y]", "[]", "{}", "{", "]", ", ",
	"'q'", `"q"`, "'it''s'", `"a\tb"`, "'", `"`, "|\n", ">-\n", "? ", "&a ", "*a", "!!str ", "<<", "~", "null", "true", "1", "1.0", "0x1", "2024-01-01", "é", "“q”", "\u00a0",
	"\n", "\n\n", "\n\n\n", "\n  ", "\n    ", "\n# c\n", "\n  # c\n", "\n\n# c\n\n", "\n    # c\n", "\t", " ", "   ", "\r\n", "---\n", "...\n", "%", "\ufeff",
	` # {"$imagepolicy": "ns:p"}`, "x: # c\n", "- # c\n", "a : b", "a: b: c", "a:b", "http://x/y", "x:1@sha256:0", "- a: b\n  c: d\n",
}

// mutate changes a text in one to six places.
func mutate(random *rand.Rand, text string) string {
	for range random.IntN(7) {
		lines := strings.SplitAfter(text, "\n")
		i := random.IntN(len(lines))
		switch random.IntN(9) {
		case 0:
			lines[i] = ""
		case 1:
			lines[i] += lines[i]
		case 2:
			lines[i] = strings.Repeat(" ", 1+random.IntN(4)) + lines[i]
		case 3:
			lines[i] = strings.TrimPrefix(lines[i], strings.Repeat(" ", 1+random.IntN(2)))
		case 4: // a comment at some column
			lines[i] = strings.Repeat(" ", random.IntN(10)) + "# comment\n" + lines[i]
		case 5:
			lines[i] += strings.Repeat("\n", 1+random.IntN(2))
		case 6:
			j := random.IntN(len(lines))
			lines[i], lines[j] = lines[j], lines[i]
		case 7:
			lines[i] = strings.TrimSuffix(lines[i], "\n") + " # behind\n"
		default:
			at := random.IntN(len(lines[i]) + 1)
			lines[i] = lines[i][:at] + scraps[random.IntN(len(scraps))] + lines[i][at:]
		}
		text = strings.Join(lines, "")
	}
	return text
}

// invent makes a document.
func invent(random *rand.Rand) string {
	var b strings.Builder
	if random.IntN(3) == 0 {
		b.WriteString("---\n")
	}
	w := writer{random, &b}
	w.collection(0, 0)
	if random.IntN(6) == 0 {
		return strings.TrimRight(b.String(), "\n")
	}
	return b.String()
}

// writer makes YAML as people write it.
type writer struct {
	*rand.Rand
	*strings.Builder
}

// oneIn reports whether a thing happens that does so in one of n cases.
func (w writer) oneIn(n int) bool { return w.IntN(n) == 0 }

// between writes empty lines and comments.
func (w writer) between(column int) {
	for w.oneIn(3) {
		if w.oneIn(2) {
			w.WriteString("\n")
			continue
		}
		if w.oneIn(4) {
			column = w.IntN(8)
		}
		w.WriteString(strings.Repeat(" ", column) + "# comment\n")
	}
}

// collection writes a mapping or a sequence that begins at a column.
func (w writer) collection(column, depth int) {
	sequence := w.oneIn(3)
	for range 1 + w.IntN(4) {
		w.between(column)
		w.WriteString(strings.Repeat(" ", column))
		if sequence {
			w.WriteString("-")
		} else {
			fmt.Fprintf(w, "%s:", []string{"a", "key", "'q'", `"r"`, "x.y/z", "1", "on"}[w.IntN(7)])
		}
		w.value(column, depth, sequence)
	}
	w.between(column)
}

// value writes what follows a dash or a colon.
func (w writer) value(column, depth int, item bool) {
	switch {
	case depth < 4 && item && w.oneIn(2): // a: b behind the dash
		fmt.Fprintf(w, " k: v%s\n", w.behind())
		if w.oneIn(2) {
			w.collection(column+2, depth+1)
		}
	case depth < 4 && w.oneIn(3):
		w.WriteString(w.behind() + "\n")
		w.collection(column+[]int{2, 2, 2, 4, 0}[w.IntN(5)], depth+1)
	case w.oneIn(9):
		w.WriteString(w.behind() + "\n")
	default:
		values := []string{
			"x", "two words", "1", "1.0", "true", "~", "null", "'single'", `"double"`, "a:b", "http://x/y#z", "x/y:1.0", "[]", "{}", "[a, b]",
			"{a: b, c: 'd'}", "[{a: b}, [1, 2], ]", "{a: [x], b: {c: d}}", "2024-01-01", "0o17", "-1", "-x", ".5", "it's", "ü", "'it''s'", "[a b , c]", `{"a":b}`,
		}
		fmt.Fprintf(w, " %s%s\n", values[w.IntN(len(values))], w.behind())
	}
}

// behind is a comment at the end of a line, or nothing.
func (w writer) behind() string {
	if w.oneIn(4) {
		return []string{" # behind", "  # behind", ` # {"$imagepolicy": "ns:p"}`}[w.IntN(3)]
	}
	return ""
}

// What Read returns is the parser's, stays as it is while other texts are read, and
// the same where the lexer gives up or reads no such text.
func TestRead(t *testing.T) {
	type read struct {
		text string
		node *strict.Node
	}
	var all []read
	texts := append(documents(t), "", "# nothing", "a: &b 1", "a: [", "text", strings.Repeat("long: text\n", 7_000), "a: 1\n...\nb: 2", "a: \xff")
	for _, text := range texts {
		node, failure := lexer.Read(strict.Document{Data: []byte(text), Line: 7})
		want, wantFailure := strict.Document{Data: []byte(text), Line: 7}.Parse()
		if diff := cmp.Diff(fmt.Sprint(wantFailure), fmt.Sprint(failure)); diff != "" {
			t.Fatalf("%q fails otherwise than the parser (-):\n%s", text, diff)
		}
		if (node == nil) != (want == nil) {
			t.Fatalf("%q: there is a node: %t, and the parser says %t", text, node != nil, want != nil)
		}
		if want != nil && !strings.ContainsAny(text, "&*") { // an alias is a pointer into its own tree
			all = append(all, read{text, node})
		}
	}
	for _, r := range all {
		if want, _ := (strict.Document{Data: []byte(r.text), Line: 7}).Parse(); !same(want, r.node) {
			t.Fatalf("%q isn't what the parser (-) reads:\n%s", r.text, cmp.Diff(want, r.node))
		}
	}
}

// FuzzParse holds the lexer to the parser over any text.
func FuzzParse(f *testing.F) {
	for _, text := range documents(f) {
		if len(text) < 2<<10 {
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) < 16<<10 {
			budget.Affords(t, len(text), func() { agrees(t, text) })
		}
	})
}

// FuzzMutants is TestMutants with other seeds.
func FuzzMutants(f *testing.F) {
	all := documents(f)
	f.Add(uint64(1), uint64(2))
	f.Fuzz(func(t *testing.T, one, two uint64) {
		random := rand.New(rand.NewPCG(one, two))
		for range 20 {
			agrees(t, mutate(random, invent(random)))
			if text := all[random.IntN(len(all))]; len(text) < 8<<10 {
				agrees(t, mutate(random, text))
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	text := "kind: Deployment\nmetadata:\n  name: app # as elsewhere\nspec:\n  # All of it.\n  containers:\n" +
		strings.Repeat("    - name: app\n      image: registry.example.com/team/app:1.0.0\n      args: [a, \"b\"]\n", 10)
	b.Run("lexer", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		for b.Loop() {
			_, release := lexer.Parse(text)
			release()
		}
	})
	b.Run("parser", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := judge(text); err != nil {
				b.Fatal(err)
			}
		}
	})
}
