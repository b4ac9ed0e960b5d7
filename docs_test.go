package pinsetter_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// pages returns the documents of the repository, by path.
func pages(t *testing.T) map[string]string {
	t.Helper()
	paths, err := filepath.Glob("docs/*.md")
	if err != nil || len(paths) == 0 {
		t.Fatalf("docs/*.md: %d files, %v", len(paths), err)
	}
	texts := map[string]string{}
	for _, path := range append(paths, "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md") {
		texts[path] = read(t, path)
	}
	return texts
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

var (
	fenced  = regexp.MustCompile("(?ms)^```.*?^```$")
	inline  = regexp.MustCompile("`[^`\n]+`")
	link    = regexp.MustCompile(`\]\(([^)]+)\)`)
	address = regexp.MustCompile(`(?i)\bhttps?://\S+|\bwww\.\S+`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
)

// prose returns a page without its code.
func prose(text string) string { return inline.ReplaceAllString(fenced.ReplaceAllString(text, ""), "") }

// TestLinksStayHereAndLeadSomewhere holds that documents link to files and
// headings of this repository alone, and that these are there.
func TestLinksStayHereAndLeadSomewhere(t *testing.T) {
	texts := pages(t)
	for path, text := range texts {
		for _, found := range address.FindAllString(prose(text), -1) {
			t.Errorf("%s: %s leads out of the repository", path, found)
		}
		for _, found := range link.FindAllStringSubmatch(prose(text), -1) {
			file, anchor, _ := strings.Cut(found[1], "#")
			target := path
			if file != "" {
				target = filepath.Join(filepath.Dir(path), filepath.FromSlash(file))
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: link to %s: %v", path, found[1], err)
			} else if anchor != "" && !anchors(texts[target])[anchor] {
				t.Errorf("%s: link to %s: no such heading", path, found[1])
			}
		}
	}
}

// anchors returns the names of a page's headings as forges make them: lower
// case, hyphens for blanks, no other punctuation.
func anchors(text string) map[string]bool {
	names := map[string]bool{}
	for _, found := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		name := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case strings.ContainsRune("`,.:()'?!/&", r):
				return -1
			}
			return r
		}, strings.ToLower(found[1]))
		names[name] = true
	}
	return names
}

var (
	commandUse = regexp.MustCompile(`Use:\s+"([a-z]+)`)
	flagName   = regexp.MustCompile(`\b[A-Za-z]+VarP?\(&[\w.]+, "([a-z-]+)"`)
)

// TestEveryCommandAndFlagIsDocumented reads the commands' sources.
func TestEveryCommandAndFlagIsDocumented(t *testing.T) {
	sources, err := filepath.Glob("cmd/pinsetter/*.go")
	if err != nil {
		t.Fatal(err)
	}
	reference, readme := read(t, "docs/commands.md")+read(t, "docs/artifacts.md"), read(t, "README.md")
	commands, flags := 0, 0
	for _, path := range sources {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		code := read(t, path)
		for _, found := range commandUse.FindAllStringSubmatch(code, -1) {
			commands++
			if strings.HasPrefix(path, "cmd/pinsetter/artifact") && found[1] != "artifact" {
				if !strings.Contains(reference, "pinsetter artifact "+found[1]) {
					t.Errorf("%s: docs/artifacts.md says nothing of artifact %s", path, found[1])
				}
				continue
			}
			if strings.HasPrefix(path, "cmd/pinsetter/migrate") && found[1] != "migrate" {
				if !strings.Contains(reference, "pinsetter migrate "+found[1]) {
					t.Errorf("%s: docs/commands.md says nothing of migrate %s", path, found[1])
				}
				continue
			}
			if !strings.Contains(reference, "pinsetter "+found[1]) && found[1] != "pinsetter" {
				t.Errorf("%s: docs/commands.md says nothing of the command %s", path, found[1])
			}
			if !strings.Contains(readme, "`"+found[1]+"`") && found[1] != "pinsetter" {
				t.Errorf("%s: README.md says nothing of the command %s", path, found[1])
			}
		}
		for _, found := range flagName.FindAllStringSubmatch(code, -1) {
			flags++
			if !strings.Contains(reference, "--"+found[1]+"`") && !strings.Contains(reference, "--"+found[1]+" ") {
				t.Errorf("%s: docs/commands.md says nothing of the flag --%s", path, found[1])
			}
		}
	}
	if commands < 9 || flags < 16 {
		t.Errorf("%d commands and %d flags found in the sources: the patterns of this test miss some", commands, flags)
	}
}

// TestTheContributorsPageShowsEveryRoom compares its map with the table of rooms.
func TestTheContributorsPageShowsEveryRoom(t *testing.T) {
	_, section, found := strings.Cut(read(t, "CONTRIBUTING.md"), "\n## The rooms\n")
	section, _, _ = strings.Cut(section, "\n## ")
	if !found {
		t.Fatal("CONTRIBUTING.md has no map of the rooms")
	}
	for _, room := range rooms {
		if !strings.Contains(section, "\n| `"+room.name+"`") {
			t.Errorf("room %s is not in the map of CONTRIBUTING.md", room.name)
		}
	}
	if rows := strings.Count(section, "\n| `"); rows != len(rooms) {
		t.Errorf("the map of CONTRIBUTING.md has %d rooms, and the table %d", rows, len(rooms))
	}
}
