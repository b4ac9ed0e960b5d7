package message

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/spec"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// commit is the message of a commit of an automation.
func commit(s spec.ImageUpdateAutomationSpec, d Data) (string, error) {
	template, err := New(s)
	if err != nil {
		return "", err
	}
	return template.Commit(d)
}

// withTemplate is an automation with a template.
func withTemplate(template string, values map[string]string) spec.ImageUpdateAutomationSpec {
	return spec.ImageUpdateAutomationSpec{GitSpec: &spec.GitSpec{
		Commit: spec.CommitSpec{MessageTemplate: template, MessageTemplateValues: values},
	}}
}

var (
	shop    = pinsetter.Name{Namespace: "flux-system", Name: "shop"}
	shopApp = pinsetter.Name{Namespace: "flux-system", Name: "app"}
	shopDB  = pinsetter.Name{Namespace: "flux-system", Name: "db"}

	deployment = pinsetter.Object{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: "app"}
	release    = pinsetter.Object{APIVersion: "helm.toolkit.fluxcd.io/v2", Kind: "HelmRelease", Namespace: "shop", Name: "db"}

	appOrigin = pinsetter.Provenance{
		Source: "https://github.com/acme/app", Revision: "5f0d1c2", Created: time.Date(2026, 11, 20, 9, 30, 0, 0, time.UTC), Signer: "cosign.pub (key 0a1b2c)",
		Builder: "https://github.com/actions/runner/github-hosted", BuiltFrom: "https://github.com/acme/app@refs/heads/main",
	}

	sample = Data{
		Automation: shop,
		Path:       "./clusters/prod",
		Changes: []pinsetter.Change{
			{Path: "clusters/prod/db.yaml", Line: 12, Setter: "flux-system:db:tag", Object: release, Old: "15.1.0", New: "15.2.0+b1"},
			{Path: "clusters/prod/app.yaml", Line: 30, Setter: "flux-system:app", Object: deployment, Old: "ghcr.io/acme/app:1.0.0", New: "ghcr.io/acme/app:1.1.0"},
			{Path: "clusters/prod/app.yaml", Line: 20, Setter: "flux-system:app", Object: deployment, Old: "ghcr.io/acme/app:1.0.0", New: "ghcr.io/acme/app:1.1.0"},
			{Path: "clusters/prod/db.yaml", Line: 4, Setter: "flux-system:db:name", Object: release, Old: "mysql", New: "postgres"},
		},
		Images: []Written{
			{shopDB, pinsetter.Image{Name: "postgres", Tag: "15.2.0_b1"}},
			{shopApp, pinsetter.Image{Name: "ghcr.io/acme/app", Tag: "1.1.0"}},
		},
		Origins: map[pinsetter.Image]pinsetter.Provenance{{Name: "ghcr.io/acme/app", Tag: "1.1.0"}: appOrigin},
	}
)

