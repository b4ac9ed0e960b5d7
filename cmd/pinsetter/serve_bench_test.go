package main

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/hook"
)

// crowdReceiver is a webhook for all images of a crowd.
const crowdReceiver = `---
apiVersion: notification.toolkit.fluxcd.io/v1
kind: Receiver
metadata: {name: crowd}
spec:
  type: generic
  secretRef: {name: hook}
  resources: [{kind: ImageRepository, name: "*", matchLabels: {crowd: many}}]
---
apiVersion: v1
kind: Secret
metadata: {name: hook}
stringData: {token: sesame}
`

// BenchmarkServe is a cycle of `pinsetter serve` that a webhook for all images asks
// for, with nothing to do. X-git-request is how many requests it makes to the Git
// server, and x-registry-request how many to the registry for each image. The
// time is that of the automation's run.
func BenchmarkServe(b *testing.B) {
	const cycles, took, computed = `pinsetter_runs_total{result="success"}`, "pinsetter_run_duration_seconds_sum", "process_cpu_seconds_total"
	for _, images := range []int{10, 100, 1_000} {
		b.Run(fmt.Sprintf("images=%d", images), func(b *testing.B) {
			c := manyPolicies(b, images, images)
			c.edit(b, func(text string) string { return text + crowdReceiver })
			path := hook.Path(&fleet.Receiver{Name: pinsetter.Name{Namespace: "default", Name: "crowd"}, Token: pinsetter.NewSecret("", "sesame")})
			d := c.serve(b, "--batch", "1ms")
			d.until("the first run", func() bool { return d.metric(cycles) == 1 })
			before := map[string]float64{}
			for _, name := range []string{cycles, took, computed} {
				before[name] = d.metric(name)
			}
			c.git.Reset()
			c.registry.Log.Reset()
			for b.Loop() {
				already := d.metric(cycles)
				response, err := http.Post(d.url+path, "application/json", strings.NewReader("{}"))
				if err != nil || response.StatusCode != http.StatusOK {
					b.Fatalf("webhook: %v %v", response, err)
				}
				_ = response.Body.Close()
				d.until("a cycle", func() bool { return d.metric(cycles) > already })
			}
			n := d.metric(cycles) - before[cycles]
			git, lists := float64(c.git.Count("", ""))/n, float64(c.registry.Log.Count("", ""))/n
			b.ReportMetric(git, "x-git-request")
			b.ReportMetric(lists/float64(images), "x-registry-request")
			b.ReportMetric(git+lists, "requests")
			b.ReportMetric((d.metric(took)-before[took])/n*1e9, "ns/op")
			b.ReportMetric((d.metric(computed)-before[computed])/n, "cpu-s")
		})
	}
}

// metric returns a value of the daemon's /metrics; 0 where it isn't there.
func (d *daemon) metric(name string) float64 {
	_, body := d.get("/metrics")
	_, line, _ := strings.Cut(body, "\n"+name+" ")
	line, _, _ = strings.Cut(line, "\n")
	value, _ := strconv.ParseFloat(line, 64)
	return value
}
