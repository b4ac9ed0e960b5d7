package registry_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/registry"
)

// BenchmarkListOne lists one image of 100,000 tags that a registry gives in one
// answer, as distribution 3 does. The metric x-plain is the time over that of
// one plain request that reads and forgets the answer.
func BenchmarkListOne(b *testing.B) {
	for _, latency := range []time.Duration{0, 50 * time.Millisecond} {
		b.Run(latency.String(), func(b *testing.B) {
			body := `{"name":"app","tags":["` + strings.Join(numbered(100_000), `","`) + `"]}`
			server := parts.Serve(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/v2/" {
					_, _ = io.WriteString(w, body)
				}
			}), parts.FrontOptions{Latency: latency})
			plain := func() {
				response, err := http.Get(server.URL + "/v2/app/tags/list")
				if err != nil {
					b.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
			}
			repository, err := registry.New(registry.Options{Anonymous: true}).Repository(server.Addr+"/app", registry.Access{})
			if err != nil {
				b.Fatal(err)
			}
			list := func() {
				if listing, err := repository.Tags(b.Context()); err != nil || len(listing.Tags) != 100_000 {
					b.Fatal(len(listing.Tags), err)
				}
			}
			plain()
			list()
			var floor time.Duration
			for range 10 {
				began := time.Now()
				plain()
				floor += time.Since(began) / 10
			}
			b.ResetTimer()
			for b.Loop() {
				list()
			}
			b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(floor), "x-plain")
		})
	}
}

// BenchmarkListMany lists 1,000 images of 100 tags from a registry 50 ms away,
// 16 requests in flight, each time from nothing: with ping and tokens. The
// metric x-floor is the time over 1,000 × 50 ms / 16.
func BenchmarkListMany(b *testing.B) {
	const images, latency, concurrency = 1000, 50 * time.Millisecond, 16
	floor := images * latency / concurrency
	for _, kind := range []string{"anonymous", "tokens"} {
		b.Run(kind, func(b *testing.B) {
			o := parts.RegistryOptions{FrontOptions: parts.FrontOptions{Latency: latency}}
			if kind == "tokens" {
				o.Tokens = parts.NewTokenServer(b, parts.TokenOptions{FrontOptions: o.FrontOptions})
			}
			server := parts.NewRegistry(b, o)
			for i := range images {
				server.SetTags(fmt.Sprintf("org/app%d", i), numbered(100)...)
			}
			b.ResetTimer()
			for b.Loop() {
				listAll(b, registry.New(registry.Options{Anonymous: true}), server, images)
			}
			b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(floor), "x-floor")
			b.ReportMetric(float64(server.Log.Connections())/float64(b.N), "connections/op")
			b.ReportMetric(float64(server.Log.Count("", ""))/float64(b.N), "requests/op")
		})
	}
}

// listAll lists all images at once; the Registry keeps to its bound.
func listAll(b *testing.B, r *registry.Registry, server *parts.Registry, images int) {
	b.Helper()
	var wait sync.WaitGroup
	for i := range images {
		wait.Go(func() {
			repository, err := r.Repository(server.Image(fmt.Sprintf("org/app%d", i)), registry.Access{})
			if err == nil {
				_, err = repository.Tags(context.Background())
			}
			if err != nil {
				b.Error(err)
			}
		})
	}
	wait.Wait()
}