// TestGolden renders testdata/<case>/in, a template, to testdata/<case>/want.
func TestGolden(t *testing.T) {
	cases, err := filepath.Glob("testdata/*/in")
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases in testdata (%v)", err)
	}
	for _, in := range cases {
		t.Run(filepath.Base(filepath.Dir(in)), func(t *testing.T) {
			template, err := os.ReadFile(in)
			if err != nil {
				t.Fatal(err)
			}
			got, err := commit(withTemplate(string(template), map[string]string{"cluster": "prod-eu", "html": "<b>&"}), sample)
			if err != nil {
				t.Fatal(err)
			}
			want := filepath.Join(filepath.Dir(in), "want")
			if *update {
				if err := os.WriteFile(want, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			golden, err := os.ReadFile(want)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(golden), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestOrderOfChangesDoesNotMatter(t *testing.T) {
	template := `{{ range .Changed.Changes }}{{ println . }}{{ end }}{{ .Changed.Objects }}{{ .Changed.FileChanges }}{{ .Updated.Images }}{{ .Updated.Files }}`
	want, err := commit(withTemplate(template, nil), sample)
	if err != nil {
		t.Fatal(err)
	}
	reversed := sample
	reversed.Changes, reversed.Images = slices.Clone(sample.Changes), slices.Clone(sample.Images)
	slices.Reverse(reversed.Changes)
	slices.Reverse(reversed.Images)
	for range 20 {
		got, err := commit(withTemplate(template, nil), reversed)
		if err != nil || got != want {
			t.Fatalf("got %q (%v), want %q", got, err, want)
		}
	}
}

func TestMessageWithoutUsableText(t *testing.T) {
	for _, template := range []string{"", " \n", "{{ if false }}x{{ end }}", "{{ \"\\x00\" }}"} {
		if got, err := commit(withTemplate(template, nil), sample); err != nil || got != subject(sample) || !strings.HasPrefix(got, "Update ") {
			t.Errorf("template %q: %q, %v; want what changes", template, got, err)
		}
	}
	if got, err := commit(spec.ImageUpdateAutomationSpec{}, Data{}); err != nil || got != Default {
		t.Errorf("no git spec: %q, %v", got, err)
	}
}

// TestSubject: a message of our own says what changes, all of it where that is short.
func TestSubject(t *testing.T) {
	change := func(i int, file string) pinsetter.Change {
		app := fmt.Sprintf("registry.example/apps/application-%d", i)
		return pinsetter.Change{Path: file, Setter: fmt.Sprintf("ns:app-%d", i), Old: app + ":1.0.0", New: app + ":1.1.0"}
	}
	one := Data{Changes: []pinsetter.Change{change(1, "apps/a.yaml"), change(1, "apps/b.yaml")}}
	many := Data{Changes: []pinsetter.Change{change(1, "apps/a.yaml"), change(2, "apps/b.yaml"), change(3, "apps/b.yaml")}}
	odd := Data{Changes: []pinsetter.Change{change(1, "a\nCo-authored-by: x <x@y.z>\u202e")}}
	for want, d := range map[string]Data{
		Default: {},
		"Update application-1 1.0.0 -> 1.1.0 in apps (2 files)":                    one,
		"Update 3 images in apps (2 files)":                                        many,
		"Update application-1 1.0.0 -> 1.1.0 in a Co-authored-by: x <x@y.z>\uFFFD": odd,
	} {
		if got, err := commit(withTemplate("", nil), d); got != want || err != nil {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	}
}

func TestTextIsKeptAndMadePrintable(t *testing.T) {
	for template, want := range map[string]string{
		"  a\n\n b \t\r\n\n":             "  a\n\n b \t\r\n\n",
		"a{{ \"\\x1b[31m\" }}b":          "a[31mb",
		"a{{ \"\\x00\" }}b":              "ab",
		"a{{ \"\\xff\" }}b":              "a\uFFFDb",
		"{{ .Values.html }} {{ \"é\" }}": "<b>& é",
	} {
		got, err := commit(withTemplate(template, map[string]string{"html": "<b>&"}), sample)
		if err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", template, got, err, want)
		}
	}
}

func TestErrorsNameTheLineAndTheAutomation(t *testing.T) {
	for template, want := range map[string]string{
		"a\n{{ .Nope }}":                        "render commit message of ImageUpdateAutomation flux-system/shop: spec.git.commit.messageTemplate: line 2: ",
		"a\n\n{{ range }}":                      "line 3: missing value for range",
		"{{ bcrypt \"x\" }}":                    `line 1: function "bcrypt" not defined: functions that generate keys`,
		"{{ now }}":                             `line 1: function "now" not defined`,
		"{{ _leave }}":                          `line 1: function "_leave" not defined`,
		"\n{{ fail \"no\" }}":                   "line 2: at <fail \"no\">: error calling fail: no",
		"\n\n{{ range until 99999999 }}{{end}}": "line 3: a value grows past 4 MiB",
	} {
		_, err := unchecked(template, sample)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %q in it", template, err, want)
		}
	}
}

func TestCheck(t *testing.T) {
	for template, want := range map[string]pinsetter.Severity{
		"{{ .Nope }}": "",
		"{{ range .Changed.Changes }}{{ .Nope }}{{ end }}": "",
		"{{ if .Values.x }}{{ .Nope }}{{ end }}":           "none", // not with this data
		"{{ (index .Changed.Changes 7).Old }}":             "none", // with other data
		"{{ range }}":                                      "",
		"{{ genPrivateKey \"rsa\" }}":                      "",
		strings.Repeat("x", maxSource+1):                   "",
		"{{ range .Updated.Images }}{{.}}{{ end }}":        pinsetter.Warning,
		"{{ .Changed.ImageResult.Files }}":                 pinsetter.Warning,
		"{{ .Changed.Changes }}":                           "none",
		"":                                                 "none",
	} {
		compiled, err := New(withTemplate(template, nil))
		if err == nil {
			err = compiled.Warning()
		}
		var field *spec.FieldError
		switch {
		case err == nil:
			if want != "none" {
				t.Errorf("%.40q: no error", template)
			}
		case !errors.As(err, &field) || field.Field != "spec.git.commit.messageTemplate" || field.Severity != want:
			t.Errorf("%.40q: %#v, want severity %q", template, err, want)
		}
	}
}
