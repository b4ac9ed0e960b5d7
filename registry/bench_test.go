package registry_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/registry"
)

// far is how far away the registries of these benchmarks are.
const far = 50 * time.Millisecond

// behind serves what is served at a URL from far away.
func behind(b *testing.B, u string) parts.Front {
	target, err := url.Parse(u)
	if err != nil {
		b.Fatal(err)
	}
	return parts.Serve(b, httputil.NewSingleHostReverseProxy(target), parts.FrontOptions{Latency: far})
}

// plain returns how long one request takes that reads and forgets the answer.
func plain(b *testing.B, u string) time.Duration {
	var took time.Duration
	for i := range 11 {
		began := time.Now()
		response, err := http.Get(u)
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		if i > 0 { // the first one connects
			took += time.Since(began) / 10
		}
	}
	return took
}

// image returns the image "app" of a server.
func image(b *testing.B, addr string, o registry.Options) *registry.Repository {
	o.Anonymous = true
	repository, err := registry.New(o).Repository(addr+"/app", registry.Access{})
	if err != nil {
		b.Fatal(err)
	}
	return repository
}

// listing returns work that lists an image of so many tags.
func listing(b *testing.B, repository *registry.Repository, tags int) func() {
	return func() {
		if found, err := repository.Tags(b.Context()); err != nil || len(found.Tags) != tags {
			b.Fatal(len(found.Tags), err)
		}
	}
}

// BenchmarkListOne lists one image of 100,000 tags that a registry gives in one
// answer, and again where the answer is unchanged. The metric x-plain is the time
// over that of one plain request.
func BenchmarkListOne(b *testing.B) {
	const tags = 100_000
	for name, test := range map[string]struct {
		latency time.Duration
		keep    int64
	}{
		"near":           {0, 0},
		"near-unchanged": {0, 64 << 20},
		"far":            {far, 0},
		"far-unchanged":  {far, 64 << 20},
	} {
		b.Run(name, func(b *testing.B) {
			body := `{"name":"app","tags":["` + strings.Join(numbered(tags), `","`) + `"]}`
			server := parts.Serve(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/v2/" {
					_, _ = io.WriteString(w, body)
				}
			}), parts.FrontOptions{Latency: test.latency})
			list := listing(b, image(b, server.Addr, registry.Options{Keep: test.keep}), tags)
			floor := plain(b, server.URL+"/v2/app/tags/list")
			list()
			b.ReportAllocs()
			for b.Loop() {
				list()
			}
			b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(floor), "x-plain")
		})
	}
}

// BenchmarkListPages lists one image of 100,000 tags, far away, from a registry
// that gives at most 1000 at a time: for the first time, and where the listing
// before is remembered. The metric x-sequence is the time over that of as many
// round trips as there are pages.
func BenchmarkListPages(b *testing.B) {
	const tags, size = 100_000, 1000
	for name, keep := range map[string]int64{"first": 0, "again": 64 << 20} {
		b.Run(name, func(b *testing.B) {
			server := parts.NewRegistry(b, parts.RegistryOptions{PageSize: size, FrontOptions: parts.FrontOptions{Latency: far}})
			server.SetTags("app", numbered(tags)...)
			list := listing(b, image(b, server.Addr, registry.Options{Keep: keep}), tags)
			list()
			server.Log.Reset()
			b.ReportAllocs()
			for b.Loop() {
				list()
			}
			b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(tags/size*far), "x-sequence")
			reportTraffic(b, server.Log)
		})
	}
}

// BenchmarkListDistribution lists one image of distribution's registry, far away.
// The metric x-plain is the time over that of one plain request for all tags.
func BenchmarkListDistribution(b *testing.B) {
	for _, tags := range []int{100, 1_000, 10_000, 100_000} {
		b.Run(fmt.Sprintf("tags=%d", tags), func(b *testing.B) {
			server := parts.NewDistribution(b, parts.DistributionOptions{})
			all := numbered(tags)
			server.Push("app", all[0])
			server.Alias("app", all[0], all[1:]...)
			front := behind(b, server.URL)
			list := listing(b, image(b, front.Addr, registry.Options{}), tags)
			list()
			floor := plain(b, front.URL+"/v2/app/tags/list")
			front.Log.Reset()
			b.ReportAllocs()
			for b.Loop() {
				list()
			}
			b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(floor), "x-plain")
			reportTraffic(b, front.Log)
		})
	}
}

// reportTraffic reports what of logs is the share of one iteration: requests, and
// the bytes as who asked sent and received them.
func reportTraffic(b *testing.B, logs ...*parts.Log) {
	b.Helper()
	var requests int
	var sent, received int64
	for _, log := range logs {
		came, went := log.Bytes()
		sent, received, requests = sent+came, received+went, requests+log.Count("", "")
	}
	b.ReportMetric(float64(requests)/float64(b.N), "requests")
	b.ReportMetric(float64(sent)/1e3/float64(b.N), "sent-KB")
	b.ReportMetric(float64(received)/1e3/float64(b.N), "received-KB")
}

// BenchmarkListMany lists images of 100 tags, far away, 16 requests in flight,
// each time from nothing: with ping and tokens. The metric x-floor is the time
// over images × 50 ms / 16.
func BenchmarkListMany(b *testing.B) {
	for _, images := range []int{100, 1000} {
		for _, kind := range []string{"anonymous", "tokens"} {
			b.Run(fmt.Sprintf("images=%d/%s", images, kind), func(b *testing.B) { benchmarkMany(b, images, kind) })
		}
	}
}

func benchmarkMany(b *testing.B, images int, kind string) {
	const concurrency = 16
	o := parts.RegistryOptions{FrontOptions: parts.FrontOptions{Latency: far}}
	var logs []*parts.Log
	if kind == "tokens" {
		o.Tokens = parts.NewTokenServer(b, parts.TokenOptions{FrontOptions: o.FrontOptions})
		logs = append(logs, o.Tokens.Log)
	}
	server := parts.NewRegistry(b, o)
	logs = append(logs, server.Log)
	for i := range images {
		server.SetTags(fmt.Sprintf("org/app%d", i), numbered(100)...)
	}
	b.ResetTimer()
	for b.Loop() {
		listAll(b, registry.New(registry.Options{Anonymous: true}), server, images)
	}
	floor := time.Duration(images) * far / concurrency
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(floor), "x-floor")
	b.ReportMetric(float64(server.Log.Connections())/float64(b.N), "connections")
	reportTraffic(b, logs...)
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
