package login

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io/fs"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/parts/budget"
)

// known returns a Scrubber for a login.
func known(user, password string) *Scrubber {
	s := new(Scrubber)
	s.KeepLogin("login", user, pinsetter.NewSecret("Secret a/b, key password", password))
	return s
}

func TestScrubberKnowsTheSpellingsOfASecret(t *testing.T) {
	const password = "p<w/d\"+é 3cret&"
	s := known("bot", password)
	inJSON, _ := json.Marshal(password)
	for name, spelling := range map[string]string{
		"plain":       password,
		"capitals":    strings.ToUpper("p<w/d\"+") + "é 3CRET&",
		"query":       url.QueryEscape(password),
		"path":        url.PathEscape(password),
		"small hex":   strings.ToLower(url.QueryEscape(password)),
		"JSON":        strings.Trim(string(inJSON), `"`),
		"Go":          strings.Trim(strconv.Quote(password), `"`),
		"ASCII":       strings.Trim(strconv.QuoteToASCII(password), `"`),
		"HTML":        html.EscapeString(password),
		"hexadecimal": hex.EncodeToString([]byte(password)),
		"Basic":       base64.StdEncoding.EncodeToString([]byte("bot:" + password)),
		"base64":      base64.URLEncoding.EncodeToString([]byte(password)),
		"cut":         "p<w/d\"+é 3cre",
		"cut short":   "p<w/d…",
		"cut quoted":  `p<w/d\"…`,
	} {
		got := s.Text("401: user " + spelling + " is unknown")
		want := "401: user [Secret a/b, key password]"
		if !strings.HasPrefix(got, want) || !strings.HasSuffix(got, " is unknown") || len(got) > len(want)+len("  is unknown…\"\\") {
			t.Errorf("%s: %s", name, got)
		}
	}
	for _, other := range []string{"", "p<w/d", "nothing of ours", "bot: p"} {
		if got := s.Text(other); got != other {
			t.Errorf("%q became %q", other, got)
		}
	}
}

// Servers say whom they refuse.
func TestScrubberLeavesUserNames(t *testing.T) {
	s := known("robot$fleet+puller", "Harbor12345")
	const said = "user robot$fleet+puller may not pull fleet/app"
	if got := s.Text(said); got != said {
		t.Errorf("%q became %q", said, got)
	}
	if got := s.Text("robot$fleet+puller:Harbor12345"); got != "robot$fleet+puller:[Secret a/b, key password]" {
		t.Error(got)
	}
	if got := known("bot", "abc").Text("bot:abc"); got != "[Secret a/b, key password]" {
		t.Errorf("with a short password: %s", got)
	}
}

// Programs differ in which characters they escape.
func TestScrubberKnowsASecretUnderAnyEscapes(t *testing.T) {
	const password = `p+w@x!y'z"<é/=3cret`
	s := known("bot", password)
	for name, text := range map[string]string{
		"user of a URL":      "https://" + url.UserPassword("bot", password).String() + "@registry.example/v2/",
		"encodeURIComponent": "q=p%2Bw%40x!y'z%22%3C%C3%A9%2F%3D3cret",
		"all in %":           "q=%70%2b%77%40%78%21%79%27%7a%22%3c%c3%a9%2f%3d%33%63%72%65%74",
		"HTML with names":    "<p>p+w@x!y&apos;z&quot;&lt;&eacute;/=3cret</p>",
		"HTML of Python":     "<p>p+w@x!y&#x27;z&quot;&lt;é/=3cret</p>",
		"JSON of .NET":       `{"message":"p\u002Bw@x!y\u0027z\u0022\u003C\u00e9/=3cret"}`,
		"Go":                 `"p+w@x!y\'z\"<\xc3\xa9\/=3cret"`,
		"two of them":        "<p>p%2Bw%40x!y&#39;z\\\"&lt;é/=3cret</p>",
	} {
		got := s.Text(text)
		if !strings.Contains(got, "[Secret a/b, key password]") || strings.Contains(got, "p+w") || strings.Contains(got, "3cret") {
			t.Errorf("%s: %s", name, got)
		}
	}
	const other = `50% off &amp; a\b\u00 %zz &nosuch; "p%2Bw"`
	if got := s.Text(other); got != other {
		t.Errorf("%q became %q", other, got)
	}
}

