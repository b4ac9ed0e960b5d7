package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/parts"
)

// BenchmarkArtifact pushes and pulls 10,000 manifests as an artifact, beside oras, which
// compresses by the same library at the same level.
func BenchmarkArtifact(b *testing.B) {
	oras, program := parts.Need(b, "oras"), binary(b)
	for _, megabytes := range []int{100, 500} {
		b.Run(fmt.Sprintf("MB=%d", megabytes), func(b *testing.B) { benchmarkArtifact(b, program, oras, megabytes) })
	}
}

func benchmarkArtifact(b *testing.B, program, oras string, megabytes int) {
	server := parts.NewDistribution(b, parts.DistributionOptions{})
	dir, out := manifests(b, 10_000, megabytes*100), b.TempDir()
	image := func(tool string, i int) string { return server.Image(fmt.Sprintf("org/%s-%d", tool, i)) }
	pushOurs := func(i int) cost {
		return measure(b, program, "artifact", "push", "oci://"+image("ours", i)+":1", "--path", dir, "--source", "x", "--revision", "y", "--reproducible")
	}
	pushTheirs := func(i int) cost {
		return measure(b, "sh", "-c", `cd "$1" && exec "$2" push --plain-http "$3:1" "$4:application/vnd.example.tar+gzip"`,
			"sh", filepath.Dir(dir), oras, image("oras", i), filepath.Base(dir))
	}
	pushOurs(0)
	pushTheirs(0)
	b.Run("push", func(b *testing.B) {
		var t tally
		for i := 1; b.Loop(); i++ {
			t.run(func() cost { return pushOurs(i) }, func() cost { return pushTheirs(i) })
		}
		t.report(b, "x-oras")
	})
	b.Run("pull", func(b *testing.B) {
		var t tally
		for i := 1; b.Loop(); i++ {
			ours, theirs := filepath.Join(out, fmt.Sprintf("ours-%d", i)), filepath.Join(out, fmt.Sprintf("oras-%d", i))
			t.run(func() cost {
				return measure(b, program, "artifact", "pull", "oci://"+image("ours", 0)+":1", "-o", ours)
			}, func() cost {
				return measure(b, oras, "pull", "--plain-http", image("oras", 0)+":1", "-o", theirs)
			})
			_ = errors.Join(os.RemoveAll(ours), os.RemoveAll(theirs)) // of the next run's room
		}
		t.report(b, "x-oras")
	})
}

// manifests returns a folder of files of so many bytes each, in folders of a hundred,
// which compress about as manifests do.
func manifests(b *testing.B, files, size int) string {
	b.Helper()
	dir := filepath.Join(b.TempDir(), "manifests")
	random := rand.New(rand.NewPCG(1, 2))
	for i := range files {
		var text strings.Builder
		text.WriteString("apiVersion: v1\nkind: ConfigMap\ndata:\n")
		for text.Len() < size-40 {
			fmt.Fprintf(&text, "  setting-%d: value-%x\n", random.IntN(1000), random.Uint32())
		}
		folder := filepath.Join(dir, fmt.Sprintf("team-%d", i/100))
		if err := os.MkdirAll(folder, 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("app-%d.yaml", i)), []byte(text.String()), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	return dir
}
