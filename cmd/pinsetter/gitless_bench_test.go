package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/parts"
)

// beforeSources are the fleet's objects in front of its source.
var beforeSources, _, _ = strings.Cut(fleetObjects, "apiVersion: source.")

// gitlessObjects are those of a rig that builds on org/manifests:main, and delivers to
// org/live. A signature can be added at the end.
var gitlessObjects = beforeSources + `apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata: {name: manifests}
spec: {url: "oci://REG/org/manifests", interval: 5m, ref: {tag: main}, insecure: true}
---
apiVersion: pinsetter.dev/v1alpha1
kind: ArtifactAutomation
metadata: {name: live}
spec:
  interval: 5m
  sourceRef: {name: manifests}
  push: {repository: "oci://REG/org/live", tag: "{{ .SourceTag }}-{{ .Hash }}", moveTags: [live, latest], insecure: true}
`

// BenchmarkGitless is a run of an ArtifactAutomation over 1,000 manifests that finds
// nothing to do, beside a run over the same in Git that finds nothing. The metric x-git
// is of the time that both compute.
func BenchmarkGitless(b *testing.B) {
	program := binary(b)
	f := newRig(b, "main")
	marked := f.with("1.0.0")
	folder := manifests(b, 1000, 1000)
	if err := os.WriteFile(filepath.Join(folder, "a.yaml"), []byte(marked), 0o600); err != nil {
		b.Fatal(err)
	}
	repo := parts.NewGit(b, parts.GitOptions{}).NewRepository("fleet", parts.RepositoryOptions{Folder: folder})
	inGit := filed(b, "objects.yaml", strings.NewReplacer("REG", f.registry.Addr, "REPO", repo.URL, "BRANCH", "main").Replace(fleetObjects))
	gitless := filed(b, "objects.yaml", strings.ReplaceAll(gitlessObjects, "REG", f.registry.Addr))
	measure(b, program, "artifact", "push", "oci://"+f.registry.Addr+"/org/manifests:main", "--path", folder, "--source", "x", "--revision", "y")
	states := map[string]string{inGit: newState(b), gitless: newState(b)}
	run := func(objects string) cost {
		return measure(b, program, "run", "--state", states[objects], "-f", objects)
	}
	for range 2 { // the first writes, and the second finds out that there is nothing to do
		run(gitless)
		run(inGit)
	}
	t := tally{logs: []*parts.Log{f.registry.Log}}
	for b.Loop() {
		t.run(func() cost { return run(gitless) }, func() cost { return run(inGit) })
	}
	t.report(b, "x-time")
	computed := func(costs []cost) float64 {
		return median(costs, func(c cost) time.Duration { return c.cpu }).Seconds()
	}
	b.ReportMetric(computed(t.ours)/computed(t.theirs), "x-git")
}
