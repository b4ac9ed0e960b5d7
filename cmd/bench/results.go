package main

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// about is where and when a run was, by the words of aboutKeys.
type about map[string]string

// aboutKeys are what is told of a run, in that order. A date begins a run.
var aboutKeys = []string{"date", "commit", "load", "cores", "memory", "kernel", "go", "git", "cpu"}

// write writes a run's heading.
func (a about) write(w io.Writer) {
	for _, key := range aboutKeys {
		if a[key] != "" {
			fmt.Fprintf(w, "%s: %s\n", key, a[key])
		}
	}
}

// run is what was measured one after the other on one machine.
type run struct {
	about
	results []result
}

// result is one line of go test.
type result struct {
	pkg    string // the package's import path
	line   string
	name   string             // without Benchmark and the number of processors
	values map[string]float64 // by unit
}

// is reports whether two results are of the same benchmark.
func (r result) is(other result) bool { return r.pkg == other.pkg && r.name == other.name }

var (
	keyLine   = regexp.MustCompile(`^([a-z]+): (\S.*)$`)
	benchLine = regexp.MustCompile(`^Benchmark(\S+?)(?:-[0-9]+)?\s+[0-9]+\s+(\S.*)$`)
)

// parse reads runs in Go's benchmark format, and skips what isn't of it:
// https://go.dev/design/14313-benchmark-format.
func parse(text string) []run {
	var runs []run
	pkg := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if key := keyLine.FindStringSubmatch(line); key != nil {
			if key[1] == "date" {
				runs, pkg = append(runs, run{about: about{}}), ""
			}
			switch {
			case key[1] == "pkg":
				pkg = key[2]
			case len(runs) > 0 && slices.Contains(aboutKeys, key[1]):
				runs[len(runs)-1].about[key[1]] = key[2]
			}
			continue
		}
		if r, ok := parseResult(line); ok && pkg != "" && len(runs) > 0 {
			r.pkg = pkg
			last := &runs[len(runs)-1]
			last.results = append(last.results, r)
		}
	}
	return runs
}

// parseResult reads a line of a benchmark: pairs of a value and its unit.
func parseResult(line string) (result, bool) {
	found := benchLine.FindStringSubmatch(line)
	if found == nil {
		return result{}, false
	}
	r := result{line: line, name: found[1], values: map[string]float64{}}
	pairs := strings.Fields(found[2])
	for i := 0; i+1 < len(pairs); i += 2 {
		value, err := strconv.ParseFloat(pairs[i], 64)
		if err != nil {
			return result{}, false
		}
		r.values[pairs[i+1]] = value
	}
	return r, true
}

// merge returns the runs of before with those of after behind them. What was
// measured again is forgotten, what no row of the suite shows, and a run of which
// nothing is left.
func merge(suite []benchmark, before, after []run) []run {
	var merged []run
	all := slices.Concat(before, after)
	for i, r := range all {
		kept := run{about: r.about}
		for _, old := range r.results {
			again := func(later run) bool { return slices.ContainsFunc(later.results, old.is) }
			if shows(suite, old) && !slices.ContainsFunc(all[i+1:], again) {
				kept.results = append(kept.results, old)
			}
		}
		if len(kept.results) > 0 {
			merged = append(merged, kept)
		}
	}
	return merged
}

// shows reports whether a row of the suite is of a result.
func shows(suite []benchmark, of result) bool {
	for _, b := range suite {
		for _, r := range b.rows {
			for _, size := range r.each() {
				if of.is(b.result(r, size)) {
					return true
				}
			}
		}
	}
	return false
}

// format writes runs as parse reads them.
func format(runs []run) string {
	var b strings.Builder
	for i, r := range runs {
		if i > 0 {
			b.WriteString("\n")
		}
		r.write(&b)
		pkg := ""
		for _, one := range r.results {
			if one.pkg != pkg {
				pkg = one.pkg
				fmt.Fprintf(&b, "\npkg: %s\n", pkg)
			}
			b.WriteString(one.line + "\n")
		}
	}
	return b.String()
}
