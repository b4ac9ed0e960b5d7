package charts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/parts/budget"
)

// podinfo is an index in the form that helm repo index gives it, with entries that are
// wrong in every way.
const podinfo = `apiVersion: v1
entries:
  other:
  - apiVersion: v2
    created: "2026-11-30T23:00:00Z"
    description: |-
      version: 9.9.9
      - version: 9.9.8
    digest: 1111111111111111111111111111111111111111111111111111111111111111
    name: other
    urls:
    - https://charts.example.test/other-1.0.0.tgz
    version: 1.0.0
  podinfo:
  - annotations:
      version: 7.7.7
    apiVersion: v2
    dependencies:
    - name: other
      version: 1.x
    digest: 2222222222222222222222222222222222222222222222222222222222222222
    name: podinfo
    version: 6.1.0+b.2 # the newest
  - apiVersion: v2
    deprecated: true
    digest: sha256:3333333333333333333333333333333333333333333333333333333333333333
    name: podinfo
    version: "6.2.0"
  - name: podinfo
    version: 1.10
  - name: podinfo
    version: latest and greatest
  - name: podinfo
  - name: podinfo
    version: 6.0.0
    digest: nonsense
  - {name: podinfo, version: 5.0.0}
  - name: podinfo
    version: "6.0.1
  -
    version: 6.0.2
  - "version": '6.0.3'
generated: "2026-11-30T23:00:00Z"
serverInfo: {}
`

var podinfos = map[string][]Version{
	"other": {{Version: "1.0.0", Digest: "sha256:" + strings.Repeat("1", 64)}},
	"podinfo": {
		{Version: "6.1.0+b.2", Digest: "sha256:" + strings.Repeat("2", 64)},
		{Version: "6.2.0", Digest: "sha256:" + strings.Repeat("3", 64), Deprecated: true},
		{Version: "6.0.3"},
	},
}

