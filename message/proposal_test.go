package message

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/spec"
)

const bodyLimit = 60_000

// texts are those of a PullRequest for the automation shop.
func texts(t testing.TB, s spec.PullRequestSpec, fixed string) *Texts {
	t.Helper()
	all, err := newTexts(s)
	if err != nil {
		t.Fatal(err)
	}
	return all.Of(shop, nil, fixed)
}

func newTexts(s spec.PullRequestSpec) (*Texts, error) {
	if s.GroupBy == "" {
		s.GroupBy = spec.GroupByAutomation
	}
	return NewTexts(pinsetter.Name{Namespace: "flux-system", Name: "updates"}, s)
}

// proposal is sample with everything that a body shows.
func proposal() Proposal {
	return Proposal{
		Data:   sample,
		Ranges: map[string]string{"flux-system/app": "semver 1.x || 2.x", "flux-system/db": "numerical asc"},
		Held: []pinsetter.Hold{{
			Policy: "flux-system/cache", Path: "clusters/prod/cache.yaml", Line: 7, Current: "7.0.0", Candidate: "7.2.0",
			Reason: "Gate flux-system/cooldown: it was first seen an hour ago", Until: time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC),
		}},
		Builds: []Build{{
			Image: pinsetter.Image{Name: "ghcr.io/acme/app", Tag: "1.1.0"}, Provenance: appOrigin,
			Compare: "https://github.com/acme/app/compare/a1b2c3d...5f0d1c2",
		}},
	}
}

