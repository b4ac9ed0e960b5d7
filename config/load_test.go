package config_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter/claim"
	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/source"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestLoad loads testdata/<case>/in.yaml, or the folder in, with the Secrets of
// the folder secrets where there is one. Its want lists the findings and then the
// objects.
func TestLoad(t *testing.T) {
	cases, err := filepath.Glob("testdata/*/want")
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, wantPath := range cases {
		t.Run(filepath.Base(filepath.Dir(wantPath)), func(t *testing.T) {
			t.Chdir(filepath.Dir(wantPath))
			got := describe(loadCase(t))
			if *update {
				if err := os.WriteFile("want", []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile("want")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("findings and objects (-want +got):\n%s", diff)
			}
		})
	}
}

func loadCase(t *testing.T) *fleet.Set {
	t.Helper()
	in := "in.yaml"
	if _, err := os.Stat("in"); err == nil {
		in = "in"
	}
	files, unread := source.ReadPath(in, claim.MayHold)
	if unread != nil {
		t.Fatal(unread)
	}
	var options config.Options
	if _, err := os.Stat("secrets"); err == nil {
		options.SecretDirs = []string{"secrets"}
	}
	for i := range files {
		files[i].Data = []byte(withKeys(string(files[i].Data)))
	}
	return config.Load(files, options)
}

// describe writes everything that a set says for people.
func describe(s *fleet.Set) string {
	var b strings.Builder
	for _, f := range s.Findings {
		fmt.Fprintf(&b, "%s %s %s\n", f.Severity, f.Code, f)
	}
	for _, r := range s.Repositories {
		fmt.Fprintf(&b, "ImageRepository %s%s: %s\n", r.Name, suspended(r.Suspended), state(r.Err))
	}
	for _, p := range s.Policies {
		fmt.Fprintf(&b, "ImagePolicy %s%s: %s\n", p.Name, suspended(p.Suspended), state(p.Err))
	}
	for _, a := range s.Automations {
		fmt.Fprintf(&b, "ImageUpdateAutomation %s%s: %s\n", a.Name, suspended(a.Suspended), state(errors.Join(a.Err, s.Missing.StopsAutomation(a))))
	}
	for _, g := range s.Gates {
		fmt.Fprintf(&b, "Gate %s: %s\n", g.Name, state(g.Err))
	}
	for _, p := range s.PullRequests {
		fmt.Fprintf(&b, "PullRequest %s to %s %s: %s\n", p.Name, p.Forge.Provider, p.Forge.URL, state(p.Err))
	}
	return b.String()
}

func suspended(is bool) string {
	if is {
		return " (suspended)"
	}
	return ""
}

func state(err error) string {
	if err == nil {
		return "ok"
	}
	return "\n\t" + strings.ReplaceAll(err.Error(), "\n", "\n\t")
}
