package setters_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/parts/budget"
	"github.com/pinsetter/pinsetter/setters"
)

// hostile returns files that are made to be slow, by what they hold n of.
func hostile(n int) map[string]string {
	var values strings.Builder
	for i := range 4 * n {
		fmt.Fprintf(&values, "- x:%d%s\n- %d%s\n", i, mark("ns:p"), -i, mark("ns:p:tag"))
	}
	var keys strings.Builder
	for i := range n {
		fmt.Fprintf(&keys, "k%d: {tag: 1, %s\n digest: sha256:00}\n", i, mark("ns:p:tag"))
	}
	return map[string]string{
		"nested flow with comments":      strings.Repeat("[ # $imagepolicy\n", n) + strings.Repeat("] # {\"$imagepolicy\": 1}\n", n),
		"nested flow with inner markers": "a:\n " + strings.Repeat("[x, "+mark("ns:p")+"\n ", n) + strings.Repeat("]"+mark("ns:p")+"\n ", n),
		"deep sequences":                 strings.Repeat("- ", n) + "x" + mark("ns:p"),
		"many foot comments":             "a: [x,\n" + strings.Repeat("#"+mark("ns:p")+"\n\n", n) + "y]" + mark("ns:p") + "\n",
		"many texts":                     strings.Repeat("- '{\"$imagepolicy\": \"'"+mark("ns:p")+"\n", n),
		"many policies":                  strings.Repeat("- x"+mark("ns:p")+"\n- y"+mark("ns:q:tag")+"\n", n),
		"many values":                    values.String(),
		"one mapping":                    keys.String(),
		"one key many times":             "apiVersion: argoproj.io/v1\nkind: Application\n" + strings.Repeat("targetRevision: 1"+mark("flux-system:app:tag")+"\n", 4*n),
		"many separators":                strings.Repeat("---\n", n) + "a: x" + mark("ns:p") + strings.Repeat("\n---", n),
		"many near misses":               strings.Repeat("- x # {\"$imagePolicy\": \"ns:p\"}\n", n),
		"near misses in one line":        "a: x" + strings.Repeat(" # {\"$imagePolicy\":\"ns:p\"}", 4*n) + mark("ns:p"),
		"near misses in a line gone bad": "# a" + strings.Repeat(" # {\"$imagePolicy\":\"ns:p\"}", 4*n) + "\n[" + mark("ns:p"),
		"markers in a line gone bad":     "[" + strings.Repeat(mark("ns:p"), 4*n) + "\n[ # $imagepolicy",
		"commented-out lines":            "a: [x,\n" + strings.Repeat("# - x "+mark("ns:p")+"\n", 4*n) + "y]" + mark("ns:p") + "\n",
		"hashes":                         strings.Repeat("# ", 40*n) + "{" + mark("ns:p"),
		"more hashes":                    strings.Repeat("#", 80*n) + "{" + mark("ns:p"),
		"unfinished":                     strings.Repeat("{a: ", n) + mark("ns:p"),
	}
}

// TestHostileFilesTakeLinearTime finds in files that are made to be slow: four times
// as much takes about four times as long. It is judged by the processor's time of one
// thread, so that a busy machine changes nothing.
func TestHostileFilesTakeLinearTime(t *testing.T) {
	const n = 9000
	large := hostile(n)
	for name, in := range hostile(n / 4) {
		t.Run(name, func(t *testing.T) {
			one, four := findTime(t, in), findTime(t, large[name])
			grows := func() bool { return four > 8*one && four > 200*time.Millisecond }
			for range 2 { // what else the process does may be counted once
				if grows() {
					one, four = min(one, findTime(t, in)), min(four, findTime(t, large[name]))
				}
			}
			if grows() {
				t.Errorf("%v for %d bytes, %v for %d", one, len(in), four, len(large[name]))
			}
		})
	}
}

// findTime returns the processor's time that it takes to find in a file and to apply
// changes.
func findTime(t *testing.T, in string) time.Duration {
	t.Helper()
	return budget.ThreadTime(t, func() {
		if _, _, err := apply(setters.Find("a.yaml", []byte(in))); err != nil {
			t.Error(err)
		}
	})
}
