package gate_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
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
			s := subject(world{}, tt.tag)
			s.Order = tt.order
			hold := compiled(t).Walk(s).Choose(t.Context(), site(tt.written...), pinsetter.Image{}).Hold
			if (hold != nil) != tt.held {
				t.Fatalf("hold is %+v, want one: %v", hold, tt.held)
			}
			if tt.held && !slices.ContainsFunc(tt.written, func(w string) bool { return strings.HasPrefix(hold.Reason, w) }) {
				t.Errorf("reason %q does not begin with the written tag", hold.Reason)
			}
		})
	}
}