// A password may be anything, and base64 of it may stand anywhere in base64.
func TestScrubberKnowsASecretWithinBase64(t *testing.T) {
	s := known("", "correct horse battery")
	for _, before := range []string{"", "a", "ab", "abc", `{"refresh_token":"`} {
		text := base64.StdEncoding.EncodeToString([]byte(before + "correct horse battery" + "\"}"))
		if got := s.Text(text); !strings.Contains(got, "[Secret a/b, key password]") || len(got) > len("[Secret a/b, key password]")+len(text)/2+4 {
			t.Errorf("%q: %s is %s", before, text, got)
		}
	}
}

func TestScrubberOfData(t *testing.T) {
	s := new(Scrubber)
	s.Keep("token", pinsetter.NewSecret("token", "eyJhbGciOiJS.abc"), pinsetter.NewSecret("short", "latest"))
	long := strings.Repeat("x", maxScrubbed)
	in := `{"a":"eyJhbGciOiJS.abc","b":"eyJhbGciOiJS.other","c":"latest","d":"` + long + `"}`
	want := `{"a":"[token]","b":"eyJhbGciOiJS.other","c":"latest","d":"` + long + `"}`
	if got := string(s.Data([]byte(in))); got != want {
		t.Error(got)
	}
}

func TestScrubberForgetsWhatWasRenewed(t *testing.T) {
	s := new(Scrubber)
	s.Keep("token", pinsetter.NewSecret("token", "first-token"))
	s.Keep("token", pinsetter.NewSecret("token", "second-one"))
	if got := s.Text("first-token second-one"); got != "first-token [token]" {
		t.Error(got)
	}
	if got := (*Scrubber)(nil).Text("a"); got != "a" {
		t.Error(got)
	}
}

func TestScrubberLeavesTheChain(t *testing.T) {
	s := known("bot", "hunter2")
	if s.Error(nil) != nil {
		t.Error("an error from nothing")
	}
	plain := fmt.Errorf("read: %w", fs.ErrNotExist)
	if got := s.Error(plain); !errors.Is(got, plain) || got.Error() != plain.Error() {
		t.Errorf("%v for %v", got, plain)
	}
	err := s.Error(fmt.Errorf("hunter2: %w", fs.ErrNotExist))
	if !errors.Is(err, fs.ErrNotExist) || err.Error() != "[Secret a/b, key password]: "+fs.ErrNotExist.Error() {
		t.Error(err)
	}
}

// The result never holds the secret in a spelling that is known, nor is longer
// than the bound.
func FuzzScrubber(f *testing.F) {
	f.Add("before ", "hunter2", " after", "name")
	f.Add("[", "name", "]", "name")
	f.Add("***", "****", "*", "****")
	f.Add("", "aaaa", "aaaaaaaaaa", "a")
	f.Add("…", "p\"w\x00d\n…", "\xff", "x")
	f.Add(strings.Repeat("hunter2", 9000), "hunter2", "", strings.Repeat("n", 100))
	f.Fuzz(func(t *testing.T, before, secret, after, name string) {
		budget.Affords(t, len(before)+len(secret)+len(after)+len(name), func() {
			s := new(Scrubber)
			s.KeepLogin("login", "bot", pinsetter.NewSecret(name, secret))
			text := before + secret + after + url.QueryEscape(secret) + base64.StdEncoding.EncodeToString([]byte(before+secret+after))
			got := s.Text(text)
			if len(got) > maxScrubbed {
				t.Errorf("%d bytes", len(got))
			}
			for _, spelling := range append(disguises(secret), disguises("bot:"+secret)...) {
				if secret != "" && strings.Contains(lowered(got), lowered(spelling)) {
					t.Errorf("%q holds %q", got, spelling)
				}
			}
			if again := s.Text(got); again != got {
				t.Errorf("%q became %q", got, again)
			}
		})
	})
}
