package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/parts"
)

var metricName = regexp.MustCompile(`pinsetter_[a-z_]+`)

// queries returns the PromQL of the dashboard.
func queries(t *testing.T) []string {
	t.Helper()
	data, err := os.ReadFile("monitoring/grafana-dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(data, &dashboard); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			if target.Expr == "" {
				t.Errorf("panel %q has an empty query", panel.Title)
			}
			all = append(all, target.Expr)
		}
	}
	if len(all) < 15 {
		t.Fatalf("%d queries found in the dashboard", len(all))
	}
	return all
}

// TestRulesAndDashboardNameMetricsThatThereAre reads both ways: every metric of
// ours has a panel too.
func TestRulesAndDashboardNameMetricsThatThereAre(t *testing.T) {
	rules, err := os.ReadFile("monitoring/prometheus-rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for line := range strings.Lines(busy(t)) {
		if !strings.HasPrefix(line, "#") {
			there[metricName.FindString(line)] = true
		}
	}
	shown := map[string]bool{}
	for _, text := range append(queries(t), string(rules)) {
		for _, name := range metricName.FindAllString(text, -1) {
			shown[name] = true
			if !there[name] {
				t.Errorf("there is no metric %s", name)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(there)) {
		if series := strings.HasSuffix(name, "_sum") || strings.HasSuffix(name, "_count"); name != "" && !shown[name] && !series {
			t.Errorf("%s is neither in the dashboard nor in a rule", name)
		}
	}
}

func TestRulesPassPromtool(t *testing.T) {
	promtool := parts.Need(t, "promtool")
	recorded := filepath.Join(t.TempDir(), "dashboard.yaml")
	var rules bytes.Buffer
	rules.WriteString("groups:\n- name: dashboard\n  rules:\n")
	for i, query := range queries(t) {
		query = strings.ReplaceAll(query, "$__rate_interval", "5m") // as Grafana does
		fmt.Fprintf(&rules, "  - record: panel:%d\n    expr: %q\n", i, query)
	}
	if err := os.WriteFile(recorded, rules.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"check", "rules", "monitoring/prometheus-rules.yaml"},
		{"test", "rules", "testdata/alerts.yaml"},
		{"check", "rules", recorded},
	} {
		if output, err := exec.Command(promtool, args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v: %s", strings.Join(args, " "), err, output)
		}
	}
}
