package setters_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/setters"
)

// same checks that the lexer changes no result: neither what is found in a file, down
// to the places of values, nor what is made of it.
func same(t *testing.T, in []byte) {
	t.Helper()
	got, want := setters.Find("in", in), setters.FindByParser("in", in)
	if !bytes.Equal(got.Note(), want.Note()) {
		t.Fatalf("the lexer finds (+) something else than the parser (-):\n%s\n%q\n%s%s", in, in,
			cmp.Diff(want.Sites, got.Sites, cmpopts.EquateEmpty()), cmp.Diff(want.Findings, got.Findings))
	}
	image := pinsetter.Image{Name: "ghcr.io/a/app", Tag: "1.10", Digest: digest}
	made, changes, err := everywhere(got, image)
	wanted, others, failed := everywhere(want, image)
	if !bytes.Equal(made, wanted) || !cmp.Equal(changes, others) || fmt.Sprint(err) != fmt.Sprint(failed) {
		t.Fatalf("the lexer makes %q, %v, %v, the parser %q, %v, %v of\n%s", made, changes, err, wanted, others, failed, in)
	}
}

// pieces returns the golden files, and all of their lines.
func pieces(tb testing.TB) (files, lines []string) {
	tb.Helper()
	inputs, err := filepath.Glob("testdata/*/in")
	if err != nil || len(inputs) == 0 {
		tb.Fatalf("no golden files: %v", err)
	}
	for _, in := range inputs {
		text := string(read(tb, in))
		files = append(files, text)
		lines = append(lines, strings.SplitAfter(text, "\n")...)
	}
	return files, append(lines, fragments...)
}

// shuffle returns a golden file with some lines of others put in, and some taken out.
func shuffle(random *rand.Rand, files, lines []string) []byte {
	text := strings.SplitAfter(files[random.IntN(len(files))], "\n")
	for range random.IntN(5) {
		i := random.IntN(len(text))
		switch random.IntN(4) {
		case 0:
			text[i] = ""
		case 1:
			text[i] = " " + text[i]
		default:
			text[i] += lines[random.IntN(len(lines))]
		}
	}
	return []byte(strings.Join(text, ""))
}

// TestLexerChangesNoResult holds what is found and written to what it is without the
// lexer, over the golden files and files made of their lines. The seed is fixed.
func TestLexerChangesNoResult(t *testing.T) {
	files, lines := pieces(t)
	for _, text := range files {
		same(t, []byte(text))
	}
	random := rand.New(rand.NewPCG(20, 26))
	for range 3_000 {
		same(t, shuffle(random, files, lines))
	}
}

// FuzzLexer is TestLexerChangesNoResult over any file, and over others of its kind.
func FuzzLexer(f *testing.F) {
	files, lines := pieces(f)
	for i, text := range files {
		f.Add([]byte(text), uint64(i))
	}
	f.Fuzz(func(t *testing.T, in []byte, seed uint64) {
		if len(in) < 16<<10 {
			same(t, in)
		}
		same(t, shuffle(rand.New(rand.NewPCG(seed, 1)), files, lines))
	})
}
