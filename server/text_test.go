package server

import (
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/parts/budget"
	"github.com/pinsetter/pinsetter/store"
)

func TestAgo(t *testing.T) {
	now := time.Date(2026, 8, 6, 12, 0, 0, 0, time.UTC)
	for d, want := range map[time.Duration]string{
		0: "just now", 999 * time.Millisecond: "just now", time.Second: "1 s ago", 59 * time.Second: "59 s ago",
		time.Minute: "1 min ago", 59 * time.Minute: "59 min ago", time.Hour: "1 h ago", 47 * time.Hour: "47 h ago",
		48 * time.Hour: "2 days ago", -time.Minute: "in 1 min", -72 * time.Hour: "in 3 days", -time.Millisecond: "just now",
	} {
		if got := ago(now, now.Add(-d)); got != want {
			t.Errorf("%v: %q", d, got)
		}
	}
}

func TestNumber(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1 000", 1234567: "1 234 567"} {
		if got := strings.ReplaceAll(number(n), "\u202f", " "); got != want {
			t.Errorf("%d: %q", n, got)
		}
	}
}

func TestOutcome(t *testing.T) {
	proposed := func(action string) *store.PullRequest { return &store.PullRequest{Number: 1, Action: action} }
	for want, run := range map[string]store.Run{
		"failed":                {Error: "no"},
		"proposed, with errors": {Error: "no", Commit: "abc", PullRequest: proposed("created")},
		"pushed, with errors":   {Error: "no", Commit: "abc"},
		"proposed":              {Commit: "abc", PullRequest: proposed("updated")},
		"merged":                {PullRequest: proposed("merged")},
		"closed":                {PullRequest: proposed("closed")},
		"pushed":                {Commit: "abc", Held: make([]pinsetter.Hold, 1)},
		"held":                  {Held: make([]pinsetter.Hold, 1)},
	} {
		if got := outcome(runRow{Run: run}); got != want {
			t.Errorf("%s: %s", want, got)
		}
	}
}

func TestOnlyAddressesOfTheWebAreLinks(t *testing.T) {
	for address, want := range map[string]string{
		"https://git.example.com/a/pulls/1": "https://git.example.com/a/pulls/1",
		"http://127.0.0.1:3000/x":           "http://127.0.0.1:3000/x",
		"javascript:alert(1)":               "", "data:text/html,x": "", "/pulls/1": "", "https:///x": "", "//x.example.com": "", "": "", "%zz": "",
	} {
		if got := web(address); got != want {
			t.Errorf("%q: %q", address, got)
		}
	}
}

func FuzzVisible(f *testing.F) {
	f.Add([]byte("<p>a\u202eb\x00\xff</p>\n"))
	f.Add([]byte("plain"))
	f.Fuzz(func(t *testing.T, page []byte) {
		got := visible(page)
		if strings.ContainsFunc(string(got), hidden) {
			t.Errorf("%q is not visible", got)
		}
		if again := visible(got); string(again) != string(got) {
			t.Errorf("twice is another thing: %q, %q", got, again)
		}
		if utf8.Valid(page) && !strings.ContainsFunc(string(page), hidden) && string(got) != string(page) {
			t.Errorf("%q was fine, and is %q", page, got)
		}
	})
}

func FuzzParseFilter(f *testing.F) {
	f.Add("q=Shop&state=held&page=3")
	f.Add("q=%00&page=-1")
	f.Fuzz(func(t *testing.T, query string) {
		budget.Affords(t, len(query), func() {
			values, err := url.ParseQuery(query)
			if err != nil {
				return
			}
			filter, err := parseFilter(values)
			if err != nil {
				return
			}
			again, err := parseFilter(filter.values())
			if err != nil || again != filter {
				t.Errorf("%q is %+v, and then %+v, %v", query, filter, again, err)
			}
			if filter.page < 1 || len(filter.query) > maxQuery {
				t.Errorf("%q is %+v", query, filter)
			}
		})
	})
}

func FuzzClip(f *testing.F) {
	f.Add("short")
	f.Add(strings.Repeat("é", maxText))
	f.Add(strings.Repeat("\x80", 2*maxText))
	f.Fuzz(func(t *testing.T, text string) {
		got := clip(text)
		if len(got) > maxText+len("…") || utf8.ValidString(text) && !utf8.ValidString(got) {
			t.Errorf("%q: %q", text, got)
		}
	})
}
