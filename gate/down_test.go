package gate_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/gate"
)

func TestDown(t *testing.T) {
	tests := []struct {
		name    string
		written []string
		tag     string
		order   numbers
		held    bool
	}{
		{"up", []string{"4"}, "5", numbers{max: 9}, false},
		{"same", []string{"5"}, "5", numbers{max: 9}, false},
		{"down from an accepted tag", []string{"6"}, "5", numbers{max: 9}, true},
		{"down from a tag outside the range", []string{"6"}, "5", numbers{max: 5}, false},
		{"from a tag that is no number", []string{"latest"}, "5", numbers{max: 9}, false},
		{"nothing written", nil, "5", numbers{max: 9}, false},
		{"one of several is higher", []string{"4", "6"}, "5", numbers{max: 9}, true},
		{"an order that says nothing about age", []string{"6"}, "5", numbers{max: 9, unranked: true}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			reason := gate.Down(site(tt.written...), tt.tag, tt.order)
			if (reason != "") != tt.held {
				t.Fatalf("held = %v (%q), want %v", reason != "", reason, tt.held)
			}
			if tt.held && !slices.ContainsFunc(tt.written, func(w string) bool { return strings.HasPrefix(reason, w) }) {
				t.Errorf("reason %q does not begin with the written tag", reason)
			}
		})
	}
}