func TestRead(t *testing.T) {
	for name, text := range map[string]string{
		"block":   podinfo,
		"CRLF":    strings.ReplaceAll(podinfo, "\n", "\r\n"),
		"mark":    "\xef\xbb\xbf---\n# made by hand\n" + podinfo,
		"deeper":  podinfo,
		"comment": strings.ReplaceAll(podinfo, "entries:\n", "entries: # all\n\n\n"),
	} {
		if name == "deeper" { // only the "-" move, so the fields must
			text = strings.ReplaceAll(podinfo, "\n    ", "\n      ")
			text = strings.ReplaceAll(text, "\n  -", "\n    -")
		}
		x, err := read(strings.NewReader(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(podinfos, x.charts); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if len(x.broken["podinfo"]) != 7 || x.told != 7 {
			t.Errorf("%s: broken %q", name, x.broken)
		}
	}
	x, err := read(strings.NewReader(`{"apiVersion":"v1","x":[{"a":[1]}],"entries":{"other":[{"version":"1.0.0","digest":"` + strings.Repeat("1", 64) + `"}],"none":null,
		"podinfo":[{"version":"6.1.0+b.2","digest":"` + strings.Repeat("2", 64) + `"},{"version":6},{"version":"6.2.0","deprecated":true,"digest":"sha256:` + strings.Repeat("3", 64) + `"},{"version":"6.0.3"}]}}`))
	if err != nil || cmp.Diff(podinfos, x.charts) != "" || x.told != 1 {
		t.Errorf("JSON: %v %v", err, x)
	}
	for text, want := range map[string]string{
		"":                                       "it is empty",
		"<html>no</html>":                        "it has no entries",
		"apiVersion: v1\n":                       "it has no entries",
		"entries: {a: [{version: 1.0.0}]}\n":     "in YAML's flow style",
		"entries:\n- version: 1.0.0\n":           "its entries are no charts",
		"entries:\n  a:\nentries:\n":             "it has entries twice",
		`{"entries": []}`:                        "not the JSON of an index",
		`{"entries": {"a": [{"version": "1.0.0"`: "not the JSON of an index",
	} {
		if _, err := read(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, not %s", text, err, want)
		}
	}
	for _, text := range []string{"entries: {}\n", "entries:\n", "entries: null\ngenerated: x\n", `{"entries": {}}`} {
		if x, err := read(strings.NewReader(text)); err != nil || len(x.charts) != 0 {
			t.Errorf("%q: %v %v", text, err, x)
		}
	}
}

// endless is an index without end.
type endless struct{ n int }

func (e *endless) Read(p []byte) (int, error) {
	text := "entries:\n  a:\n"
	if e.n > 0 {
		text = fmt.Sprintf("  - description: %s\n    version: 1.0.%d\n", strings.Repeat("x", 20_000), e.n)
	}
	e.n++
	return copy(p, text), nil
}

func TestBounds(t *testing.T) {
	if _, err := read(&endless{}); err == nil || !strings.Contains(err.Error(), "larger than 100 MiB") {
		t.Errorf("%v", err)
	}
	long := "entries:\n  a:\n  - icon: data:" + strings.Repeat("x", 2<<20) + "\n    version: 1.0.0\n"
	if x, err := read(strings.NewReader(long)); err != nil || len(x.charts["a"]) != 1 {
		t.Errorf("a long line: %v", err)
	}
}

// server is a chart repository that counts.
type server struct {
	*httptest.Server
	text          string
	full, same    int
	authorization []string
	referer       []string
}

func serve(t *testing.T, text string) *server {
	s := &server{text: text}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.authorization = append(s.authorization, r.Header.Get("Authorization"))
		s.referer = append(s.referer, r.Header.Get("Referer"))
		etag := fmt.Sprintf(`"%d"`, len(s.text))
		switch {
		case r.URL.Path != "/stable/index.yaml":
			http.NotFound(w, r)
		case r.Header.Get("If-None-Match") == etag:
			s.same++
			w.WriteHeader(http.StatusNotModified)
		default:
			s.full++
			w.Header().Set("ETag", etag)
			_, _ = io.WriteString(w, s.text)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// TestVersions: all charts share one copy, an unchanged index isn't sent again, and a
// changed one is.
func TestVersions(t *testing.T) {
	s, c := serve(t, podinfo), New(Options{})
	ctx := context.Background()
	a := Access{URL: s.URL + "/stable/", Username: "bob", Password: pinsetter.NewSecret("x", "s3cret")}
	cycle := time.Now()
	for _, chart := range []string{"podinfo", "other", "podinfo"} {
		l, err := c.Versions(ctx, a, chart, cycle)
		if err != nil || len(l.Versions) != len(podinfos[chart]) || len(l.Broken) != map[string]int{"podinfo": 7}[chart] {
			t.Fatalf("%s: %v %+v", chart, err, l)
		}
	}
	if s.full != 1 || s.same != 0 || s.authorization[0] != "Basic Ym9iOnMzY3JldA==" {
		t.Errorf("%d and %d requests, %q", s.full, s.same, s.authorization)
	}
	if l, err := c.Versions(ctx, a, "podinfo", time.Now()); err != nil || len(l.Versions) != 3 || s.same != 1 {
		t.Errorf("the next cycle: %v, %d", err, s.same)
	}
	s.text = strings.Replace(podinfo, "  podinfo:\n", "  podinfo:\n  - version: 7.0.0-beta.1\n", 1)
	if l, err := c.Versions(ctx, a, "podinfo", time.Now()); err != nil || l.Versions[0].Version != "7.0.0-beta.1" || s.full != 2 {
		t.Errorf("after a change: %v", err)
	}
	if _, err := c.Versions(ctx, a, "gone", time.Time{}); !errors.Is(err, ErrNotFound) {
		t.Errorf("%v", err)
	}
	a.URL = s.URL
	if _, err := c.Versions(ctx, a, "podinfo", cycle); err == nil || !strings.Contains(err.Error(), "404 Not Found") {
		t.Errorf("%v", err)
	}
}

// TestFailuresAreShared: an index that can't be read is asked for once in a cycle, but for
// a caller with more time if that was wanting, and for the next after one that gave up.
func TestFailuresAreShared(t *testing.T) {
	asked := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer s.Close()
	c, cycle := New(Options{}), time.Now()
	ended, end := context.WithCancel(t.Context())
	end()
	for _, test := range []struct {
		name    string
		ctx     context.Context
		timeout time.Duration
		after   time.Time
		asked   int // in all
		says    string
	}{
		{"given up", ended, time.Minute, cycle, 0, "context canceled"},
		{"want of time", t.Context(), time.Nanosecond, cycle, 0, "deadline exceeded"},
		{"no more time", t.Context(), time.Nanosecond, cycle, 0, "deadline exceeded"},
		{"more time", t.Context(), time.Minute, cycle, 1, "503"},
		{"another chart", t.Context(), time.Minute, cycle, 1, "503"},
		{"more time, which was not wanting", t.Context(), time.Hour, cycle, 1, "503"},
		{"any answer", t.Context(), time.Minute, time.Time{}, 2, "503"},
		{"the next cycle", t.Context(), time.Minute, time.Now().Add(time.Hour), 3, "503"},
	} {
		_, err := c.Versions(test.ctx, Access{URL: s.URL, Timeout: test.timeout}, "podinfo", test.after)
		if err == nil || !strings.Contains(err.Error(), test.says) || asked != test.asked {
			t.Errorf("%s: asked %d times, want %d: %v", test.name, asked, test.asked, err)
		}
	}
}

// TestCredentialsStay: a redirect to another host is followed without the credential.
func TestCredentialsStay(t *testing.T) {
	target := serve(t, podinfo)
	from := httptest.NewServer(http.RedirectHandler(target.URL+"/stable/index.yaml", http.StatusFound))
	t.Cleanup(from.Close)
	a := Access{URL: from.URL + "?token=s3cret-query", Username: "bob", Password: pinsetter.NewSecret("x", "s3cret")}
	if _, err := New(Options{}).Versions(context.Background(), a, "podinfo", time.Time{}); err != nil {
		t.Fatal(err)
	}
	if len(target.authorization) != 1 || target.authorization[0] != "" {
		t.Errorf("the other host got %q", target.authorization)
	}
	if target.referer[0] != "" {
		t.Errorf("the other host was told of %q", target.referer)
	}
}

// TestWhatHelmReads: deprecated in each spelling of YAML 1.1, and an index with a line
// out of place, of which helm reads what follows, is refused as a whole.
func TestWhatHelmReads(t *testing.T) {
	for _, word := range []string{"true", "True", "TRUE", "yes", "On", "y", "false", "no", "''"} {
		x, err := read(strings.NewReader("entries:\n  a:\n  - version: 1.0.0\n    deprecated: " + word + "\n"))
		want := !slices.Contains([]string{"false", "no", "''"}, word)
		if err != nil || x.charts["a"][0].Deprecated != want {
			t.Errorf("deprecated: %s: %+v, %v", word, x, err)
		}
	}
	_, err := read(strings.NewReader("entries:\n  a:\n  - version: 1.0.0\n    description: \"begins\nand ends\"\n  - version: 2.0.0\n"))
	if err == nil || !strings.Contains(err.Error(), "is not indented") {
		t.Errorf("a line out of place: %v", err)
	}
}

// TestSecretsAreScrubbed: a server that repeats the password shows nobody.
func TestSecretsAreScrubbed(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, password, _ := r.BasicAuth()
		http.Error(w, "no "+password, http.StatusForbidden)
	}))
	t.Cleanup(s.Close)
	_, err := New(Options{}).Versions(context.Background(), Access{URL: s.URL + "?token=s3cret-word", Username: "bob", Password: pinsetter.NewSecret("x", "s3cret-word")}, "a", time.Time{})
	if err == nil || strings.Contains(err.Error(), "s3cret-word") || !strings.Contains(err.Error(), "403") {
		t.Errorf("%v", err)
	}
}

// TestMetadataServiceIsRefused: the one dialer opens every connection.
func TestMetadataServiceIsRefused(t *testing.T) {
	_, err := New(Options{}).Versions(context.Background(), Access{URL: "http://169.254.169.254/latest"}, "a", time.Time{})
	if err == nil || !strings.Contains(err.Error(), "169.254.169.254") || !strings.Contains(err.Error(), "refused") {
		t.Errorf("%v", err)
	}
}

// TestMetadataServiceIsRefusedBehindAProxy: the dialer sees only the proxy there, also
// of what an index redirects to.
func TestMetadataServiceIsRefusedBehindAProxy(t *testing.T) {
	var asked []string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Host)
		http.Redirect(w, r, "http://169.254.169.254/latest/index.yaml", http.StatusFound)
	}))
	defer proxy.Close()
	for _, host := range []string{"169.254.169.254", "charts.test"} {
		_, err := New(Options{}).Versions(t.Context(), Access{URL: "http://" + host, Proxy: &pinsetter.Proxy{Address: proxy.URL}}, "a", time.Time{})
		if err == nil || !strings.Contains(err.Error(), "169.254.169.254") || !strings.Contains(err.Error(), "refused") {
			t.Errorf("%s: %v", host, err)
		}
	}
	if !slices.Equal(asked, []string{"charts.test"}) {
		t.Errorf("the proxy was asked for %q", asked)
	}
}

