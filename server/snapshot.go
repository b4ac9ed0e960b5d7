package server

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pinsetter/pinsetter"
)

// maxSeries bounds the automations with metrics of their own. If there are
// more, those with the oldest last success have them.
const maxSeries = 1000

// The metrics that are read from the status when Prometheus asks, so that they
// agree with the page.
var (
	readyDesc = prometheus.NewDesc("pinsetter_ready",
		"1 when the objects have been loaded.", nil, nil)
	cycleDesc = prometheus.NewDesc("pinsetter_last_cycle_timestamp_seconds",
		"When the last cycle ended, in seconds since 1970.", nil, nil)
	queueAgeDesc = prometheus.NewDesc("pinsetter_queue_age_seconds",
		"How long what waits longest to be run has waited.", nil, nil)
	waitDesc = prometheus.NewDesc("pinsetter_wait_seconds",
		"For how long a registry or Git server has owed an answer.", []string{"host"}, nil)
	automationsDesc = prometheus.NewDesc("pinsetter_automations",
		"Automations, by state.", []string{"state"}, nil)
	policiesDesc = prometheus.NewDesc("pinsetter_policies",
		"Image policies, by state.", []string{"state"}, nil)
	heldDesc = prometheus.NewDesc("pinsetter_held_sites",
		"Sites that a better candidate isn't written to, by the rule that holds it back.", []string{"reason"}, nil)
	successDesc = prometheus.NewDesc("pinsetter_automation_last_success_timestamp_seconds",
		"When the automation's last run without an error ended, in seconds since 1970; 0 for never.", []string{"automation"}, nil)
	failingDesc = prometheus.NewDesc("pinsetter_automation_failing",
		"1 when the automation's last run ended with an error.", []string{"automation"}, nil)
)

// watcher collects the metrics of a status.
type watcher struct {
	viewer  *viewer
	metrics *Metrics
	now     func() time.Time
}

// watch adds the metrics of a viewer's status. Calling it twice is an error.
func (m *Metrics) watch(v *viewer, now func() time.Time) error {
	return m.registry.Register(watcher{v, m, now})
}

// Describe implements prometheus.Collector.
func (w watcher) Describe(to chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{readyDesc, cycleDesc, queueAgeDesc, waitDesc, automationsDesc, policiesDesc, heldDesc, successDesc, failingDesc} {
		to <- desc
	}
}

// Collect implements prometheus.Collector.
func (w watcher) Collect(to chan<- prometheus.Metric) {
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	gauge(queueAgeDesc, w.metrics.waits(w.now()).Seconds())
	for host, seconds := range w.metrics.owed(w.now()) {
		gauge(waitDesc, seconds, host)
	}
	v := w.viewer.now()
	if v == nil {
		gauge(readyDesc, 0)
		return
	}
	gauge(readyDesc, 1)
	gauge(cycleDesc, seconds(v.At))
	for _, state := range states {
		gauge(automationsDesc, float64(v.counts.Automations[state]), string(state))
		gauge(policiesDesc, float64(v.counts.Policies[state]), string(state))
	}
	for reason, sites := range heldBy(v.held) {
		gauge(heldDesc, float64(sites), reason)
	}
	for _, a := range longestAgo(v.automations) {
		name := label(a.FullName())
		failing := 0.0
		if a.State == Failing {
			failing = 1
		}
		gauge(failingDesc, failing, name)
		gauge(successDesc, seconds(a.LastSuccess), name)
	}
}

// heldBy counts held sites by rule. Every rule is in the result, possibly with
// 0.
func heldBy(held []heldRow) map[string]int {
	by := map[string]int{"other": 0}
	for _, rule := range pinsetter.Rules() {
		by[string(rule)] = 0
	}
	for _, h := range held {
		by[oneOf(h.Rule, pinsetter.Rules())]++
	}
	return by
}

// longestAgo returns the automations with metrics of their own.
func longestAgo(all []automationRow) []automationRow {
	if len(all) <= maxSeries {
		return all
	}
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b automationRow) int { return a.LastSuccess.Compare(b.LastSuccess) })
	return all[:maxSeries]
}

func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}
