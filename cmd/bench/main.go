// Command bench runs the benchmarks that users may want to see, each against a
// yardstick of the same run, and writes what they showed to docs: the lines of
// `go test -bench` to performance.txt, and a page made of them to
// performance.md. What is not run stays there as it was.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

func main() {
	only := flag.String("bench", ".", "run what this regular expression matches, as go test -bench understands it")
	docs := flag.String("docs", "docs", "the folder of performance.txt and performance.md")
	flag.Parse()
	if err := bench(context.Background(), *only, *docs); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bench runs the benchmarks that only matches and rewrites the files in docs,
// also where some of the benchmarks failed.
func bench(ctx context.Context, only, docs string) error {
	name, below, _ := strings.Cut(only, "/")
	matches, err := regexp.Compile(name)
	if err != nil {
		return fmt.Errorf("-bench %q: %w", only, err)
	}
	data, err := os.ReadFile(filepath.Join(docs, "performance.txt"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var out bytes.Buffer
	here := machine(ctx)
	here.write(&out)
	var failed []error
	for _, b := range suite {
		if matches.MatchString("Benchmark" + b.name) {
			failed = append(failed, b.run(ctx, below, io.MultiWriter(os.Stdout, &out)))
		}
	}
	if len(failed) == 0 {
		return fmt.Errorf("-bench %q: no benchmark of the suite is named so: see cmd/bench/suite.go", only)
	}
	about{"load": here["load"] + " to " + load()}.write(&out)
	runs := merge(suite, parse(string(data)), parse(out.String()))
	return errors.Join(append(failed,
		os.WriteFile(filepath.Join(docs, "performance.txt"), []byte(format(runs)), 0o644),
		os.WriteFile(filepath.Join(docs, "performance.md"), []byte(page(suite, runs)), 0o644))...)
}

// run runs one benchmark, or the part of it that below matches, and writes what
// go test prints to out.
func (b benchmark) run(ctx context.Context, below string, out io.Writer) error {
	pattern := "^Benchmark" + b.name + "$"
	if below != "" {
		pattern += "/" + below
	}
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", pattern,
		"-benchtime", strconv.Itoa(b.times)+"x", "-timeout", "30m", "./"+b.room)
	cmd.Stdout, cmd.Stderr = out, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: Benchmark%s: %w", b.room, b.name, err)
	}
	return nil
}
