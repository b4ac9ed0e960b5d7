package gate_test

import (
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/gate"
	"github.com/pinsetter/pinsetter/spec"
)

func TestPlatforms(t *testing.T) {
	tests := []struct {
		name         string
		wanted, have []string
		lacks        string // the start of the reason
	}{
		{"all", []string{"linux/amd64", "linux/arm64"}, []string{"linux/arm64", "windows/amd64", "linux/amd64", "unknown/unknown"}, ""},
		{"one is missing", []string{"linux/amd64", "linux/arm64"}, []string{"linux/amd64"}, "it lacks linux/arm64 and has linux/amd64: publish it"},
		{"any variant", []string{"linux/arm"}, []string{"linux/arm/v6"}, ""},
		{"another variant", []string{"linux/arm/v7"}, []string{"linux/arm/v6", "linux/arm"}, "it lacks linux/arm/v7"},
		{"arm64 is v8", []string{"linux/arm64", "linux/arm64/v8"}, []string{"linux/arm64/v8"}, ""},
		{"v8 is arm64", []string{"linux/arm64/v8"}, []string{"linux/arm64"}, ""},
		{"no variant of amd64", []string{"linux/amd64/v3"}, []string{"linux/amd64"}, "it lacks linux/amd64/v3"},
		{"no part of a word", []string{"linux/arm"}, []string{"linux/arm64"}, "it lacks linux/arm"},
		{"an image that says nothing", []string{"linux/amd64"}, []string{}, "it lacks linux/amd64 and has none"},
		{"no image", []string{"linux/amd64"}, nil, ""},
		{"hostile words", []string{"linux/amd64"}, []string{"x\x1b[2J, y: z"}, `it lacks linux/amd64 and has "x\x1b[2J, y: z": publish`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := &facts{content: map[string]gate.Content{"5": {Platforms: test.have}}}
			checkVerdict(t, judged(t, f, noon, spec.GateSpec{MaxBump: spec.BumpMajor}, spec.GateSpec{Platforms: test.wanted}), test.lacks, time.Time{})
		})
	}
	many := &facts{content: map[string]gate.Content{"5": {Platforms: strings.Fields(strings.Repeat("plan9/x"+strings.Repeat("y", 100)+" ", 1000))}}}
	if got := judged(t, many, noon, spec.GateSpec{Platforms: []string{"linux/amd64"}}); len(got.Reason) > 1000 || !strings.Contains(got.Reason, "990 others") {
		t.Errorf("%d bytes: %s", len(got.Reason), got.Reason)
	}
}
