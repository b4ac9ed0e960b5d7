package policy

import (
	"testing"

	"github.com/Masterminds/semver/v3"

	"github.com/pinsetter/pinsetter/parts/budget"
)

func FuzzRange(f *testing.F) {
	versions := []string{"1.2.3", "0.0.0", "0.0.3-alpha", "0.1.0-0", "1.2.9-rc.1", "2.0.0-rc.1", "2.0.0", "11.1.1", "12.0.0-0", "18446744073709551615.0.0"}
	constraints := []string{
		"*", "x", ">*", "<*", "<=*", ">=*", "!=*", "~*", "^*", "1", "1.x", "1.2", "1.2.x", "1.2.3", "=1", "=1.2.3-rc.1",
		">11", ">11.1", ">11.1.1", "<2", "<2.0", "<=2", "<=2.1", "<=2.1.0", ">=1.0.0-0 <2.0.0", "^1.x-0", ">1.0.0-rc <2.0.0-rc",
		"~1", "~1.2", "~1.2.3", "~0", "~0.0", "~0.0.0", "~0.0.0-a", "^1", "^0", "^0.0", "^0.0.3", "^0.0.3-alpha", "^0.2.3", "^0.0.x",
		"!=1", "!=1.2", "!=1.2.x-rc.1", "!=1.2.3", "!=1.x >1-0", "1.0 - 2.0", "1 - 2.3.4-rc.1", "<1 || >=2 <3, !=2.1.0", "=>1 =<2",
		"~>1.2", ">18446744073709551615", "<=18446744073709551615", "^18446744073709551615.1", "~1.18446744073709551615", "^0.0.18446744073709551615",
		"v1.2.3+build", "x.2.3", "1.x.3", "01.02", "1.2.3.4", ">1 <1", "", " ", "||", "!=2.x-0 >1.x", ">x-0", "1|2", "01.x", "1.02.x", ">=1.x <2.1.x", "!=1.2.x", "~1.x", "1.2.3.x", ".x", "1..x", "18446744073709551616.x", "1.18446744073709551616.x",
	}
	for _, c := range constraints {
		for _, v := range versions {
			f.Add(c, v)
		}
	}
	f.Fuzz(func(t *testing.T, constraint, tag string) {
		budget.Affords(t, len(constraint)+len(tag), func() {
			want, wantErr := semver.NewConstraint(constraint)
			got, err := parseRange(constraint)
			if (err == nil) != (wantErr == nil) {
				t.Fatalf("parseRange(%q): error %v, Masterminds %v", constraint, err, wantErr)
			}
			v, ok := parseVersion(tag)
			if err != nil || !ok {
				return
			}
			reference := referenceVersion(tag)
			if got.accepts(v) != want.Check(reference) {
				t.Fatalf("%q accepts %q: %t, Masterminds %t (%+v)", constraint, tag, got.accepts(v), want.Check(reference), got)
			}
		})
	})
}
