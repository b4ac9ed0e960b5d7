package gate_test

import (
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/gate"
)

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
