package gitops_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/storage/memory"

	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/parts"
)

// crowd returns the files of a repository of n manifests, most of which have no
// marker.
func crowd(n int) map[string]string {
	tree := make(map[string]string, n)
	for i := range n {
		var b strings.Builder
		fmt.Fprintf(&b, "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app-%d\n  namespace: team-%d\nspec:\n  replicas: %d\n", i, i%50, i%7)
		for j := range 20 {
			fmt.Fprintf(&b, "  # setting %d of application %d, which is %x\n", j, i, (i+1)*(j+7919)*104729)
		}
		fmt.Fprintf(&b, "  image: registry.example.test/app-%d:1.0.%d\n", i, i%100)
		tree[fmt.Sprintf("team-%d/app-%d/deploy.yaml", i%50, i)] = b.String()
	}
	return tree
}

// BenchmarkCycle is one run over http: fetch, read every manifest, commit one
// change, push it. Its yardstick is go-git's own shallow clone of the same
// repository into memory, without a worktree: the ratio is reported as
// x-clone, and should stay below 1.3.
func BenchmarkCycle(b *testing.B) {
	g := parts.NewGit(b, parts.GitOptions{})
	repository := g.NewRepository("org/app", parts.RepositoryOptions{Tree: parts.Tree{Files: crowd(10_000)}})
	repository.Git("repack", "-a", "-d", "-q")
	var ours, theirs time.Duration
	for i := 0; b.Loop(); i++ {
		started := time.Now()
		cycleOnce(b, repository.URL, i)
		between := time.Now()
		_, err := gogit.Clone(memory.NewStorage(), nil, &gogit.CloneOptions{
			URL: repository.URL, Depth: 1, SingleBranch: true, ReferenceName: "refs/heads/main", NoCheckout: true, Tags: gogit.NoTags,
		})
		if err != nil {
			b.Fatal(err)
		}
		ours += between.Sub(started)
		theirs += time.Since(between)
	}
	b.ReportMetric(ours.Seconds()/theirs.Seconds(), "x-clone")
	b.ReportMetric(ours.Seconds()/float64(b.N), "s/cycle")
	b.ReportMetric(theirs.Seconds()/float64(b.N), "s/clone")
}

func cycleOnce(b *testing.B, url string, i int) {
	remote, err := gitops.Open(&config.GitSource{URL: url}, gitops.Options{})
	if err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	fetched, err := remote.Fetch(ctx, main, "")
	if err != nil {
		b.Fatal(err)
	}
	count := 0
	for _, err := range fetched.Base.Files(ctx, "", isYAML) {
		if err != nil {
			b.Fatal(err)
		}
		count++
	}
	if count != 10_000 {
		b.Fatalf("%d files", count)
	}
	next, err := fetched.Base.Commit(gitops.Commit{
		Files:  map[string][]byte{"team-7/app-7/deploy.yaml": fmt.Appendf(nil, "image: app-7:2.0.%d-%d\n", i, time.Now().UnixNano())},
		Author: bot, When: when, Message: "Update images\n",
	})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := remote.Push(ctx, gitops.Push{Snapshot: next, Branch: "main", Lease: fetched.Base.Hash()}); err != nil {
		b.Fatal(err)
	}
}
