package main

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/parts"
)

// BenchmarkLibraries builds a program for each library, and one that has all but
// that library, and runs them.
func BenchmarkLibraries(b *testing.B) {
	none := newProgram(b, nil)
	all := newProgram(b, except(""))
	b.Run("none", func(b *testing.B) {
		inTurns(b, none)
		none.report(b)
	})
	b.Run("all", func(b *testing.B) {
		inTurns(b, all)
		all.report(b)
	})
	for _, l := range libraries {
		b.Run(l.name, func(b *testing.B) {
			alone := newProgram(b, []library{l})
			with, without := all, all
			if l.aside {
				with = newProgram(b, append(except(""), l))
			} else {
				without = newProgram(b, except(l.name))
			}
			inTurns(b, none, alone, with, without)
			alone.less(none.costs).report(b)
			last := with.less(without.costs)
			b.ReportMetric(last.binary, "last-binary-MB")
			b.ReportMetric(last.peak, "last-peak-MB")
		})
	}
}

// except returns the libraries of the product without the one of that name.
func except(name string) []library {
	var rest []library
	for _, l := range libraries {
		if l.name != name && !l.aside {
			rest = append(rest, l)
		}
	}
	return rest
}

// costs are what a program takes, or one more than another.
type costs struct {
	binary, init, peak float64 // MB, ms, MB
}

// less returns what c takes more than other.
func (c costs) less(other costs) costs {
	return costs{c.binary - other.binary, c.init - other.init, c.peak - other.peak}
}

// report reports the costs.
func (c costs) report(b *testing.B) {
	b.ReportMetric(c.binary, "binary-MB")
	b.ReportMetric(c.init, "init-ms")
	b.ReportMetric(c.peak, "peak-MB")
}

// program is a binary, and the least that its runs took.
type program struct {
	path string
	costs
}

// text is a program that has libraries and prints what Linux knows of its process.
// It runs without arguments, so that none of what it names is called.
const text = `package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	texts "text/template"
%s)

func main() {
	if len(os.Args) > 1 {
		fmt.Println(sql.Open, json.Unmarshal, (*template.Template).Execute, http.Get, http.ListenAndServe, exec.Command, regexp.Compile, (*texts.Template).Execute)
		%s
	}
	status, _ := os.ReadFile("/proc/self/status")
	os.Stdout.Write(status)
}
`

// newProgram builds a program with libraries.
func newProgram(b *testing.B, with []library) *program {
	b.Helper()
	var imports, kept strings.Builder
	for _, l := range with {
		for i, used := range l.packages {
			name := fmt.Sprintf("%s%d", l.name, i)
			if used.keep == "" {
				name = "_"
			} else {
				fmt.Fprintf(&kept, "fmt.Println(%s)\n", strings.ReplaceAll(used.keep, "$", name))
			}
			fmt.Fprintf(&imports, "%s %q\n", name, used.path)
		}
	}
	source := filepath.Join(b.TempDir(), "main.go")
	if err := os.WriteFile(source, fmt.Appendf(nil, text, &imports, &kept), 0o600); err != nil {
		b.Fatal(err)
	}
	path := parts.Build(b, source, "program")
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	return &program{path, costs{binary: float64(info.Size()) / 1e6}}
}

// inTurns runs programs one after the other, as often as the benchmark says, and
// forgets what they took before: the lowest of more runs is lower.
func inTurns(b *testing.B, programs ...*program) {
	b.Helper()
	for _, p := range programs {
		p.init, p.peak = math.Inf(1), math.Inf(1)
	}
	for b.Loop() {
		for _, p := range programs {
			p.run(b)
		}
	}
}

var (
	peakLine = regexp.MustCompile(`VmHWM:\s*(\d+) kB`)
	initLine = regexp.MustCompile(`(?m)^init \S+ @\S+ ms, (\S+) ms clock`)
)

// run runs the program twice, since tracing what packages initialise takes
// memory, and keeps what is less than before.
func (p *program) run(b *testing.B) {
	b.Helper()
	var trace bytes.Buffer
	traced := exec.Command(p.path)
	traced.Env, traced.Stderr = append(os.Environ(), "GODEBUG=inittrace=1"), &trace
	status, err := exec.Command(p.path).Output()
	if err != nil {
		b.Fatal(err)
	}
	if err := traced.Run(); err != nil {
		b.Fatal(err)
	}
	if peak := peakLine.FindSubmatch(status); peak != nil {
		p.peak = min(p.peak, number(b, peak[1])*1024/1e6)
	}
	total := 0.0
	for _, line := range initLine.FindAllSubmatch(trace.Bytes(), -1) {
		total += number(b, line[1])
	}
	p.init = min(p.init, total)
}

func number(b *testing.B, text []byte) float64 {
	b.Helper()
	n, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		b.Fatal(err)
	}
	return n
}
