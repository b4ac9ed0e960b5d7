package policy

import (
	"strings"
	"testing"

	"github.com/Masterminds/semver/v3"

	"github.com/pinsetter/pinsetter/parts/budget"
)

// referenceVersion is the rule of SemVer tags in the words of its definition:
// three dot-separated parts, then Masterminds; "_" as "+" where that fails. It
// is nil where the tag is no version.
func referenceVersion(tag string) *semver.Version {
	for _, spelled := range []string{tag, strings.ReplaceAll(tag, "_", "+")} {
		if len(strings.Split(spelled, ".")) < 3 {
			return nil
		}
		if v, err := semver.NewVersion(spelled); err == nil {
			return v
		}
	}
	return nil
}

// versionSeeds are tags at the edges of the grammar.
var versionSeeds = []string{
	"", "v", "1", "1.2", "1.2.3", "v1.2.3", "V1.2.3", "vv1.2.3", "01.002.0003", "1.2.3.4", "9.9-rc.1", "9-a.b.c", "9.9+a.1", "1.0",
	"1.2.3-", "1.2.3+", "1.2.3-+", "1.2.3-a+b", "1.2.3-rc.1", "1.2.3-rc.01", "1.2.3-0", "1.2.3-00", "1.2.3-0a", "1.2.3-a..b", "1.2.3--",
	"1.2.3_b1", "1.2.3_b_1", "1.2.3+a_b", "1.2_a.b", "1.2.3-a_b.c", "1.2.3+01", "1.2.3-rc2", "1.2.3-rc10",
	"18446744073709551615.0.0", "18446744073709551616.0.0", "1.2.3-18446744073709551615", "1.2.3-18446744073709551616",
	"1.2.3-99999999999999999999.a", "1.2.3-é", "1.2.3\n", "1.2.3-a.b.c", "1.2.3-a.b", "0.0.0", " 1.2.3",
	"1.2.3-" + strings.Repeat("a", 250), "1.2.3-" + strings.Repeat("a", 251),
}

func FuzzParseVersion(f *testing.F) {
	for _, seed := range versionSeeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, tag string) {
		budget.Affords(t, len(tag), func() {
			got, ok := parseVersion(tag)
			want := referenceVersion(tag)
			if ok != (want != nil) {
				t.Fatalf("parseVersion(%q): %t, Masterminds %v", tag, ok, want)
			}
			if !ok {
				return
			}
			if got != (version{want.Major(), want.Minor(), want.Patch(), want.Prerelease()}) {
				t.Fatalf("parseVersion(%q) = %+v, Masterminds %v", tag, got, want)
			}
		})
	})
}

func FuzzCompareVersions(f *testing.F) {
	for _, a := range versionSeeds {
		for _, b := range versionSeeds {
			f.Add(a, b)
		}
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		v, ok := parseVersion(a)
		w, also := parseVersion(b)
		if !ok || !also {
			return
		}
		if got, want := v.compare(w), referenceVersion(a).Compare(referenceVersion(b)); got != want {
			t.Fatalf("%q compared with %q: %d, Masterminds %d", a, b, got, want)
		}
	})
}

func TestParseVersionAllocatesNothing(t *testing.T) {
	for _, tag := range versionSeeds {
		if n := testing.AllocsPerRun(100, func() { parseVersion(tag) }); n != 0 {
			t.Errorf("parseVersion(%q) allocates %v times", tag, n)
		}
	}
}
