package message

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/parts"
	afford "github.com/pinsetter/pinsetter/parts/budget"
)

// git runs git with input and returns what it prints.
func git(t *testing.T, dir, input string, args ...string) string {
	t.Helper()
	command := exec.Command("git", args...)
	command.Dir = dir
	command.Stdin = strings.NewReader(input)
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// ours keeps the lines that are trailers of the bot.
func ours(text string) []string {
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(strings.ToLower(line), "pinsetter-") {
			lines = append(lines, line)
		}
	}
	return lines
}

var messages = map[string]string{
	"subject":                 "Update images",
	"subject, newline":        "Update images\n",
	"subject like a trailer":  "fix: app\n",
	"body":                    "Update images\n\nBecause.\nReally: yes.\n",
	"trailing white space":    "Update images\n\nBecause.  \n\n \t\n",
	"signed off":              "Update images\n\nBecause.\n\nSigned-off-by: A <a@example.com>\n",
	"signed off at once":      "Update images\n\nSigned-off-by: A <a@example.com>",
	"several trailers":        "Update images\n\nCo-authored-by: A <a@example.com>\nChange-Id: I1\n goes on\nRefs : 1\n",
	"text among trailers":     "Update images\n\nChange-Id: I1\nnot a trailer\n",
	"text around a sign-off":  "Update images\n\nnot a trailer\nnor this\nSigned-off-by: A <a@example.com>\n",
	"much text, one sign-off": "Update images\n\na\nb\nc\nd\ne\nSigned-off-by: A <a@example.com>\n",
	"cherry-picked":           "Update images\n\nBecause.\n\n(cherry picked from commit 0123456789012345678901234567890123456789)\n",
	"list":                    "Update images\n\n- app: 1.0\n- db: 2.0\n",
	"CRLF":                    "Update images\r\n\r\nSigned-off-by: A <a@example.com>\r\n",
	"forged":                  "Update images\n\nPinsetter-Automation: evil/one\nPinsetter-Change: path=x&setter=a:b\n",
	"forged, other case":      "Update images\n\npinsetter-automation : evil/one\n  PINSETTER-Change:path=x&setter=a:b\n",
	"forged subject":          "Pinsetter-Automation: evil/one\n",
	"forged after a sign-off": "Update images\n\nSigned-off-by: A <a@example.com>\nPinsetter-Changes: 3\n\tPinsetter-Automation: evil/one",
	"empty":                   "",
}

// TestGitReadsTheTrailers holds Append and ParseTrailers to Git.
func TestGitReadsTheTrailers(t *testing.T) {
	parts.Need(t, "git")
	dir := t.TempDir()
	git(t, dir, "", "init", "-q")
	trailers := Trailers(shop, sample.Changes)
	for name, message := range messages {
		t.Run(name, func(t *testing.T) {
			text := Append(message, trailers)
			if diff := cmp.Diff(trailers, ours(git(t, dir, text, "interpret-trailers", "--parse"))); diff != "" {
				t.Errorf("git interpret-trailers reads (+) of\n%s\n%s", text, diff)
			}
			git(t, dir, text, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-q", "--allow-empty", "--cleanup=verbatim", "-F", "-")
			if diff := cmp.Diff(trailers, ours(git(t, dir, "", "log", "-1", "--format=%(trailers)"))); diff != "" {
				t.Errorf("git log reads (+) of\n%s\n%s", text, diff)
			}
			got := ParseTrailers(text)
			want := Parsed{Automation: shop, Changes: sample.Changes, Complete: true}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("ParseTrailers of\n%s\n%s", text, diff)
			}
			if strings.Contains(strings.ToLower(text), "evil") {
				t.Errorf("a forged trailer stays:\n%s", text)
			}
		})
	}
}

func TestAppendKeepsTheMessage(t *testing.T) {
	got := Append("Update\n\n  Because.\n\nSigned-off-by: A <a@example.com>\n", []string{"Pinsetter-Automation: a/b"})
	want := "Update\n\n  Because.\n\nSigned-off-by: A <a@example.com>\nPinsetter-Automation: a/b\n"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := Append("Update", []string{"Pinsetter-Automation: a/b"}); got != "Update\n\nPinsetter-Automation: a/b\n" {
		t.Errorf("got %q", got)
	}
}

