package server_test

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/server"
)

// busy returns what /metrics answers when everything has happened.
func busy(t *testing.T) string {
	t.Helper()
	m := server.NewMetrics("v1.2.3")
	m.Run(3*time.Second, nil)
	m.Run(time.Second, errors.New("no"))
	m.Scan("ghcr.io", 40*time.Millisecond, nil)
	m.Scan("GHCR.io", 40*time.Millisecond, errors.New("no"))
	m.Selection(server.OK)
	m.Selection("of another kind")
	m.Push(nil)
	m.PullRequest("created")
	m.PullRequest("eaten")
	m.RateLimit("api.github.com", 4999)
	m.Queue(3, noon.Add(-90*time.Second))
	m.Wait("slow.example.com", noon.Add(-40*time.Second))
	m.Wait("ghcr.io", noon)
	m.Wait("ghcr.io", time.Time{})
	_, base := start(t, server.Options{Source: newWorld(fleet()), Metrics: m})
	_, body := get(t, base+"/metrics")
	return body
}

func TestMetrics(t *testing.T) {
	body := busy(t)
	for _, want := range []string{
		`pinsetter_build_info{version="v1.2.3"} 1`,
		`pinsetter_ready 1`,
		`pinsetter_runs_total{result="success"} 1`,
		`pinsetter_runs_total{result="failure"} 1`,
		`pinsetter_run_duration_seconds_bucket{le="2.5"} 1`,
		`pinsetter_scans_total{host="ghcr.io",result="success"} 1`,
		`pinsetter_scans_total{host="ghcr.io",result="failure"} 1`,
		`pinsetter_selections_total{state="ok"} 1`,
		`pinsetter_selections_total{state="other"} 1`,
		`pinsetter_pushes_total{result="failure"} 0`,
		`pinsetter_pull_requests_total{action="created"} 1`,
		`pinsetter_pull_requests_total{action="other"} 1`,
		`pinsetter_rate_limit_remaining{host="api.github.com"} 4999`,
		`pinsetter_queue_length 3`,
		`pinsetter_queue_age_seconds 90`,
		`pinsetter_wait_seconds{host="slow.example.com"} 40`,
		`pinsetter_held_sites{reason="minAge"} 1`,
		`pinsetter_held_sites{reason="revert"} 0`,
		`pinsetter_automations{state="failing"} 1`,
		`pinsetter_policies{state="held"} 2`,
		`pinsetter_automation_failing{automation="payments/ledger"} 1`,
		`pinsetter_automation_last_success_timestamp_seconds{automation="payments/ledger"} 1.785924e+09`,
		`pinsetter_last_cycle_timestamp_seconds 1.786017588e+09`,
	} {
		if !strings.Contains(body, "\n"+want+"\n") {
			t.Errorf("missing: %s", want)
		}
	}
}

func TestMetricsPassPromtool(t *testing.T) {
	promtool := parts.Need(t, "promtool")
	command := exec.Command(promtool, "check", "metrics")
	command.Stdin = strings.NewReader(busy(t))
	if output, err := command.CombinedOutput(); err != nil || len(output) > 0 {
		t.Errorf("promtool check metrics: %v: %s", err, output)
	}
}

func TestLabelValuesAreBounded(t *testing.T) {
	m := server.NewMetrics("v1\xff")
	for i := range 1000 {
		m.Scan(fmt.Sprintf("host-%d.example.com", i), time.Second, nil)
		m.RateLimit(fmt.Sprintf("host-%d.example.com", i), i)
		m.Wait(fmt.Sprintf("host-%d.example.com", i), noon)
	}
	m.Scan("bad\xffhost"+strings.Repeat("x", 10_000), time.Second, nil)
	status := &server.Status{}
	for i := range 3000 {
		status.Automations = append(status.Automations, server.Automation{
			Namespace: "team", Name: fmt.Sprintf("app-%d", i), LastSuccess: noon.Add(-time.Duration(i) * time.Minute),
		})
	}
	_, base := start(t, server.Options{Source: newWorld(status), Metrics: m})
	code, body := get(t, base+"/metrics")
	if code != 200 {
		t.Fatalf("%d: %s", code, body)
	}
	for name, most := range map[string]int{
		"pinsetter_scans_total": 101, "pinsetter_rate_limit_remaining": 101, "pinsetter_wait_seconds": 101,
		"pinsetter_automation_failing": 1000, "pinsetter_automation_last_success_timestamp_seconds": 1000,
	} {
		if got := strings.Count(body, "\n"+name+"{"); got != most {
			t.Errorf("%s has %d series", name, got)
		}
	}
	if !strings.Contains(body, `{automation="team/app-2999"}`) || strings.Contains(body, `{automation="team/app-0"}`) {
		t.Error("those whose last success is the longest ago have no series")
	}
	if !strings.Contains(body, `pinsetter_scans_total{host="other",result="success"} 901`) {
		t.Error("the hosts that are left are not counted together")
	}
}

func TestNoMetricsAreNoTrouble(t *testing.T) {
	var m *server.Metrics
	m.Run(time.Second, nil)
	m.Scan("ghcr.io", time.Second, nil)
	m.Selection(server.OK)
	m.Push(nil)
	m.PullRequest("created")
	m.RateLimit("ghcr.io", 1)
	m.Queue(1, noon)
}
