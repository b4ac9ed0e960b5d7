package gate_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/gate"
)

// numbers orders tags by value and accepts whole numbers up to max.
type numbers struct {
	max      int
	unranked bool
}

func (n numbers) value(tag string) int {
	v, err := strconv.Atoi(tag)
	if err != nil {
		return -1
	}
	return v
}
func (n numbers) Accepts(tag string) bool { return n.value(tag) >= 0 && n.value(tag) <= n.max }
func (n numbers) Above(a, b string) bool  { return n.value(a) > n.value(b) }
func (n numbers) Ranked() bool            { return !n.unranked }

func site(refs ...string) pinsetter.Site {
	var s pinsetter.Site
	for _, ref := range refs {
		tag, digest, _ := strings.Cut(ref, "@")
		s.Written = append(s.Written, pinsetter.Image{Tag: tag, Digest: digest})
	}
	return s
}

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

func TestKeptDigest(t *testing.T) {
	a, b := "sha256:"+strings.Repeat("a", 64), "sha256:"+strings.Repeat("b", 64)
	tests := []struct {
		name    string
		written []string
		want    string
	}{
		{"well formed", []string{"5@" + a}, a},
		{"none", []string{"5"}, ""},
		{"malformed", []string{"5@sha256:0"}, ""},
		{"another tag", []string{"4@" + a}, ""},
		{"shown twice", []string{"5@" + a, "5"}, a},
		{"two digests", []string{"5@" + a, "5@" + b}, ""},
		{"one marker still shows another tag", []string{"5@" + a, "4"}, ""},
		{"nothing written", nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := gate.KeptDigest(site(tt.written...), "5"); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
