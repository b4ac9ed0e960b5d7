package scanner_test

import (
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/registry"
	"github.com/pinsetter/pinsetter/scanner"
)

// BenchmarkManyPolicies has 10,000 policies ask for one image of 10,000 tags
// with an exclusionList, by ten ImageRepositories. The metric x-one is the time
// over that of one policy.
func BenchmarkManyPolicies(b *testing.B) {
	const policies, objects = 10_000, 10
	server := parts.NewRegistry(b, parts.RegistryOptions{})
	tags := make([]string, 10_000)
	for i := range tags {
		tags[i] = time.Unix(1_700_000_000+int64(i), 0).UTC().Format("20060102-150405")
	}
	server.SetTags("app", tags...)
	r := registry.New(registry.Options{Anonymous: true})
	cycle := func(asks int) time.Duration {
		began := time.Now()
		s := scanner.New(r, time.Now)
		images := make([]*fleet.Repository, objects)
		for i := range images {
			images[i] = object(server.Image("app"), `\.sig$`)
		}
		for i := range asks {
			if _, err := s.Scan(b.Context(), images[i%objects]); err != nil {
				b.Fatal(err)
			}
		}
		return time.Since(began)
	}
	cycle(1)
	b.ReportAllocs()
	var one time.Duration
	server.Log.Reset()
	for b.Loop() {
		b.StopTimer()
		one += cycle(1)
		b.StartTimer()
		cycle(policies)
	}
	b.ReportMetric(float64(b.Elapsed())/float64(one), "x-one")
	b.ReportMetric(float64(server.Log.Count("", ""))/float64(b.N)-1, "requests")
}
