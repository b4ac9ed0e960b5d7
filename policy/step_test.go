package policy

import (
	"testing"

	"github.com/pinsetter/pinsetter/spec"
)

func TestRange(t *testing.T) {
	tests := []struct {
		text, tag string
		want      bool
	}{
		{">=2.0.0", "2.0.0", true},
		{">=2.0.0", "v2.1.0", true},
		{">=2.0.0", "1.9.9", false},
		{">=2.0.0", "2.1.0-rc.1", true}, // a policy would need >=2.0.0-0
		{">=2.0.0", "2.0.0-rc.1", false},
		{"1.x || 3.x", "3.0.0", true},
		{"1.x || 3.x", "2.0.0", false},
		{"*", "1.25", false}, // no version, as in a policy
		{"*", "latest", false},
		{"1.2.3", "1.2.3_build", true}, // a chart's tag
		{"!=1.2.3", "1.2.3", false},
	}
	for _, test := range tests {
		inside, err := Range(test.text)
		if err != nil {
			t.Fatal(err)
		}
		if got := inside(test.tag); got != test.want {
			t.Errorf("%q in %q: %v", test.tag, test.text, got)
		}
	}
	for _, bad := range []string{"", " ", "||", "x.y", ">=", "latest"} {
		if _, err := Range(bad); err == nil {
			t.Errorf("%q is a range", bad)
		}
	}
}

func TestBump(t *testing.T) {
	plain := bySemVer("*")
	extracted := filtered(bySemVer("*"), `^main-(?P<v>.*)$`, "$v")
	built := filtered(byNumber("asc"), `^[0-9.]+-(?P<ts>[0-9]+)$`, "$ts")
	tests := []struct {
		name     string
		spec     spec.ImagePolicySpec
		from, to string
		want     spec.Bump
	}{
		{"patch", plain, "1.2.3", "1.2.4", spec.BumpPatch},
		{"minor", plain, "1.2.3", "v1.3.0", spec.BumpMinor},
		{"major", plain, "1.2.3", "2.2.3", spec.BumpMajor},
		{"of a version below 1.0.0", plain, "0.1.0", "0.2.0", spec.BumpMinor},
		{"down", plain, "2.0.0", "1.9.0", spec.BumpMajor},
		{"to a release", plain, "2.0.0-rc.1", "2.0.0", spec.BumpPatch},
		{"of build metadata", plain, "1.2.3_a", "1.2.3_b", spec.BumpPatch},
		{"same", plain, "1.2.3", "1.2.3", spec.BumpPatch},
		{"extracted", extracted, "main-1.2.3", "main-1.3.0", spec.BumpMinor},
		{"from a tag that the filter drops", extracted, "1.2.3", "main-2.0.0", spec.BumpMajor},
		{"of tags whose numbers are extracted", built, "1.2.3-7", "1.3.0-8", spec.BumpMinor},
		{"no version before", plain, "latest", "1.2.3", ""},
		{"no version after", plain, "1.2.3", "1.25", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := mustNew(t, test.spec)
			if got, ok := p.Bump(test.from, test.to); got != test.want || ok != (test.want != "") {
				t.Errorf("got %q, %v, want %q", got, ok, test.want)
			}
		})
	}
}
