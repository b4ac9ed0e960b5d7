package server

import (
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const (
	// maxHosts bounds the values of a host label; the hosts that are met after so
	// many are counted together as "other".
	maxHosts = 100

	// scrapesAtOnce is more than one Prometheus and its twin need.
	scrapesAtOnce = 4
)

// durations are the upper bounds of histograms, in seconds: a scan takes some
// ten milliseconds, the run of a large repository a minute.
var durations = []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300}

// pullRequestActions are those of store.PullRequest.
var pullRequestActions = []string{"created", "updated", "unchanged", "closed", "merged"}

// Metrics counts what a bot does, for Prometheus. Label values are bounded,
// whatever its methods are given. They are safe for concurrent use, and do
// nothing on nil.
type Metrics struct {
	registry *prometheus.Registry
	hosts    hosts

	runs         *prometheus.CounterVec
	runTime      prometheus.Histogram
	scans        *prometheus.CounterVec
	scanTime     prometheus.Histogram
	selections   *prometheus.CounterVec
	pushes       *prometheus.CounterVec
	pullRequests *prometheus.CounterVec
	rateLimit    *prometheus.GaugeVec

	mu     sync.Mutex
	oldest time.Time            // of what waits
	owing  map[string]time.Time // since when hosts have owed an answer
	queued prometheus.Gauge
	stale  prometheus.Gauge
}

// NewMetrics returns metrics of the program of that version, with those of the
// process and of Go beside them.
func NewMetrics(version string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		owing:    map[string]time.Time{},
		runs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pinsetter_runs_total", Help: "Runs of automations that ended, by result.",
		}, []string{"result"}),
		runTime: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "pinsetter_run_duration_seconds", Help: "How long the runs of automations took.", Buckets: durations,
		}),
		scans: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pinsetter_scans_total", Help: "Tag lists that registries were asked for, by host and result.",
		}, []string{"host", "result"}),
		scanTime: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "pinsetter_scan_duration_seconds", Help: "How long registries took to list the tags of an image.", Buckets: durations,
		}),
		selections: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pinsetter_selections_total", Help: "Policies that were decided on, by the state that they ended in.",
		}, []string{"state"}),
		pushes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pinsetter_pushes_total", Help: "Pushes to Git servers, by result.",
		}, []string{"result"}),
		pullRequests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pinsetter_pull_requests_total", Help: "What was done to pull requests, by action.",
		}, []string{"action"}),
		rateLimit: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "pinsetter_rate_limit_remaining", Help: "Requests that a host still allows, as it said last.",
		}, []string{"host"}),
		queued: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "pinsetter_queue_length", Help: "Automations that wait to be run.",
		}),
		stale: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "pinsetter_objects_stale", Help: "1 while objects of before are used, since what was read last is broken or can't be read; else 0.",
		}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "pinsetter_build_info", Help: "The version that runs; always 1.",
		ConstLabels: prometheus.Labels{"version": label(version)},
	})
	build.Set(1)
	m.registry.MustRegister(m.runs, m.runTime, m.scans, m.scanTime, m.selections, m.pushes, m.pullRequests, m.rateLimit, m.queued, m.stale,
		build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.start()
	return m
}

// start begins counters at 0, so that the first event is a rise.
func (m *Metrics) start() {
	for _, result := range []string{"success", "failure"} {
		m.runs.WithLabelValues(result)
		m.pushes.WithLabelValues(result)
	}
	for _, state := range states {
		m.selections.WithLabelValues(string(state))
	}
	for _, action := range pullRequestActions {
		m.pullRequests.WithLabelValues(action)
	}
}

// Run counts a run of an automation that took so long and ended with err.
func (m *Metrics) Run(took time.Duration, err error) {
	if m == nil {
		return
	}
	m.runs.WithLabelValues(result(err)).Inc()
	m.runTime.Observe(took.Seconds())
}

// Scan counts a tag list that a registry was asked for. Host is the registry's.
func (m *Metrics) Scan(host string, took time.Duration, err error) {
	if m == nil {
		return
	}
	m.scans.WithLabelValues(m.hosts.label(host), result(err)).Inc()
	m.scanTime.Observe(took.Seconds())
}

// Selection counts a policy that was decided on, and how that ended.
func (m *Metrics) Selection(ended State) {
	if m == nil {
		return
	}
	m.selections.WithLabelValues(oneOf(ended, states)).Inc()
}

// Push counts a push.
func (m *Metrics) Push(err error) {
	if m == nil {
		return
	}
	m.pushes.WithLabelValues(result(err)).Inc()
}

// PullRequest counts what was done to a pull request: an action of
// store.PullRequest.
func (m *Metrics) PullRequest(action string) {
	if m == nil {
		return
	}
	m.pullRequests.WithLabelValues(oneOf(action, pullRequestActions)).Inc()
}

// RateLimit keeps how many requests a registry or forge still allows.
func (m *Metrics) RateLimit(host string, remaining int) {
	if m == nil {
		return
	}
	m.rateLimit.WithLabelValues(m.hosts.label(host)).Set(float64(remaining))
}

// Queue keeps how many automations wait to be run, and since when the one does
// that waits longest; the zero time where none does.
func (m *Metrics) Queue(length int, oldest time.Time) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.oldest = oldest
	m.queued.Set(float64(length))
}

// Wait keeps since when a registry or Git server has owed an answer; the zero time
// where it owes none.
func (m *Metrics) Wait(host string, since time.Time) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if since.IsZero() {
		delete(m.owing, host)
		return
	}
	m.owing[host] = since
}

// owed returns for how many seconds hosts have owed an answer, by label.
func (m *Metrics) owed(now time.Time) map[string]float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	seconds := map[string]float64{}
	for host, since := range m.owing {
		label := m.hosts.label(host)
		seconds[label] = max(seconds[label], now.Sub(since).Seconds())
	}
	return seconds
}

// Stale keeps whether objects of before are used, since those that were read last
// can't be.
func (m *Metrics) Stale(are bool) {
	if m == nil {
		return
	}
	m.stale.Set(0)
	if are {
		m.stale.Set(1)
	}
}

// waits returns how long what waits longest has waited.
func (m *Metrics) waits(now time.Time) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.oldest.IsZero() {
		return 0
	}
	return max(0, now.Sub(m.oldest))
}

func (m *Metrics) handler(log *slog.Logger) http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog:            slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		ErrorHandling:       promhttp.ContinueOnError,
		MaxRequestsInFlight: scrapesAtOnce,
	})
}

func result(err error) string {
	if err != nil {
		return "failure"
	}
	return "success"
}

// oneOf returns a label's value: what is given if it is one of values, else
// "other".
func oneOf[S ~string](value S, values []S) string {
	if slices.Contains(values, value) {
		return string(value)
	}
	return "other"
}

// maxLabel bounds a label's value, in bytes. The name of an object and that of its
// namespace have 253 at most.
const maxLabel = 512

// label returns s as a label may be: UTF-8, and bounded.
func label(s string) string {
	return strings.ToValidUTF8(s[:min(len(s), maxLabel)], "")
}

// hosts are the hosts that have a label of their own.
type hosts struct {
	mu   sync.Mutex
	seen map[string]bool
}

func (h *hosts) label(host string) string {
	host = label(strings.ToLower(host))
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.seen == nil {
		h.seen = map[string]bool{}
	}
	if !h.seen[host] && len(h.seen) >= maxHosts {
		return "other"
	}
	h.seen[host] = true
	return host
}