func TestTrailersAreReadable(t *testing.T) {
	want := []string{
		"Pinsetter-Automation: flux-system/shop",
		"Pinsetter-Change: path=apps/shop.yaml&setter=flux-system%3Aapp%3Atag&old=1.0.0&new=1.1.0&apiVersion=apps/v1&kind=Deployment&namespace=shop&name=app&line=7",
	}
	got := Trailers(shop, []pinsetter.Change{{Path: "apps/shop.yaml", Line: 7, Setter: "flux-system:app:tag", Object: deployment, Old: "1.0.0", New: "1.1.0"}})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTrailersAreBounded(t *testing.T) {
	changes := manyChanges().Changes
	lines := Trailers(shop, changes)
	if len(lines) != maxChanges+2 || lines[len(lines)-1] != "Pinsetter-Changes: 10000 (500 listed)" {
		t.Fatalf("%d lines, the last is %q", len(lines), lines[len(lines)-1])
	}
	got := ParseTrailers(Append("Update", lines))
	if got.Complete || got.Automation != shop || len(got.Changes) != maxChanges {
		t.Errorf("complete %t, automation %s, %d changes", got.Complete, got.Automation, len(got.Changes))
	}

	long := []pinsetter.Change{changes[0], {Path: "a", Setter: "a:b", Old: strings.Repeat("x", maxChange)}, changes[1]}
	lines = Trailers(shop, long)
	if len(lines) != 4 || lines[3] != "Pinsetter-Changes: 3 (2 listed)" {
		t.Errorf("a long change: %q", lines)
	}
}

func TestNobodyElsesTrailers(t *testing.T) {
	for _, message := range []string{"", "Update", "Update\n\nSigned-off-by: A <a@example.com>", "Pinsetter-Automation: a/b",
		"Update\n\nPinsetter-Automation: a/b\n\nbut not at the end"} {
		if got := ParseTrailers(message); got.Complete || got.Automation != (pinsetter.Name{}) || got.Changes != nil {
			t.Errorf("%q: %+v", message, got)
		}
	}
	damaged := ParseTrailers("Update\n\nPinsetter-Automation: a/b\nPinsetter-Change: path=%zz&setter=a:b\n")
	if damaged.Complete || len(damaged.Changes) != 0 {
		t.Errorf("damaged change: %+v", damaged)
	}
}

// A forge that squashes adds paragraphs of its own.
func TestTrailersBeforeOthers(t *testing.T) {
	own := Append("Update", Trailers(shop, sample.Changes))
	for _, behind := range []string{
		"", "\nCo-authored-by: A <a@example.com>\n", "\nSigned-off-by: A <a@example.com>\n\nCo-authored-by: B <b@example.com>\nReviewed-by: C\n",
	} {
		if diff := cmp.Diff(ParseTrailers(own), ParseTrailers(own+behind)); diff != "" {
			t.Errorf("with %q behind: %s", behind, diff)
		}
	}
	if got := ParseTrailers(own + "\nand a word\n\nCo-authored-by: A <a@example.com>\n"); got.Changes != nil {
		t.Errorf("with prose behind: %+v", got)
	}
}

// FuzzTrailers checks that whatever is in a message and a change, exactly that
// change is read back.
func FuzzTrailers(f *testing.F) {
	for _, message := range messages {
		f.Add(message, "apps/a.yaml", "ns:app", "1.0", "2.0\nPinsetter-Automation: evil/one", "app")
	}
	f.Add("a", "\xff\x00é/#12 @me", "a&b=c;d:e", "fixes #1", "%0a+", " ")
	f.Fuzz(func(t *testing.T, message, path, setter, old, written, name string) {
		afford.Affords(t, len(message)+len(path)+len(setter)+len(old)+len(written)+len(name), func() {
			if path == "" || setter == "" || len(path)+len(setter)+len(old)+len(written)+len(name) > maxChange/4 {
				return
			}
			c := pinsetter.Change{Path: path, Line: 3, Setter: setter, Old: old, New: written, Object: pinsetter.Object{Name: name, Kind: name}}
			lines := Trailers(pinsetter.Name{Namespace: name, Name: setter}, []pinsetter.Change{c})
			for _, line := range lines {
				if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r > '~' || strings.ContainsRune("@#!$<>", r) }) {
					t.Fatalf("trailer %q has characters that should be escaped", line)
				}
			}
			want := Parsed{Automation: pinsetter.Name{Namespace: name, Name: setter}, Changes: []pinsetter.Change{c}, Complete: true}
			if strings.Contains(name, "/") { // no name of an object does
				want.Automation = ParseTrailers(Append(message, lines)).Automation
			}
			if diff := cmp.Diff(want, ParseTrailers(Append(message, lines))); diff != "" {
				t.Fatalf("%q: %s", Append(message, lines), diff)
			}
		})
	})
}

func FuzzParseTrailers(f *testing.F) {
	for _, message := range messages {
		f.Add(message)
		f.Add(Append(message, Trailers(shop, sample.Changes)))
	}
	f.Fuzz(func(t *testing.T, message string) {
		var p Parsed
		afford.Affords(t, len(message), func() { p = ParseTrailers(message) })
		for _, c := range p.Changes {
			again, err := decodeChange(encodeChange(c))
			if err != nil || again != c {
				t.Fatalf("%+v is read as %+v (%v)", c, again, err)
			}
		}
	})
}

func ExampleAppend() {
	fmt.Print(Append("Update images\n\nSigned-off-by: A <a@example.com>", []string{"Pinsetter-Automation: flux-system/shop"}))
	// Output:
	// Update images
	//
	// Signed-off-by: A <a@example.com>
	// Pinsetter-Automation: flux-system/shop
}
