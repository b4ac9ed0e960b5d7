package main

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

//go:embed page.md
var pageText string

// page returns docs/performance.md.
func page(suite []benchmark, runs []run) string {
	cells := measure(suite, runs)
	var table, costs strings.Builder
	for _, c := range cells {
		if c.cost {
			fmt.Fprintf(&costs, "| %s |\n", strings.Join(c.costColumns(), " | "))
		} else {
			fmt.Fprintf(&table, "| %s |\n", strings.Join(c.columns(), " | "))
		}
	}
	return strings.NewReplacer(
		"VERDICT\n", verdict(cells),
		"RUNS\n", describe(runs),
		"TABLE\n", table.String(),
		"LIBRARIES\n", costs.String(),
	).Replace(pageText)
}

// cell is a row at one of its sizes.
type cell struct {
	row
	size   int
	run    int // counted from 1; 0: not measured
	values map[string]float64
	less   map[string]float64 // the values of the size below in the same run; nil: none
}

// measure finds what was measured of each row of the suite.
func measure(suite []benchmark, runs []run) []cell {
	var cells []cell
	for _, b := range suite {
		for _, r := range b.rows {
			below := cell{}
			for _, size := range r.each() {
				c := cell{row: r, size: size}
				c.run, c.values = find(runs, b.result(r, size))
				if c.run == below.run {
					c.less = below.values
				}
				cells = append(cells, c)
				below = c
			}
		}
	}
	return cells
}

// find returns the values of a benchmark and the run that measured it, counted
// from 1; 0 where none did.
func find(runs []run, wanted result) (int, map[string]float64) {
	for i, r := range runs {
		if at := slices.IndexFunc(r.results, wanted.is); at >= 0 {
			return i + 1, r.results[at].values
		}
	}
	return 0, nil
}

// title is what a cell's work is, with its size.
func (c cell) title() string { return at(c.work, grouped(c.size)) }

// columns are the cells of a line in the table.
func (c cell) columns() []string {
	if c.run == 0 {
		return []string{c.title(), c.yardstick, "not measured", "", "", "", "", "", "", "", "", ""}
	}
	return []string{
		c.title(), c.yardstick, c.show(c.unit), c.aims(), c.show("ns/op"), c.show("cpu-s"), c.show("peak-MB"),
		c.show("requests"), c.show("sent-KB"), c.show("received-KB"), c.growth(), strconv.Itoa(c.run),
	}
}

// aims says of each target whether it is met.
func (c cell) aims() string {
	var all []string
	for _, t := range c.targets {
		if c.size < t.from {
			continue
		}
		word := "met"
		if c.misses(t) {
			word = "**missed**"
		}
		all = append(all, c.bound(t)+": "+word)
	}
	return strings.Join(all, ", ")
}

// misses reports whether a target applies that isn't met. What wasn't reported
// misses too.
func (c cell) misses(t target) bool {
	value, known := c.values[t.unit]
	return c.size >= t.from && c.run > 0 && (!known || value > t.most)
}

// bound returns a target as text: of the ratio, or of what it names.
func (c cell) bound(t target) string {
	text := strconv.FormatFloat(t.most, 'f', -1, 64)
	switch t.unit {
	case c.unit:
		return text
	case "peak-MB":
		return text + " MB"
	default:
		return text + " " + strings.ReplaceAll(t.unit, "-", " ")
	}
}

// growth says how many times the time and the memory of the size below are taken.
func (c cell) growth() string {
	var all []string
	for _, of := range []struct{ unit, word string }{{"ns/op", "time"}, {"peak-MB", "memory"}} {
		if before := c.less[of.unit]; before > 0 {
			all = append(all, fmt.Sprintf("%s × %s", of.word, figure(c.values[of.unit]/before)))
		}
	}
	return strings.Join(all, ", ")
}

// show returns a value with its unit, and nothing where there is none.
func (c cell) show(unit string) string {
	value, known := c.values[unit]
	if !known {
		return ""
	}
	return show(unit, value)
}

// verdict says how many targets are met, and names those that are missed.
func verdict(cells []cell) string {
	var missed strings.Builder
	met, measured := 0, 0
	for _, c := range cells {
		for _, t := range c.targets {
			if c.run == 0 || c.size < t.from {
				continue
			}
			measured++
			if !c.misses(t) {
				met++
				continue
			}
			fmt.Fprintf(&missed, "- missed: %s: `%s` is %s, and should be at most %s\n", c.title(), t.unit, c.show(t.unit), c.bound(t))
		}
	}
	text := fmt.Sprintf("Of %d targets %d are met.\n", measured, met)
	if missed.Len() > 0 {
		text += "\n" + missed.String()
	}
	return text
}

// describe lists the runs with their machines.
func describe(runs []run) string {
	var b strings.Builder
	for i, r := range runs {
		fmt.Fprintf(&b, "| %d |", i+1)
		for _, key := range aboutKeys {
			fmt.Fprintf(&b, " %s |", strings.ReplaceAll(r.about[key], "|", `\|`))
		}
		b.WriteString("\n")
	}
	return b.String()
}
