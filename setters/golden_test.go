package setters_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/setters"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// digest is a well-formed one.
var digest = "sha256:" + strings.Repeat("ab", 32)

// images are what the policies of the golden files select.
var images = map[string]pinsetter.Image{
	"flux-system/app":         {Name: "ghcr.io/a/app", Tag: "2.0.0"},
	"flux-system/digest":      {Name: "ghcr.io/a/app", Tag: "2.0.0", Digest: digest},
	"flux-system/port":        {Name: "registry:5000/app", Tag: "2.0.0"},
	"flux-system/chart":       {Name: "ghcr.io/a/chart", Tag: "6.7.1_build.5"},
	"flux-system/float":       {Name: "ghcr.io/a/app", Tag: "1.10"},
	"flux-system/date":        {Name: "ghcr.io/a/app", Tag: "2024-01-01"},
	"flux-system/number":      {Name: "ghcr.io/a/app", Tag: "20240101"},
	"flux-system/octal":       {Name: "ghcr.io/a/app", Tag: "017"},
	"flux-system/octal12":     {Name: "ghcr.io/a/app", Tag: "0o17"},
	"flux-system/hex":         {Name: "ghcr.io/a/app", Tag: "0x1F"},
	"flux-system/exponent":    {Name: "ghcr.io/a/app", Tag: "1e3"},
	"flux-system/huge":        {Name: "ghcr.io/a/app", Tag: "12e4567"},
	"flux-system/bool":        {Name: "ghcr.io/a/app", Tag: "on"},
	"flux-system/y":           {Name: "ghcr.io/a/app", Tag: "y"},
	"flux-system/null":        {Name: "ghcr.io/a/app", Tag: "null"},
	"flux-system/underscores": {Name: "ghcr.io/a/app", Tag: "12_34"},
	"flux-system/sexagesimal": {Name: "1", Tag: "30"},
	"flux-system/ipv6":        {Name: "[::1]:5000/app", Tag: "2"},
}

// apply writes the images of the golden files to every site that has one and
// isn't held.
func apply(f *setters.File) ([]byte, []pinsetter.Change, error) {
	chosen := map[int]pinsetter.Image{}
	for i, site := range f.Sites {
		if image, ok := images[site.Policy.String()]; ok && setters.Unfit(site, image.Name) == nil {
			chosen[i] = image
		}
	}
	return f.Apply(chosen)
}

// TestGolden applies the images to testdata/<case>/in and compares with want,
// byte by byte, and the findings with findings.
func TestGolden(t *testing.T) {
	inputs, err := filepath.Glob("testdata/*/in")
	if err != nil || len(inputs) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, in := range inputs {
		dir := filepath.Dir(in)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			f := setters.Find("in", read(t, in))
			got, _, err := apply(f)
			if err != nil {
				t.Fatal(err)
			}
			var findings strings.Builder
			for _, finding := range f.Findings {
				fmt.Fprintf(&findings, "%d %s %s: %s\n", finding.Line, finding.Severity, finding.Code, finding.Message)
			}
			for _, site := range f.Sites {
				if m := setters.Unfit(site, images[site.Policy.String()].Name); m != nil {
					fmt.Fprintf(&findings, "%d held %s: %s\n", m.Line, m.Code, m.Reason)
				}
			}
			golden(t, filepath.Join(dir, "want"), string(got))
			golden(t, filepath.Join(dir, "findings"), findings.String())
			again, changes, err := apply(setters.Find("in", got))
			if err != nil || len(changes) > 0 || string(again) != string(got) {
				t.Errorf("applied again: %d changes, %v", len(changes), err)
			}
		})
	}
}

// golden compares with a golden file; an empty text has none.
func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		os.Remove(name)
		if got != "" {
			if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	want, err := os.ReadFile(name)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
