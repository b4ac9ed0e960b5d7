package taglist

import (
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pinsetter/pinsetter/parts/budget"
)

// FuzzTagList: what the parser takes encoding/json takes too, with the same
// tags; and what encoding/json takes as a list of strings, the parser takes.
func FuzzTagList(f *testing.F) {
	for _, seed := range []string{
		`{"name":"a","tags":["1.0.0","2"]}`, `{"tags":null}`, `{"tags":[]}`, `{}`, `[]`, ``, `{"tags":["a"]`,
		` { "a" : { "b" : [1,-2.5e3,true,null,"]}"] } , "tags" : [ "x" , "\u0041\n\"\\" ] } `,
		`{"tags":["a",]}`, `{"tags":[,]}`, `{"tags":["a"],}`, `{"tags":["a"]}x`, `{"tags":"a"}`, `{"tags":[1]}`,
		`{"t\u0061gs":["a"]}`, "{\"tags\":[\"\x80\"]}", "{\"tags\":[\"\n\"]}", `{"tags":["\x"]}`, `{"a":,"tags":[]}`, `{"a":01}`,
		`{"tags":["a"],"tags":["b"]}`, `{"Tags":["a"]}`, `{"a":}`, `{"a":]}`, `{"a":"` + `\`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		var got []string
		var err error
		budget.Affords(t, len(body), func() { got, err = parseTagList(body, 1000) })
		if errors.Is(err, errTooMany) {
			return
		}
		var members map[string]json.RawMessage
		var want []string
		valid := json.Unmarshal([]byte(body), &members) == nil && members["tags"] != nil &&
			json.Unmarshal(members["tags"], &want) == nil
		if err == nil && !valid {
			t.Fatalf("%q was taken, with tags %q", body, got)
		}
		if err == nil && utf8.ValidString(body) && !slices.Equal(got, want) {
			t.Fatalf("tags of %q are %q; want %q", body, got, want)
		}
		if err != nil && valid && strings.Count(body, "ags") == 1 && !strings.Contains(string(members["tags"]), "null") {
			t.Fatalf("%q was refused: %v", body, err)
		}
	})
}

func TestTagListHasABound(t *testing.T) {
	if _, err := parseTagList(`{"tags":["a","b","c"]}`, 2); !errors.Is(err, errTooMany) {
		t.Errorf("error is %v; want %v", err, errTooMany)
	}
	if tags, err := parseTagList(`{"tags":["a","b"]}`, 2); err != nil || len(tags) != 2 {
		t.Errorf("tags are %q, %v", tags, err)
	}
	// Commas reserve no more than the bound.
	tags, _ := parseTagList(`{"tags":["a"`+strings.Repeat(",", 1<<20), 10)
	if cap(tags) > 10 {
		t.Errorf("%d tags were reserved", cap(tags))
	}
}

func TestNextLink(t *testing.T) {
	for _, test := range []struct {
		values []string
		want   string
		fails  bool
	}{
		{nil, "", false},
		{[]string{""}, "", false},
		{[]string{`</v2/a/tags/list?n=1&last=b>; rel="next"`}, "/v2/a/tags/list?n=1&last=b", false},
		{[]string{`</x>; rel=next`}, "/x", false},
		{[]string{`</x>; REL="Next"`}, "/x", false},
		{[]string{`</x>`}, "/x", false},
		{[]string{`</first>; rel="prev", </x>; title="a, b"; rel="last next"`}, "/x", false},
		{[]string{`</first>; rel="prev"`, `</x>; rel="next"`}, "/x", false},
		{[]string{`</first>; rel="prev"`}, "", false},
		{[]string{`</first>; rel="prev next-archive"`}, "", false},
		{[]string{`/x; rel="next"`}, "", true},
		{[]string{`</x; rel="next"`}, "", true},
		{[]string{`<>; rel="next"`}, "", false},
	} {
		got, err := NextLink(test.values)
		if got != test.want || (err != nil) != test.fails {
			t.Errorf("next of %q is %q, %v; want %q", test.values, got, err, test.want)
		}
	}
}

// FuzzLink: no Link leads to another origin, and none carries a user.
func FuzzLink(f *testing.F) {
	for _, seed := range []string{
		`</v2/a/tags/list?n=1&last=b>; rel="next"`, `<https://evil.example/>; rel=next`, `<//evil.example/x>`, `<?last=a>`,
		`<http://host:5000/x#f>`, `<https://u:p@host:5000/x>`, `<\\evil>`, `<%zz>`, `<https:x>`, `<>`, `<a>,<b>;rel="next"`, `"`,
	} {
		f.Add(seed)
	}
	at := &url.URL{Scheme: "https", Host: "host:5000", Path: "/v2/a/tags/list"}
	f.Fuzz(func(t *testing.T, header string) {
		budget.Affords(t, len(header), func() {
			link, err := NextLink([]string{header})
			if err != nil || link == "" {
				return
			}
			next, err := ResolveLink(at, link, "b")
			if err != nil {
				return
			}
			again, err := url.Parse(withPageSize(next, 1000).String())
			if err != nil {
				t.Fatalf("%q leads to %q, which is no URL: %v", header, next, err)
			}
			for _, u := range []*url.URL{next, again} {
				if u.Scheme != "https" || u.Host != at.Host || u.User != nil {
					t.Fatalf("%q leads to %q", header, u)
				}
			}
		})
	})
}
