// Package deploy_test checks everything that users install from this folder.
// Every kustomization and the chart must build into objects that Kubernetes
// knows and Pod Security admits. The command lines in them, in the units of
// systemd and in the line of cron must work against a Git server and a
// registry.
package deploy_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
)

var update = flag.Bool("update", false, "rewrite copies and golden files")

// scratch is a folder that all tests share.
var scratch string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(func() int {
		var err error
		if scratch, err = os.MkdirTemp("", "pinsetter-deploy-"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer func() { _ = os.RemoveAll(scratch) }()
		return m.Run()
	}())
}

// build builds the program, once.
var build = sync.OnceValues(func() (string, error) {
	path := filepath.Join(scratch, "pinsetter")
	cmd := exec.CommandContext(context.Background(), "go", "build", "-o", path, "./cmd/pinsetter")
	cmd.Dir = ".."
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w: %s", err, out)
	}
	return path, nil
})

// program is the path of the program, called pinsetter.
func program(t *testing.T) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// golden compares text with a file; -update writes it.
func golden(t *testing.T, path, text string) {
	t.Helper()
	if *update {
		write(t, path, text)
		return
	}
	if have := read(t, path); have != text {
		t.Errorf("%s is out of date: go test ./deploy -update rewrites it (with -tags e2emore, what helm renders)", path)
	}
}

var lineStart = regexp.MustCompile(`(?m)^(.)`)

// TestMonitoringIsThatOfTheServer compares the copies of rules and dashboard
// with the originals.
func TestMonitoringIsThatOfTheServer(t *testing.T) {
	rules := read(t, "../server/monitoring/prometheus-rules.yaml")
	dashboard := read(t, "../server/monitoring/grafana-dashboard.json")
	golden(t, "chart/files/prometheus-rules.yaml", rules)
	golden(t, "chart/files/grafana-dashboard.json", dashboard)
	golden(t, "kustomize/components/prometheus/grafana-dashboard.json", dashboard)
	golden(t, "kustomize/components/prometheus/prometheusrule.yaml", `apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: pinsetter
  labels: {app.kubernetes.io/name: pinsetter}
spec:
`+lineStart.ReplaceAllString(rules, "  $1"))
}