func TestBodyGolden(t *testing.T) {
	for name, template := range map[string]string{
		"default": "",
		"custom":  "For {{ .AutomationObject }}{{ with .Group }} in {{ . }}{{ end }}:{{ range .Images }} {{ .Policy }} {{ .Name }}:{{ .Tag }} of {{ .Source }} at {{ .Revision }}{{ end }}",
	} {
		t.Run(name, func(t *testing.T) {
			got, err := texts(t, spec.PullRequestSpec{Body: template}, "").Body(proposal(), bodyLimit)
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", "body-"+name+".md")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestBodyIsBounded: 500 long changes are counted rather than refused; a text of
// the object's own that leaves no room is an error.
func TestBodyIsBounded(t *testing.T) {
	p := proposal()
	for range 500 {
		change := sample.Changes[0]
		change.New = strings.Repeat("x", 300)
		p.Changes = append(p.Changes, change)
	}
	body, err := texts(t, spec.PullRequestSpec{}, "").Body(p, bodyLimit)
	if err != nil || len(body) > bodyLimit || !strings.Contains(body, " more changes.") || !strings.Contains(body, "Proposed by Pinsetter") {
		t.Errorf("%d bytes, %v", len(body), err)
	}
	long := `{{ range untilStep 0 5900 1 }}0123456789{{ end }}`
	if _, err := texts(t, spec.PullRequestSpec{Body: long}, "").Body(p, bodyLimit); !errors.Is(err, ErrTooLong) {
		t.Errorf("a text of 59,000 bytes: %v", err)
	}
}

func TestTitle(t *testing.T) {
	one := proposal()
	one.Images = one.Images[1:]
	group := proposal()
	group.Group = "apps/web"
	for _, test := range []struct {
		template string
		of       Proposal
		want     string
	}{
		{"", one, "Update ghcr.io/acme/app to 1.1.0"},
		{"", proposal(), "Update 2 images of flux-system/shop"},
		{"", group, "Update 2 images in apps/web"},
		{"chore({{ .Group }}):\n bump {{ len .Images }}", group, "chore(apps/web): bump 2"},
		{" {{ if false }}x{{ end }}\n", one, "Update ghcr.io/acme/app to 1.1.0"},
	} {
		got, err := texts(t, spec.PullRequestSpec{Title: test.template}, "").Title(test.of)
		if err != nil || got != test.want {
			t.Errorf("%q: %q, %v; want %q", test.template, got, err, test.want)
		}
	}
	if _, err := texts(t, spec.PullRequestSpec{Title: "a\n{{ index .Images 5 }}"}, "").Title(one); err == nil ||
		!strings.Contains(err.Error(), "PullRequest flux-system/updates: spec.title: line 2: ") {
		t.Errorf("a template that fails: %v", err)
	}
}

func TestBranch(t *testing.T) {
	byPolicy := spec.PullRequestSpec{GroupBy: spec.GroupByPolicy}
	for _, test := range []struct {
		spec        spec.PullRequestSpec
		fixed       string
		group, want string
	}{
		{spec.PullRequestSpec{}, "", "", "pinsetter/shop"},
		{spec.PullRequestSpec{}, "bumps", "", "bumps"},
		{byPolicy, "", "app", "pinsetter/shop/app"},
		{byPolicy, "", "a.lock", "pinsetter/shop/a%2Elock"},
		{byPolicy, "", "apps/my-web", "pinsetter/shop/apps+my-web"},
		{byPolicy, "", "apps+my-web", "pinsetter/shop/apps%2Bmy-web"},
		{byPolicy, "", "/", "pinsetter/shop/+"},
		{byPolicy, "", ".hidden/..x", "pinsetter/shop/%2Ehidden+.%2Ex"},
		{byPolicy, "", "a b~c", "pinsetter/shop/a%20b%7Ec"},
		{spec.PullRequestSpec{Branch: "bumps/{{ .Group }}-x"}, "", "app", "bumps/app-x"},
		{spec.PullRequestSpec{Branch: " a..b"}, "", "", "error"},
		{spec.PullRequestSpec{Branch: "refs/heads/bumps"}, "", "", "bumps"},
		{spec.PullRequestSpec{Branch: "refs/for/main"}, "", "", "error"},
		{spec.PullRequestSpec{Branch: "origin/{{ .AutomationObject.Name }}"}, "", "", "error"},
		{spec.PullRequestSpec{Branch: "{{ if false }}x{{ end }}"}, "", "", "error"},
	} {
		got := ""
		all, err := newTexts(test.spec)
		if err == nil {
			got, err = all.Of(shop, nil, test.fixed).Branch(test.group)
		}
		if err != nil {
			got = "error"
		}
		if got != test.want {
			t.Errorf("group %q of %+v: %q (%v), want %q", test.group, test.spec, got, err, test.want)
		}
	}
}

func TestFolder(t *testing.T) {
	for template, want := range map[string]string{
		"":                        "pinsetter/shop/",
		"bumps/{{ .Group }}":      "bumps/",
		"a/b-{{ .Group }}/update": "a/",
		"bump-{{ .Group }}":       "error",
		"bumps/all":               "error",
		"{{ .Group }}/bumps":      "error",
	} {
		got := ""
		all, err := newTexts(spec.PullRequestSpec{GroupBy: spec.GroupByPolicy, Branch: template})
		if err == nil {
			got, err = all.Of(shop, nil, "").Folder()
		}
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%q: %q (%v), want %q", template, got, err, want)
		}
	}
}

func TestNewTexts(t *testing.T) {
	for _, test := range []struct {
		spec spec.PullRequestSpec
		want string // a field; "" for none
	}{
		{spec.PullRequestSpec{GroupBy: spec.GroupByAutomation, Branch: "fixed"}, ""},
		{spec.PullRequestSpec{GroupBy: spec.GroupByAutomation, Branch: "refs/heads/fixed"}, ""},
		{spec.PullRequestSpec{GroupBy: spec.GroupByAutomation, Branch: "refs/tags/fixed"}, "spec.branch"},
		{spec.PullRequestSpec{GroupBy: spec.GroupByAutomation, Branch: "origin/fixed"}, "spec.branch"},
		{spec.PullRequestSpec{GroupBy: spec.GroupByAutomation, Title: "{{"}, "spec.title"},
		{spec.PullRequestSpec{GroupBy: spec.GroupByAutomation, Title: "{{ .Grup }}"}, "spec.title"},
		{spec.PullRequestSpec{GroupBy: spec.GroupByAutomation, Body: "{{ range .Images }}{{ .Name }} {{ .Sorce }}{{ end }}"}, "spec.body"},
		{spec.PullRequestSpec{GroupBy: spec.GroupByAutomation, Body: "{{ index .Images 5 }}"}, ""}, // it may fit other data
		{spec.PullRequestSpec{GroupBy: spec.GroupByAutomation, Body: "{{ env \"HOME\" }}"}, "spec.body"},
		{spec.PullRequestSpec{GroupBy: spec.GroupByPolicy, Branch: "fixed"}, "spec.branch"},
		{spec.PullRequestSpec{GroupBy: spec.GroupByPolicy, Branch: "heads/{{ .Group }}"}, "spec.branch"},
		{spec.PullRequestSpec{GroupBy: spec.GroupByPolicy, Branch: "{{ .Values.team }}/{{ .Group }}"}, ""}, // values are the automation's
		{spec.PullRequestSpec{GroupBy: spec.GroupByDirectory}, ""},
	} {
		_, err := NewTexts(pinsetter.Name{}, test.spec)
		if err != nil && strings.Contains(err.Error(), "PullRequest /") {
			t.Errorf("%+v: %v: names an object that has no name here", test.spec, err)
		}
		field := (*spec.FieldError)(nil)
		if errors.As(err, &field); (err == nil) != (test.want == "") || field != nil && field.Field != test.want {
			t.Errorf("%+v: %v", test.spec, err)
		}
	}
}

// FuzzBody: whatever files, registries and publishers say, it stands in code
// spans, and what is left around them is the same for all.
func FuzzBody(f *testing.F) {
	for _, text := range []string{"a|b", "``` @jane", "closes #12", "<img src=x>", "](https://evil.example)", "`", "a\nb", "\xff", "| x |", `\`, "https://github.com/acme/app/issues/1"} {
		f.Add(text, text)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		write := func(a, b string) string {
			p := Proposal{
				Data: Data{
					Automation: shop,
					Changes:    []pinsetter.Change{{Path: "p" + a, Line: 1, Setter: "flux-system:app", Old: "o" + b, New: "n" + a, Object: pinsetter.Object{Kind: "K" + b, Name: "n" + a}}},
					Images:     []Written{{shopApp, pinsetter.Image{Name: "app", Tag: "1"}}},
				},
				Ranges: map[string]string{"flux-system/app": "r" + a},
				Held:   []pinsetter.Hold{{Policy: "h", Path: "p", Line: 1, Current: "c" + b, Candidate: "c" + a, Reason: "r" + b}},
				Builds: []Build{{Image: pinsetter.Image{Name: "app", Tag: "1"}, Provenance: pinsetter.Provenance{Source: a, Revision: b, Signer: "s" + a}}},
			}
			body, err := texts(t, spec.PullRequestSpec{}, "").Body(p, bodyLimit)
			if err != nil {
				t.Fatal(err)
			}
			return body
		}
		if len(a)+len(b) > 2000 {
			return // rows would be left out
		}
		want := outside(write("x", "y"))
		got := outside(write(a, b))
		for _, publisher := range []string{", built", " from ␟", " at ␟", " (says its publisher)", ", signed by ␟ (verified)"} {
			got, want = strings.ReplaceAll(got, publisher, ""), strings.ReplaceAll(want, publisher, "")
		}
		if got != want {
			t.Errorf("around the code spans stands\n%s\nwant\n%s", got, want)
		}
	})
}

// outside returns Markdown with "␟" for each code span, as CommonMark 0.31
// section 6.1 finds them, in a table after its "\|" are read.
func outside(markdown string) string {
	var b strings.Builder
	for line := range strings.Lines(markdown) {
		if strings.HasPrefix(line, "|") {
			line = strings.ReplaceAll(line, `\|`, "")
		}
		for len(line) > 0 {
			rest := strings.TrimLeft(line, "`")
			if n := len(line) - len(rest); n > 0 {
				if end := closing(rest, n); end >= 0 {
					b.WriteString("␟")
					line = rest[end:]
					continue
				}
				b.WriteString(line[:n])
				line = rest
				continue
			}
			b.WriteByte(line[0])
			line = line[1:]
		}
	}
	return b.String()
}

// closing returns the index behind the first run of exactly n backticks, or -1.
func closing(s string, n int) int {
	for i := 0; i < len(s); {
		run := len(s[i:]) - len(strings.TrimLeft(s[i:], "`"))
		if run == n {
			return i + n
		}
		i += max(run, 1)
	}
	return -1
}

// FuzzSlug: no two groups share a branch, and all of them are branches.
func FuzzSlug(f *testing.F) {
	f.Add("a/b", "a+b")
	f.Add("a.lock", "a%2Elock")
	f.Add("..", ".")
	f.Add("é", "\xff")
	f.Fuzz(func(t *testing.T, a, b string) {
		x, y := slug(a), slug(b)
		if a != b && x == y {
			t.Errorf("%q and %q are both %q", a, b, x)
		}
		if _, err := parseBranch("pinsetter/web/" + x); a != "" && len(x) < 100 && err != nil {
			t.Errorf("%q becomes %q: %v", a, x, err)
		}
	})
}

// A revision is shown where nothing reads it as more: also as Flux writes it into
// artifacts.
func TestRevisionsAreShown(t *testing.T) {
	hash := strings.Repeat("0a", 20)
	for revision, shown := range map[string]bool{
		hash:                                    true,
		"v1.2.3":                                true,
		"6.1.6@sha1:" + hash:                    true,
		"feature/x@sha1:" + hash:                true,
		"main@sha256:" + hash + hash[:24]:       true,
		"main@sha256:" + hash:                   false,
		"6.1.6@sha1:" + hash[:39]:               false,
		"6.1.6@sha1:" + hash + "0":              false,
		"@sha1:" + hash:                         false,
		"a-@sha1:" + hash:                       false,
		"6.1.6@sha1:" + strings.Repeat("A", 40): false,
		"hello @jane":                           false,
		"a@jane":                                false,
		"x@sha1:" + hash + " @jane":             false,
	} {
		if got := inertRevision(revision); (got == revision) != shown || got != "" && !shown {
			t.Errorf("%q is shown as %q", revision, got)
		}
	}
}
