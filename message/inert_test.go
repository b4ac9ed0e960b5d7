package message

import (
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
)

// TestSourcesAreShown: without who logs in there, and only where nothing reads an
// address as more.
func TestSourcesAreShown(t *testing.T) {
	for source, want := range map[string]string{
		"https://github.com/acme/app":                    "https://github.com/acme/app",
		"https://github.com/acme/app.git":                "https://github.com/acme/app.git",
		"https://jane:hunter2@git.example.com:8443/a/b":  "https://git.example.com:8443/a/b",
		"git@github.com:acme/app.git":                    "ssh://github.com/acme/app.git",
		"ssh://git@github.com/acme/app.git":              "ssh://github.com/acme/app.git",
		"https://github.com/acme/app/issues/1#x":         "",
		"https://github.com/acme/app?x=1":                "",
		"https://github.com/acme/@jane":                  "",
		"https://github.com/acme/app\nPinsetter-Change:": "",
		"javascript:alert(1)":                            "",
		"mailto:jane@example.com":                        "",
		"acme/app#12":                                    "",
		"":                                               "",
	} {
		if got := inertSource(source); got != want {
			t.Errorf("%q is shown as %q, want %q", source, got, want)
		}
	}
}

// TestSignersAreShown: a certificate may name anything.
func TestSignersAreShown(t *testing.T) {
	for signer, want := range map[string]string{
		"cosign.pub (key 0a1b2c)": "cosign.pub (key 0a1b2c)",
		"https://github.com/acme/app/.github/workflows/a.yml@refs/tags/v1": "https://github.com/acme/app/.github/workflows/a.yml@refs/tags/v1",
		"jane@example.com":     "jane@example.com",
		"@jane closes #12":     "?jane closes ?12",
		"x\nPinsetter-Change:": "x?Pinsetter-Change:",
		"fixes GH-12":          "fixes GH?12",
		"[a](https://b)":       "?a?(https://b)",
		"é":                    "?",
	} {
		if got := inertSigner(signer); got != want {
			t.Errorf("%q is shown as %q, want %q", signer, got, want)
		}
	}
}

// FuzzImageTrailers: whatever publishers and certificates say, it is one line a
// written image, and no trailer that is read back is forged.
func FuzzImageTrailers(f *testing.F) {
	for _, text := range []string{"https://x/y", "main@sha1:" + strings.Repeat("0", 40), "a\nPinsetter-Automation: x/y", "@jane closes #1", "GH-1", "\xff", "&policy=x"} {
		f.Add(text, text, text)
	}
	f.Fuzz(func(t *testing.T, source, revision, signer string) {
		from := Inert(pinsetter.Provenance{Source: source, Revision: revision, Signer: signer, Builder: signer, BuiltFrom: source})
		if Inert(from) != from {
			t.Errorf("%+v isn't inert", from)
		}
		for _, text := range []string{from.Source, from.Revision, from.Signer, from.Builder, from.BuiltFrom} {
			if strings.ContainsAny(text, "#!<>[]`*|\n\r\x00") || strings.HasPrefix(text, "@") || strings.Contains(text, " @") {
				t.Errorf("%q", text)
			}
		}
		lines := ImageTrailers([]pinsetter.Written{{Policy: "a/b", Ref: "app:1", Provenance: pinsetter.Provenance{Source: source, Revision: revision, Signer: signer}}})
		message := Append("Update app", append(Trailers(shop, sample.Changes), lines...))
		parsed := ParseTrailers(message)
		if len(lines) > 1 || strings.ContainsAny(strings.Join(lines, ""), "\n\r@#") || parsed.Automation != shop || !parsed.Complete || len(parsed.Changes) != len(sample.Changes) {
			t.Errorf("%q: %+v", message, parsed)
		}
	})
}
