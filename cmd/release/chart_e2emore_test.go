//go:build e2emore

package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/parts"
)

// TestHelmInstallsTheChartFromARegistry builds the chart of the current commit,
// pushes it, and lets helm read it.
func TestHelmInstallsTheChartFromARegistry(t *testing.T) {
	t.Chdir("../..")
	dir := t.TempDir()
	r := release{dir: dir, version: "v1.2.3"}
	if err := r.do(t.Context(), []string{"chart"}); err != nil {
		t.Fatal(err)
	}
	registry := parts.NewDistribution(t, parts.DistributionOptions{})
	if err := r.do(t.Context(), []string{"push-chart", registry.Image("charts")}); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), parts.Need(t, "helm"), "template", "pinsetter", "oci://"+registry.Image("charts/pinsetter"), "--version", "1.2.3",
		"--plain-http", "--set", "objects.sources={git+https://git.example/org/fleet.git//clusters}")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), `image: "ghcr.io/pinsetter/pinsetter:v1.2.3"`) {
		t.Errorf("%v: %s", err, out)
	}
}

// TestWorkflowsPassActionlint reads the workflows of this repository.
func TestWorkflowsPassActionlint(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), parts.Need(t, "actionlint"))
	cmd.Dir = "../.."
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
