package migrate_test

import (
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pinsetter/pinsetter/migrate"
	"github.com/pinsetter/pinsetter/parts/budget"
	"github.com/pinsetter/pinsetter/setters"
)

// marker is what is inserted.
var marker = regexp.MustCompile(` # \{"\$imagepolicy": "apps:[a-z0-9-]+(:tag|:name|:digest)?"\}`)

// FuzzTranslate holds, for a YAML file and a configuration of Renovate, that only
// markers are inserted, that each is found again, and that twice equals once.
func FuzzTranslate(f *testing.F) {
	for _, name := range []string{"argocd-image-updater-inline", "argocd-image-updater-objects", "argocd-image-updater-strategies", "keel-workloads", "keel-helm", "renovate-json5"} {
		archive, err := txtar.ParseFile("testdata/" + name + ".txtar")
		if err != nil {
			f.Fatal(err)
		}
		var all, config string
		for _, file := range archive.Files {
			switch {
			case strings.HasSuffix(file.Name, "json5"):
				config = string(file.Data)
			case strings.HasPrefix(file.Name, "in/"):
				all += "---\n" + string(file.Data)
			}
		}
		f.Add([]byte(all), []byte(config))
	}
	f.Add([]byte("a: &x {repository: a/b, tag: &t 1.0.0}\nb: *x\nkeel: {policy: all, images: [{repository: a.repository, tag: a.tag}]}\r\n"), []byte(`{kubernetes:{fileMatch:["."]}}`))
	f.Fuzz(func(t *testing.T, file, config []byte) {
		budget.Affords(t, len(file)+len(config), func() {
			if strings.Contains(string(file), "$imagepolicy") {
				return
			}
			for _, tool := range migrate.Tools() {
				tree := migrate.Tree{
					Namespace: "apps", Policies: policies, Git: migrate.Git{Name: "fleet", URL: "https://github.com/a/b", Branch: "main", Host: "github.com"},
					Files: []migrate.File{{Path: "clusters/values.yaml", Data: file}, {Path: "renovate.json5", Data: config}},
				}
				r := migrate.Translate(tool, tree)
				for _, e := range r.Edits {
					if e.Path == policies {
						continue
					}
					if got := marker.ReplaceAllString(string(e.New), ""); got != string(file) {
						t.Fatalf("%s changed other bytes:\n%q\n%q", tool, file, e.New)
					}
					n := 0
					for _, site := range setters.Find(e.Path, e.New).Sites {
						n += len(site.Markers)
					}
					if written := len(marker.FindAllIndex(e.New, -1)); n != written {
						t.Fatalf("%s wrote %d markers, and %d are found:\n%s", tool, written, n, e.New)
					}
				}
				if again := migrate.Translate(tool, written(tree, r)); len(again.Edits) > 0 {
					t.Fatalf("%s twice differs: %s\n%s", tool, again.Edits[0].Path, again.Edits[0].New)
				}
			}
		})
	})
}

// TestAnchorsThatHoldThemselves holds that a hostile file ends no walk.
func TestAnchorsThatHoldThemselves(t *testing.T) {
	const file = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: &x\n  <<: *x\n  annotations: {keel.sh/policy: all}\nspec: {template: {spec: {containers: [{image: 'a/b:1.0.0'}]}}}\n"
	for _, tool := range migrate.Tools() {
		if r := migrate.Translate(tool, migrate.Tree{Policies: policies, Files: []migrate.File{{Path: "a.yaml", Data: []byte(file)}}}); len(r.Edits) > 0 {
			t.Errorf("%s: %s", tool, r.Edits[0].New)
		}
	}
}

// FuzzGlob holds that a pattern of ignore-tags excludes what Go's own matcher
// matches.
func FuzzGlob(f *testing.F) {
	for _, seed := range [][2]string{{"*-rc?", "1.0-rc1"}, {"1.2.[7-9]", "1.2.8"}, {`a\*b`, "a*b"}, {"[^a-c]*", "xyz"}, {`[\]a]`, "]"}, {"v*.(+", "v1.(+"}} {
		f.Add(seed[0], seed[1])
	}
	tag := regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`)
	f.Fuzz(func(t *testing.T, glob, text string) {
		want, err := path.Match(glob, text)
		if err != nil || !tag.MatchString(text) {
			return
		}
		re, err := regexp.Compile(migrate.GlobPattern(glob))
		if err != nil {
			return // the image is skipped
		}
		if got := re.MatchString(text); got != want {
			t.Fatalf("glob %q as %s on %q: %v, want %v", glob, re, text, got, want)
		}
	})
}

// FuzzSchedule holds that what is understood is a Gate's, and that nothing panics.
func FuzzSchedule(f *testing.F) {
	for _, seed := range []string{
		"after 10pm and before 5am every weekday", "* 0-3 * * 1", "before 4am on the first day of the month", "every 3 months on the first day of the month",
		"on friday, saturday and sunday", "every weekend", "at any time", "monthly", "* */2 1 * *", "after 5 pm", "before 12am",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		budget.Affords(t, len(text), func() {
			windows, err := migrate.Windows(text)
			if err != nil {
				return
			}
			for _, w := range windows {
				if w.Duration.Hours() <= 0 || w.Duration.Hours() > 24 {
					t.Fatalf("%q: %v", text, windows)
				}
			}
		})
	})
}
