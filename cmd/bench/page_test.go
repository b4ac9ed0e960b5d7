package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// small is a suite with a row of each kind.
var small = []benchmark{
	{"cmd/pinsetter", "Run", 3, []row{{
		below: "files=#/first", sizes: []int{1_000, 10_000, 100_000}, work: "first `run`, # files", unit: "x-git",
		yardstick: "C git's clone",
		targets:   []target{{unit: "x-git", most: 1, from: 10_000}, {unit: "peak-MB", most: 256, from: 100_000}},
	}}},
	{"bot", "Gates", 3, []row{{
		work: "gates", yardstick: "none", unit: "x-nogates", targets: []target{{unit: "extra-requests", most: 0}},
	}}},
	{"registry", "ListDistribution", 3, []row{{work: "a part is missing", yardstick: "one request", unit: "x-plain"}}},
	{"cmd/bench", "Libraries", 3, []row{{below: "yaml", work: "yaml", cost: true}, {below: "sql", work: "sql", cost: true}}},
}

// A folder of testdata is the file of before, the output of a run of today, and
// the files that they make. What no row shows is in none of them.
func TestPage(t *testing.T) {
	folders, err := filepath.Glob("testdata/*/in")
	if err != nil || len(folders) == 0 {
		t.Fatalf("testdata/*/in: %d, %v", len(folders), err)
	}
	for _, in := range folders {
		want := filepath.Join(filepath.Dir(in), "want")
		t.Run(filepath.Base(filepath.Dir(in)), func(t *testing.T) {
			runs := merge(small, parse(read(t, in+"/performance.txt")), parse(read(t, in+"/output.txt")))
			golden(t, want+"/performance.txt", format(runs))
			golden(t, want+"/performance.md", page(small, runs))
		})
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(read(t, path), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// The page in docs is what the lines beside it make.
func TestThePageInDocsIsMadeOfItsLines(t *testing.T) {
	runs := parse(read(t, "../../docs/performance.txt"))
	golden(t, "../../docs/performance.md", page(suite, runs))
}

// Each benchmark of the suite is in the sources of its room.
func TestTheSuiteIsThere(t *testing.T) {
	for _, b := range suite {
		sources, err := filepath.Glob("../../" + b.room + "/*_test.go")
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, path := range sources {
			found = found || strings.Contains(read(t, path), "func Benchmark"+b.name+"(")
		}
		if !found {
			t.Errorf("%s has no Benchmark%s", b.room, b.name)
		}
	}
}

// Whatever a file holds, what is kept of it is read back the same.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "date: today\nload: 1\npkg: github.com/pinsetter/pinsetter/bot\nBenchmarkGates-2 3 4 ns/op 5 x-nogates\nPASS\n", "pkg: a\nBenchmarkX 1 2 ns/op\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		once := format(merge(small, parse(text), nil))
		if twice := format(merge(small, parse(once), nil)); twice != once {
			t.Errorf("%q becomes %q", once, twice)
		}
	})
}