// FuzzRead: whatever an index holds, a version that is kept can be written as a tag and
// read back, and nothing is kept twice in other words.
func FuzzRead(f *testing.F) {
	f.Add(podinfo)
	f.Add(`{"entries":{"a":[{"version":"1.0.0","digest":"x"},{"version":"2.0.0"}]}}`)
	f.Add("entries:\n  \"a: b\":\n  - version: &x 1.0.0\n    digest: *x\n  ? c\n  : - version: 1\n")
	f.Add("entries:\n a:\n - \tversion: 1.0.0\n  - version: 2.0.0\n -\n---\n...\n")
	f.Fuzz(func(t *testing.T, text string) {
		var x *index
		var err error
		budget.Affords(t, len(text), func() { x, err = read(strings.NewReader(text)) })
		if err != nil {
			return
		}
		for chart, versions := range x.charts {
			for _, v := range versions {
				if !pinsetter.ValidTag(Tag(v.Version)) || strings.ReplaceAll(Tag(v.Version), "_", "+") != v.Version {
					t.Errorf("%q: version %q", chart, v.Version)
				}
				if v.Digest != "" && !pinsetter.ValidDigest(v.Digest) {
					t.Errorf("%q: digest %q", chart, v.Digest)
				}
			}
		}
		if x.told > maxBroken {
			t.Errorf("%d broken", x.told)
		}
	})
}
