package bot_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const fleetObjects = `---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: app-%[1]d}
spec: {image: REG/org/app-%[1]d, interval: 5m, insecure: true}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: app-%[1]d}
spec:
  imageRepositoryRef: {name: app-%[1]d}
  policy: {semver: {range: ^1.0.0}}
`

const gatesObject = `---
apiVersion: pinsetter.dev/v1alpha1
kind: Gate
metadata: {name: gate}
spec:
  minAge: 72h
  platforms: [linux/amd64, linux/arm64]
  hold: [{tags: [1.19.0], reason: x}]
`

// newFleet makes a world with n policies of n images that have 21 tags each, one
// site each, and a warm ledger: it knows all tags for long, what a Gate lets pass
// is written, and of the two better tags one is held, one lacks a platform.
func newFleet(t testing.TB, n int) (w *world, objects string) {
	t.Helper()
	_, source, _ := strings.Cut(strings.Replace(storyObjects, "PUSH", "main", 1), "---\napiVersion: source")
	text, file := strings.Builder{}, strings.Builder{}
	text.WriteString("apiVersion: source" + source)
	for i := range n {
		fmt.Fprintf(&text, fleetObjects, i)
		fmt.Fprintf(&file, "---\nimage: REG/org/app-%[1]d:1.17.0 # {\"$imagepolicy\": \"default:app-%[1]d\"}\n", i)
	}
	objects = text.String()
	w = newWorld(t, objects+gatesObject, map[string]string{"a.yaml": file.String()})
	for i := range n {
		w.fill(fmt.Sprintf("org/app-%d", i))
	}
	for range 2 {
		if r := w.cycle(); r.Err != nil {
			t.Fatal(r.Err)
		}
		w.Pass(1000 * time.Hour)
	}
	if r := w.cycle(); r.Err != nil {
		t.Fatal(r.Err)
	}
	if got := strings.Count(w.Repo.File("main", "a.yaml"), ":1.18.0 "); got != n {
		t.Fatalf("%d of %d sites show 1.18.0", got, n)
	}
	return w, objects
}

// fill gives an image 21 tags. Only three of them are asked about.
func (w *world) fill(image string) {
	var tags []string
	for minor := range 21 {
		tags = append(tags, fmt.Sprintf("1.%d.0", minor))
	}
	w.Registry.PushIndex(image, "1.18.0", "linux/amd64", "linux/arm64")
	w.Registry.PushIndex(image, "1.19.0", "linux/amd64", "linux/arm64")
	w.Registry.PushIndex(image, "1.20.0", "linux/amd64")
	w.Registry.SetTags(image, tags...)
}

// asks runs a cycle that must find nothing to do, and returns how many requests
// came to the registry and how long it took.
func (w *world) asks() (requests int, took time.Duration) {
	w.t.Helper()
	w.Registry.Log.Reset()
	ledger := w.Remember()
	defer ledger.Close()
	started := time.Now()
	r := w.run(ledger)
	if took = time.Since(started); r.Err != nil || r.Pushed != nil {
		w.t.Fatalf("error %v, pushed %v", r.Err, r.Pushed)
	}
	return w.Registry.Log.Count("", ""), took
}

// With a warm ledger, gates ask the registry nothing that the same run without
// them doesn't ask.
func TestGatesAskNothingTwice(t *testing.T) {
	const policies = 20
	w, objects := newFleet(t, policies)
	for _, s := range w.Set.Policies {
		w.Registry.Push(strings.TrimPrefix(s.Repository.Image, w.Registry.Addr+"/"), "1.18.1") // too young, once it was seen
	}
	if r := w.cycle(); len(r.Held) != policies {
		t.Fatalf("%d held, error %v", len(r.Held), r.Err)
	}
	gated, _ := w.asks()
	w.Load(strings.ReplaceAll(objects, "^1.0.0", "<=1.18.0")) // what else would be written
	free, _ := w.asks()
	if free < policies || gated != free {
		t.Errorf("%d requests with gates, %d without", gated, free)
	}
}

// BenchmarkGates is a cycle of 1,000 policies with gates and a warm ledger, in
// which nothing is to do. x-nogates is its time to that of the same cycle without
// gates; extra-requests is how many requests gates cost.
func BenchmarkGates(b *testing.B) {
	w, objects := newFleet(b, 1000)
	var gated, free int
	var with, without time.Duration
	add := func(n *int, sum *time.Duration) {
		requests, took := w.asks()
		*n += requests
		*sum += took
	}
	for b.Loop() {
		w.Load(strings.ReplaceAll(objects, "^1.0.0", "<=1.18.0"))
		add(&free, &without)
		w.Load(objects + gatesObject)
		add(&gated, &with)
	}
	b.ReportMetric(float64(with)/float64(b.N), "ns/op")
	b.ReportMetric(float64(gated)/float64(b.N), "requests")
	b.ReportMetric(float64(gated-free)/float64(b.N), "extra-requests")
	b.ReportMetric(with.Seconds()/without.Seconds(), "x-nogates")
}
