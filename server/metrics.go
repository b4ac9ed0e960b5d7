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
	// maxHosts bounds the values of a host label; further hosts are counted
	// together as "other".
	maxHosts = 100

	// scrapesAtOnce is enough for a Prometheus and its replica.
	scrapesAtOnce = 4
)

// durations are the upper bounds of histogram buckets, in seconds: a scan takes
// about ten milliseconds, the run of a large repository a minute.
var durations = []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300}

// pullRequestActions are the actions of store.PullRequest.
var pullRequestActions = []string{"created", "updated", "unchanged", "closed", "merged"}

// Metrics are a bot's metrics for Prometheus. The values of labels are bounded
// for any input. Metrics are safe for concurrent use, and a nil *Metrics does
// nothing.
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
	oldest time.Time            // of the queue
	owing  map[string]time.Time // start of each host's unanswered requests
	queued prometheus.Gauge
	stale  prometheus.Gauge
}

// NewMetrics returns metrics of the program with that version, including those
// of the process and of Go.
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

// start sets counters to 0, so that the first event is an increase.
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

// Run counts a run of an automation, its duration and its result.
func (m *Metrics) Run(took time.Duration, err error) {
	if m == nil {
		return
	}
	m.runs.WithLabelValues(result(err)).Inc()
	m.runTime.Observe(took.Seconds())
}

// Scan counts a request for a tag list. Host is the registry's.
func (m *Metrics) Scan(host string, took time.Duration, err error) {
	if m == nil {
		return
	}
	m.scans.WithLabelValues(m.hosts.label(host), result(err)).Inc()
	m.scanTime.Observe(took.Seconds())
}

// Selection counts a decision about a policy by its result.
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

// PullRequest counts an action on a pull request; see store.PullRequest.
func (m *Metrics) PullRequest(action string) {
	if m == nil {
		return
	}
	m.pullRequests.WithLabelValues(oneOf(action, pullRequestActions)).Inc()
}

// RateLimit sets the number of requests that a registry or forge still allows.
func (m *Metrics) RateLimit(host string, remaining int) {
	if m == nil {
		return
	}
	m.rateLimit.WithLabelValues(m.hosts.label(host)).Set(float64(remaining))
}

// Queue sets the number of automations that wait for their turn, and the time
// since which the first one has waited; zero if none waits.
func (m *Metrics) Queue(length int, oldest time.Time) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.oldest = oldest
	m.queued.Set(float64(length))
}

// Wait sets the time since which a registry or Git server has owed an answer;
// zero if it owes none.
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

// owed returns the seconds for which hosts have owed an answer, by label.
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

// Stale sets whether older objects are in use because the current ones can't be
// loaded.
func (m *Metrics) Stale(are bool) {
	if m == nil {
		return
	}
	m.stale.Set(0)
	if are {
		m.stale.Set(1)
	}
}

// waits returns the longest waiting time.
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

// oneOf returns value if it is one of values, else "other".
func oneOf[S ~string](value S, values []S) string {
	if slices.Contains(values, value) {
		return string(value)
	}
	return "other"
}

// maxLabel bounds a label's value, in bytes. Names of objects and namespaces
// have at most 253.
const maxLabel = 512

// label returns s as a valid label: UTF-8, and bounded.
func label(s string) string {
	return strings.ToValidUTF8(s[:min(len(s), maxLabel)], "")
}

// hosts is the set of hosts with a label of their own.
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
