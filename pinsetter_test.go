package pinsetter_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
)

// ociTag is the grammar of the OCI distribution specification, word for word.
var ociTag = regexp.MustCompile(`\A[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}\z`)

func TestReservedTag(t *testing.T) {
	hex := strings.Repeat("0a", 32)
	for tag, want := range map[string]bool{
		"sha256-" + hex: true, "sha512-" + hex: true, "sha256-" + hex + ".sig": true, "sha256-" + hex + ".att": true, "sha256-" + hex + ".a.b": true,
		"sha256-" + hex + ".": false, "sha256-" + hex + "0": false, "sha256-" + hex[1:]: false, "sha256-" + strings.ToUpper(hex): false,
		"sha384-" + hex: false, "xsha256-" + hex: false, "sha256-" + hex + "-sig": false, "sha256:" + hex: false, "nightly.sig": false, "sha-1234567": false, "": false,
	} {
		if got := pinsetter.ReservedTag(tag); got != want {
			t.Errorf("%q: %t", tag, got)
		}
	}
}

func FuzzValidTag(f *testing.F) {
	for _, s := range []string{"", "1.0.0", "v1", "_x", ".x", "-x", "a b", "a\n", "é", strings.Repeat("a", 128), strings.Repeat("a", 129)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, want := pinsetter.ValidTag(s), ociTag.MatchString(s); got != want {
			t.Errorf("ValidTag(%q) = %v, want %v", s, got, want)
		}
	})
}

func TestValidDigest(t *testing.T) {
	good := "sha256:" + strings.Repeat("0a", 32)
	for digest, want := range map[string]bool{
		good:                                 true,
		good + "\n":                          false,
		strings.ToUpper(good):                false,
		good[:70]:                            false,
		"sha512:" + strings.Repeat("0a", 64): false,
		"":                                   false,
	} {
		if got := pinsetter.ValidDigest(digest); got != want {
			t.Errorf("ValidDigest(%q) = %v, want %v", digest, got, want)
		}
	}
}

// A secret prints as its name, whatever is done to it.
func TestSecretNeverShows(t *testing.T) {
	secret := pinsetter.NewSecret("secret ns/git, key password", "hunter2")
	holder := struct{ Password pinsetter.Secret }{secret}
	var printed []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T %v", "%10s"} {
		printed = append(printed, fmt.Sprintf(verb, secret, secret), fmt.Sprintf(verb, holder, holder), fmt.Sprintf(verb, &holder, &holder))
	}
	text, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("message", "secret", secret, "holder", holder)
	slog.New(slog.NewTextHandler(&log, nil)).Info("message", "secret", secret, "holder", holder)
	printed = append(printed, string(text), log.String(), fmt.Sprint(fmt.Errorf("with %v", secret)))
	for _, s := range printed {
		if strings.Contains(s, "hunter2") || strings.Contains(s, fmt.Sprintf("%x", "hunter2")) {
			t.Errorf("%q shows the secret", s)
		}
	}
	if !strings.Contains(string(text), "secret ns/git, key password") {
		t.Errorf("JSON %s does not name the secret", text)
	}
	if secret.Reveal() != "hunter2" || secret.IsZero() || !(pinsetter.Secret{}).IsZero() {
		t.Error("the value is lost")
	}
}

func TestCurrent(t *testing.T) {
	site := pinsetter.Site{Written: []pinsetter.Image{
		{Name: "org/app", Tag: "1.0.0"},
		{Tag: "1.1.0", Digest: "sha256:abc"},
		{Digest: "sha256:abc"},
	}}
	if got, want := site.Current(), "1.0.0, 1.1.0@sha256:abc, @sha256:abc"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int]string{0: "0 changes", 1: "1 change", 2: "2 changes"} {
		if got := pinsetter.Count(n, "change"); got != want {
			t.Errorf("Count(%d) = %q, want %q", n, got, want)
		}
	}
}

// TestLinesOfASite: a site has the line of a value that shows a version, and of the
// one that changes.
func TestLinesOfASite(t *testing.T) {
	site := pinsetter.Site{Markers: []pinsetter.Marker{
		{Line: 1, Part: pinsetter.PartName, Value: "ghcr.io/a/b"},
		{Line: 2, Part: pinsetter.PartTag, Value: "1.0.0+x"},
		{Line: 3, Part: pinsetter.PartDigest, Value: "sha256:a"},
	}}
	for _, test := range []struct {
		takes pinsetter.Image
		line  int
	}{
		{pinsetter.Image{Tag: "1.1.0", Digest: "sha256:b"}, 2},
		{pinsetter.Image{Tag: "1.0.0_x", Digest: "sha256:b"}, 3},
		{pinsetter.Image{Tag: "1.0.0_x", Digest: "sha256:a"}, 2},
	} {
		if got := site.LineOf(test.takes); got != test.line {
			t.Errorf("%v: line %d, want %d", test.takes, got, test.line)
		}
	}
	if got := site.Line(); got != 2 {
		t.Errorf("line %d", got)
	}
	site.Markers = site.Markers[:1]
	if got := site.Line(); got != 1 {
		t.Errorf("of a name alone: line %d", got)
	}
}
